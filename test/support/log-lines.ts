import type { StageLog } from "../../src/log/logger.ts";

/** A stage's log that keeps its messages, of every level, in `lines`. */
export function logLines(): { readonly log: StageLog; readonly lines: string[] } {
  const lines: string[] = [];
  const say = (message: string) => void lines.push(message);
  return { lines, log: { error: say, warn: say, info: say, debug: say, log: (_level, message) => say(message) } };
}
