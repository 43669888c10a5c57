// Where log lines are stored: a rotated file for each stage, and a memory of the last lines.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import DailyRotateFile from "winston-daily-rotate-file";
import type { LogLevel, LogStage } from "./levels.ts";

const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_FILES = 60;
const REOPEN_AFTER_MS = 10_000;
const CLOSE_WITHIN_MS = 1_000;

interface Rotation {
  /** Option of winston-daily-rotate-file. */
  readonly frequency: string;
  readonly datePattern: string;
}

/**
 * Returns the divisor of an hour or day that is closest to `seconds`: files begin at whole multiples, so that their names say
 * what is in them.
 */
export function rotation(seconds: number): Rotation {
  const minutes = nearestOf([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30], seconds / 60);
  if (seconds < 45 * 60) return { frequency: `${minutes}m`, datePattern: "YYYY-MM-DD[T]HHmm" };
  const hours = nearestOf([1, 2, 3, 4, 6, 8, 12], seconds / 3600);
  if (seconds < 18 * 3600) return { frequency: `${hours}h`, datePattern: "YYYY-MM-DD[T]HH" };
  return { frequency: "daily", datePattern: "YYYY-MM-DD" };
}

function nearestOf(parts: readonly number[], wanted: number): number {
  return parts.reduce((best, part) => (Math.abs(part - wanted) < Math.abs(best - wanted) ? part : best));
}

/** The last lines, oldest first. */
export class LogMemory {
  private readonly lines: string[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  remember(line: string): void {
    this.lines.push(line);
    if (this.lines.length > this.limit) this.lines.shift();
  }

  recent(count = this.limit): readonly string[] {
    return this.lines.slice(Math.max(0, this.lines.length - count));
  }
}

interface StageFile {
  readonly file: DailyRotateFile;
  /** Path of the file being written, after it has been opened. */
  path: string | undefined;
}

/** A rotated file for each stage; opened with its first line, reopened after a failure. */
export class StageFiles {
  private readonly files = new Map<LogStage, StageFile>();
  private readonly directory: string;
  private readonly rotation: Rotation;
  private readonly announce: (level: LogLevel, message: string) => void;
  /** Since when lines have been lost, monotonic clock; undefined if none are. */
  private failedAtMs: number | undefined;

  constructor(directory: string, rotation: Rotation, announce: (level: LogLevel, message: string) => void) {
    this.directory = directory;
    this.rotation = rotation;
    this.announce = announce;
  }

  /** Writes one line to the file of `stage`. Never throws. */
  write(stage: LogStage, line: string): void {
    try {
      this.fileOf(stage)?.file.logStream.write(`${line}\n`);
    } catch (error) {
      this.failed(stage, error);
    }
  }

  /** Returns the open file of a stage; undefined while waiting after a failure. */
  private fileOf(stage: LogStage): StageFile | undefined {
    const open = this.files.get(stage);
    // A deleted file that is still open would accept lines without keeping them.
    if (open !== undefined && (open.path === undefined || existsSync(open.path))) {
      this.recovered();
      return open;
    }
    if (open !== undefined) this.drop(stage);
    if (open === undefined && this.failedAtMs !== undefined && performance.now() - this.failedAtMs < REOPEN_AFTER_MS) {
      return undefined;
    }
    const opened = this.open(stage);
    this.files.set(stage, opened);
    return opened;
  }

  private open(stage: LogStage): StageFile {
    const auditFile = join(this.directory, `.${stage}-audit.json`);
    const create = () =>
      new DailyRotateFile({
        dirname: this.directory,
        filename: `${stage}.%DATE%`,
        extension: ".log",
        ...this.rotation,
        utc: true,
        maxSize: MAX_FILE_BYTES,
        maxFiles: MAX_FILES,
        auditFile,
        createSymlink: true,
        symlinkName: `${stage}.log`,
      });
    if (!isJson(auditFile)) rmSync(auditFile, { force: true });
    let file: DailyRotateFile;
    try {
      file = create();
    } catch {
      // The library treats the names in its list as patterns, and fails if a directory's name is not a valid one.
      rmSync(auditFile, { force: true });
      file = create();
    }
    const opened: StageFile = { file, path: undefined };
    const failed = (error: unknown): void => {
      // Ignore a file that was dropped already.
      if (this.files.get(stage) === opened) this.failed(stage, error);
    };
    file.on("error", failed);
    file.logStream.on("error", failed);
    let next: string | undefined;
    file.on("new", (path: string) => {
      next = path;
      opened.path = undefined;
    });
    file.logStream.on("open", () => {
      opened.path = next;
    });
    return opened;
  }

  private failed(stage: LogStage, error: unknown): void {
    this.drop(stage);
    const first = this.failedAtMs === undefined;
    this.failedAtMs = performance.now();
    if (!first) return;
    const reason = error instanceof Error ? error.message : String(error);
    this.announce("warn", `cannot write the log files: ${reason}; the run continues without them`);
  }

  private recovered(): void {
    if (this.failedAtMs === undefined || performance.now() - this.failedAtMs < 2 * REOPEN_AFTER_MS) return;
    this.failedAtMs = undefined;
    this.announce("info", "log files can be written again");
  }

  private drop(stage: LogStage): void {
    const open = this.files.get(stage);
    this.files.delete(stage);
    open?.file.close?.();
  }

  /** Writes the remaining lines and closes the files. */
  async close(): Promise<void> {
    const open = [...this.files.values()];
    this.files.clear();
    await Promise.all(
      open.map(({ file }) =>
        within(CLOSE_WITHIN_MS, (ended) => {
          file.once("finish", ended);
          file.close?.();
        }),
      ),
    );
  }
}

/** Returns false for a list that a power cut left half-written: with it, the library would never remove an old file again. */
function isJson(path: string): boolean {
  try {
    JSON.parse(readFileSync(path, "utf8"));
    return true;
  } catch {
    return false;
  }
}

/** Resolves when `start` calls back, or after `limitMs`: a log that hangs must not delay a stop. */
export function within(limitMs: number, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
