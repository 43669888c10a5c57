// How important a line of the log is, and who writes it.

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Who writes; each has a log file of its own, `<name>.log`. */
export const LOG_STAGES = [
  "supervisor",
  "collector",
  "processor",
  "communicator",
  "opcua",
  "compressor",
  "backup",
  "syncer",
  "retention",
  "health",
  "web",
] as const;
export type LogStage = (typeof LOG_STAGES)[number];
