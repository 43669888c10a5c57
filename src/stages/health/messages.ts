// Jobs and answers of the health stage's thread, which is opened with the whole configuration. Plain data only.

/** Jobs of the health stage's thread, which is opened with the whole configuration. */
export type HealthJob = { readonly type: "look"; readonly report: boolean };

export interface HealthAnswer {
  /** Number of problems that were notified and are not over. */
  readonly notified: number;
  /** Number of notices that have not been delivered yet. */
  readonly undelivered: number;
}
