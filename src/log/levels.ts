// The levels of log lines, and their sources.
import { STAGE_NAMES } from "./stage-names.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Sources of log lines; each has its own log file, `<name>.log`. */
export const LOG_STAGES = ["supervisor", ...STAGE_NAMES, "web"] as const;
export type LogStage = (typeof LOG_STAGES)[number];
