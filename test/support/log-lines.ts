// Stage logs that record what was written.
import type { LogLevel } from "../../src/log/levels.ts";
import type { StageLog } from "../../src/log/logger.ts";

export interface Line {
  readonly level: LogLevel;
  readonly message: string;
}

/** Returns a stage log that records its lines with their levels in `lines`. */
export function memoryLog(): { readonly log: StageLog; readonly lines: Line[] } {
  const lines: Line[] = [];
  const log = (level: LogLevel, message: string) => void lines.push({ level, message });
  return {
    lines,
    log: {
      log,
      error: (message) => log("error", message),
      warn: (message) => log("warn", message),
      info: (message) => log("info", message),
      debug: (message) => log("debug", message),
    },
  };
}

/** Returns a stage log that records its messages, of every level, in `lines`. */
export function logLines(): { readonly log: StageLog; readonly lines: string[] } {
  const lines: string[] = [];
  const say = (message: string) => void lines.push(message);
  return { lines, log: { error: say, warn: say, info: say, debug: say, log: (_level, message) => say(message) } };
}
