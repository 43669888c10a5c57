// The two clocks: the wall clock, which may jump, and the monotonic clock, which does not.

/** The monotonic clock in ms. It has the same zero in every thread, unlike performance.now(). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** The wall clock, microseconds since the epoch. */
export function wallClockUs(): number {
  return Date.now() * 1000;
}
