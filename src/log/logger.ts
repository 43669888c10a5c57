// The logger: writes one line per event to the console, to the log file of its stage, and to a short memory for the status. A log
// that cannot be written never stops an experiment: this is reported once, and retried.
import { Writable } from "node:stream";
import winston from "winston";
import { LogMemory, rotation, StageFiles, within } from "./file-rotation.ts";
import { LOG_LEVELS, type LogLevel, type LogStage } from "./levels.ts";

/** What a line is about, besides its stage. */
interface LogFields {
  /** Row id of the entry. */
  readonly entry?: number;
  /** Number of the frame in this run. */
  readonly frame?: number;
}

/** The log of one stage. */
export interface StageLog {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** Logs with the level as a value, for lines that come from another thread. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

export interface Logger {
  stage(name: LogStage): StageLog;
  /** Returns the last lines of all stages, oldest first, at most `count`. */
  recent(count?: number): readonly string[];
  /** Writes the remaining lines and closes the files. Later lines go only to the console. Idempotent. */
  close(): Promise<void>;
}

export interface LogOptions {
  /** Directory of the log files; undefined: none are written. */
  readonly directory?: string;
  readonly level: LogLevel;
  /** Whether to write one line per event to standard error. */
  readonly console: boolean;
  /** Age at which a new file begins, rounded to a divisor of an hour or day. */
  readonly rotateSeconds: number;
  /** Replacement for standard error. */
  readonly stream?: Writable;
}

const REMEMBERED_LINES = 200;
const CLOSE_WITHIN_MS = 2_000;
/** Where winston puts the finished line. */
const MESSAGE = Symbol.for("message");
/** Streams whose errors are handled already. */
const guarded = new WeakSet<Writable>();

interface Line {
  readonly stage: LogStage;
  readonly [MESSAGE]: string;
}

/** Creates the logger. Touches no file before the first line; never throws because of a file. */
export function createLogger(options: LogOptions): Logger {
  const stream = options.stream ?? process.stderr;
  const memory = new LogMemory(REMEMBERED_LINES);
  if (options.console && !guarded.has(stream)) {
    // A closed terminal must not end the run.
    stream.on("error", () => undefined);
    guarded.add(stream);
  }
  /** Bypasses winston: for problems of the log itself, and for lines after its end. */
  const announce = (level: LogLevel, message: string, stage: LogStage = "supervisor"): void => {
    const line = logLine(new Date().toISOString(), level, stage, message, {});
    memory.remember(line);
    if (options.console) stream.write(`${line}\n`);
  };

  const files =
    options.directory === undefined
      ? undefined
      : new StageFiles(options.directory, rotation(options.rotateSeconds), announce);
  const sink = new Writable({
    objectMode: true,
    write({ stage, [MESSAGE]: line }: Line, _encoding, done) {
      memory.remember(line);
      files?.write(stage, line);
      done();
    },
  });
  const transports = [new winston.transports.Stream({ stream: sink })];
  if (options.console) transports.push(new winston.transports.Stream({ stream, eol: "\n" }));
  const lines = winston.format.printf(({ timestamp, level, stage, message, fields }) =>
    logLine(String(timestamp), level, String(stage), String(message), fields as LogFields),
  );
  const logger = winston.createLogger({
    levels: Object.fromEntries(LOG_LEVELS.map((level, rank) => [level, rank])),
    level: options.level,
    format: winston.format.combine(winston.format.timestamp(), lines),
    transports,
    exitOnError: false,
  });
  logger.on("error", (error: Error) => announce("error", `logging failed: ${error.message}`));

  let closing: Promise<void> | undefined;
  const write = (stage: LogStage, level: LogLevel, message: string, fields: LogFields = {}): void => {
    // winston would report a line after the end as an error of the stream.
    if (closing === undefined) logger.log({ level, message, stage, fields });
    else if (LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(options.level)) announce(level, message, stage);
  };
  return {
    stage: (name) => ({
      error: (message, fields) => write(name, "error", message, fields),
      warn: (message, fields) => write(name, "warn", message, fields),
      info: (message, fields) => write(name, "info", message, fields),
      debug: (message, fields) => write(name, "debug", message, fields),
      log: (level, message, fields) => write(name, level, message, fields),
    }),
    recent: (count) => memory.recent(count),
    close: () => {
      closing ??= within(CLOSE_WITHIN_MS, (done) => {
        logger.once("finish", done);
        logger.end();
      }).then(() => files?.close());
      return closing;
    },
  };
}

/** Formats a line: `2026-01-31T12:00:00.000Z info collector frame 12: captured ...` */
function logLine(time: string, level: string, stage: string, message: string, { entry, frame }: LogFields): string {
  const about = [entry === undefined ? "" : ` entry ${entry}`, frame === undefined ? "" : ` frame ${frame}`].join("");
  // One event stays one line, and a file name cannot control the terminal.
  const text = message.replaceAll(/\s*[\r\n]+\s*/g, " | ").replaceAll(/\p{Cc}/gu, " ");
  return `${time} ${level} ${stage}${about}: ${text}`;
}
