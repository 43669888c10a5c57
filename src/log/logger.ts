// The one logger: a line for each event, on the console, in the log file of its stage, and in a short memory for the
// status. A log that cannot be written is never a reason to stop an experiment: it is said once, and tried again.
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

/** One stage's voice. */
export interface StageLog {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** The same with the level as a value, for lines that come from another thread. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

export interface Logger {
  stage(name: LogStage): StageLog;
  /** The last lines of all stages, oldest first, at most `count`. */
  recent(count?: number): readonly string[];
  /** Writes out what is left and closes the files. Lines that come later reach the console only. Idempotent. */
  close(): Promise<void>;
}

export interface LogOptions {
  /** Where the log files go; undefined writes none. */
  readonly directory?: string;
  readonly level: LogLevel;
  /** One line for each event on standard error. */
  readonly console: boolean;
  /** Age at which a new file begins, brought to a whole part of an hour or day. */
  readonly rotateSeconds: number;
  /** What stands for standard error. */
  readonly stream?: Writable;
}

const REMEMBERED_LINES = 200;
const CLOSE_WITHIN_MS = 2_000;
/** Where winston keeps the finished line. */
const MESSAGE = Symbol.for("message");
/** Streams whose failure is taken care of already. */
const guarded = new WeakSet<Writable>();

interface Line {
  readonly stage: LogStage;
  readonly [MESSAGE]: string;
}

/** Makes the logger. Touches no file before the first line; never throws because of a file. */
export function createLogger(options: LogOptions): Logger {
  const stream = options.stream ?? process.stderr;
  const memory = new LogMemory(REMEMBERED_LINES);
  if (options.console && !guarded.has(stream)) {
    // A closed terminal must not end the run.
    stream.on("error", () => undefined);
    guarded.add(stream);
  }
  /** Past winston: for what is wrong with the log itself, and for lines after its end. */
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
    // winston reports a line after the end as an error of the stream.
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

/** `2026-01-31T12:00:00.000Z info collector frame 12: captured ...` */
function logLine(time: string, level: string, stage: string, message: string, { entry, frame }: LogFields): string {
  const about = [entry === undefined ? "" : ` entry ${entry}`, frame === undefined ? "" : ` frame ${frame}`].join("");
  // One event stays one line, and a file name cannot command the terminal.
  const text = message.replaceAll(/\s*[\r\n]+\s*/g, " | ").replaceAll(/\p{Cc}/gu, " ");
  return `${time} ${level} ${stage}${about}: ${text}`;
}
