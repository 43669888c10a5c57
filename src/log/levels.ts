// The levels of log lines, and their sources: stages have the names of their logs.

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** All stages, in the order of the data's path, in which they are shown. */
export const STAGE_NAMES = [
  "collector",
  "processor",
  "communicator",
  "opcua",
  "compressor",
  "syncer",
  "retention",
  "backup",
  "health",
] as const;
export type StageName = (typeof STAGE_NAMES)[number];

/** Sources of log lines; each has its own log file, `<name>.log`. */
export const LOG_STAGES = ["supervisor", ...STAGE_NAMES, "web"] as const;
export type LogStage = (typeof LOG_STAGES)[number];
