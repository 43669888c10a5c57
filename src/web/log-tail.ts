// The end of the log files, merged in order of time and filtered.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { LOG_LEVELS, LOG_STAGES, type LogLevel, type LogStage } from "../log.ts";
import type { LogLineView } from "./views.ts";

/** Read of each file's end. */
const TAIL_BYTES = 131_072;
const LINE = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (\w+) (.*)$/;

export interface LogQuery {
  readonly stage?: LogStage | undefined;
  /** The least severe that is shown. */
  readonly level: LogLevel;
  /** Only lines with these letters, in any case. */
  readonly text: string;
  readonly lines: number;
}

/** The last lines that match, oldest first. Only the files of known stages are ever opened. */
export function logTail(directory: string, query: LogQuery): LogLineView[] {
  const stages = query.stage === undefined ? LOG_STAGES : [query.stage];
  const severest = LOG_LEVELS.indexOf(query.level);
  const wanted = query.text.toLowerCase();
  const found: LogLineView[] = [];
  for (const stage of stages) {
    for (const line of tail(join(directory, `${stage}.log`)).split("\n")) {
      const parts = LINE.exec(line);
      if (parts === null) continue;
      const [, time = "", level = "", text = ""] = parts;
      if (LOG_LEVELS.indexOf(level as LogLevel) > severest) continue;
      if (wanted !== "" && !line.toLowerCase().includes(wanted)) continue;
      found.push({ time, level, text });
    }
  }
  return found.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)).slice(-query.lines);
}

/** The end of a file, from the beginning of a line; empty where there is no file. */
function tail(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
  try {
    const { size } = fstatSync(descriptor);
    const start = Math.max(0, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - start);
    const read = readSync(descriptor, bytes, 0, bytes.length, start);
    const text = bytes.toString("utf8", 0, read);
    return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    closeSync(descriptor);
  }
}
