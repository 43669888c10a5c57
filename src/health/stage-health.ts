// One stage as its last heartbeat shows it.
import type { StoredSetAside } from "../manifest/heartbeats.ts";

export interface StageHealth {
  readonly stage: string;
  readonly state: string;
  readonly ageSeconds: number;
  readonly detail: string;
  /** What the detail says, for code to act on; see StageCondition. */
  readonly code?: string | undefined;
  readonly setAside?: StoredSetAside | undefined;
}
