// The states of a stage, as stored in heartbeats and shown to people.

/** src/supervisor/stage-state.ts has the transitions between them. */
export const STAGE_STATES = ["idle", "waiting", "running", "backing_off", "faulted", "stopped"] as const;
export type StageState = (typeof STAGE_STATES)[number];
