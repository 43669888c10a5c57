// A time window.

/** Times of frames, µs since 1970; `toUs` exclusive. */
export interface TimeWindow {
  readonly fromUs: number;
  readonly toUs: number;
}

/** All time. */
export const ALWAYS: TimeWindow = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };
