// How important a line of the log is, and who writes it: the names of the stages are those of their logs.

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Every stage, in the order in which people read them: the data's own way. */
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

/** Who writes; each has a log file of its own, `<name>.log`. */
export const LOG_STAGES = ["supervisor", ...STAGE_NAMES, "web"] as const;
export type LogStage = (typeof LOG_STAGES)[number];
