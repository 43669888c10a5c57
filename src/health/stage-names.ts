// The stages and their states, as heartbeats store them and people read them.

/** Every stage there is, in the order in which people read them: the data's own way. */
export const STAGES = [
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
export type StageName = (typeof STAGES)[number];

/** What moves between them is in src/supervisor/stage-state.ts. */
export const STAGE_STATES = ["idle", "waiting", "running", "backing_off", "faulted", "stopped"] as const;
export type StageState = (typeof STAGE_STATES)[number];
