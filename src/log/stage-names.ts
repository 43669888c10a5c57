// The names of all stages. Each is also the name of a log file.

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
