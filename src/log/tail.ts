// Reads the last lines of an experiment's logs from the files alone, with all stages merged in order of time.
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
  /** Only these stages; all if absent. */
  readonly stages?: readonly LogStage[];
  /** The least important level; all if absent. */
  readonly level?: LogLevel;
  /** Only lines with this text, in any case; all if absent. */
  readonly containing?: string;
}

/** Bytes read from the end of each file; older lines are not shown. */
const BYTES_READ = 256 * 1024;
const LINE = /^(\d{4}-\d{2}-\d{2}T[\d:.]+Z) (\w+) (\w+)[ :]/;

/** Returns the last `limit` lines, oldest first. A missing directory or file has no lines. */
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

/** Returns the complete lines at the end of a file. */
function endOf(path: string): string[] {
  // The link points to the file being written; after a rotation or a removal it may point nowhere.
  if (!existsSync(path)) return [];
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const from = Math.max(0, size - BYTES_READ);
    const bytes = Buffer.alloc(size - from);
    const length = readSync(file, bytes, 0, bytes.length, from);
    const lines = bytes.toString("utf8", 0, length).split("\n");
    // The first may be the end of a line, the last is empty or still being written.
    return lines.slice(from > 0 ? 1 : 0, -1);
  } finally {
    closeSync(file);
  }
}
