// The last lines of an experiment's logs, from the files alone: those of all stages in one order of time.
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { LOG_LEVELS, LOG_STAGES, type LogLevel, type LogStage } from "./levels.ts";

export interface LogLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly level: LogLevel;
  readonly stage: LogStage;
  /** The whole line as written. */
  readonly text: string;
}

export interface TailOptions {
  readonly limit: number;
  /** Stages wanted; all when absent. */
  readonly stages?: readonly LogStage[];
  /** The least important level wanted; all when absent. */
  readonly level?: LogLevel;
  /** Only lines with these letters, in any case; all when absent. */
  readonly containing?: string;
}

/** Read from the end of each file; older lines are in the files. */
const BYTES_READ = 256 * 1024;
const LINE = /^(\d{4}-\d{2}-\d{2}T[\d:.]+Z) (\w+) (\w+)[ :]/;

/** The last `limit` lines, oldest first. A directory or file that is not there has no lines. */
export function logTail(
  directory: string,
  { limit, stages = LOG_STAGES, level = "debug", containing = "" }: TailOptions,
): LogLine[] {
  const least = LOG_LEVELS.indexOf(level);
  const letters = containing.toLowerCase();
  const lines = stages.flatMap((stage) =>
    endOf(join(directory, `${stage}.log`))
      .flatMap(parseLine)
      .filter((line) => LOG_LEVELS.indexOf(line.level) <= least && line.text.toLowerCase().includes(letters))
      .slice(-limit),
  );
  return lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)).slice(-limit);
}

function parseLine(text: string): LogLine[] {
  const [, time, level, stage] = LINE.exec(text) ?? [];
  if (time === undefined || !isOneOf(LOG_LEVELS, level) || !isOneOf(LOG_STAGES, stage)) return [];
  return [{ time, level, stage, text }];
}

function isOneOf<T extends string>(known: readonly T[], text: string | undefined): text is T {
  return known.some((one) => one === text);
}

/** Whole lines at the end of a file. */
function endOf(path: string): string[] {
  // The link points to the file being written; rotation or a removed file may leave it pointing nowhere.
  if (!existsSync(path)) return [];
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const from = Math.max(0, size - BYTES_READ);
    const bytes = Buffer.alloc(size - from);
    const length = readSync(file, bytes, 0, bytes.length, from);
    const lines = bytes.toString("utf8", 0, length).split("\n");
    // The first may be the end of a line, the last is being written or empty.
    return lines.slice(from > 0 ? 1 : 0, -1);
  } finally {
    closeSync(file);
  }
}
