// The states of a stage, as heartbeats store them and people read them.

/** What moves between them is in src/supervisor/stage-state.ts. */
export const STAGE_STATES = ["idle", "waiting", "running", "backing_off", "faulted", "stopped"] as const;
export type StageState = (typeof STAGE_STATES)[number];
