// The state of a stage according to its last heartbeat.
import type { StoredSetAside } from "../manifest/heartbeats.ts";

export interface StageHealth {
  readonly stage: string;
  readonly state: string;
  readonly ageSeconds: number;
  readonly detail: string;
  /** Machine-readable form of the detail; see StageCondition. */
  readonly code?: string | undefined;
  readonly setAside?: StoredSetAside | undefined;
}
