// The two clocks: the wall clock, which may jump, and the monotonic one, which only runs.

/** The monotonic clock in ms. Every thread counts it from the same zero, unlike performance.now(). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** The wall clock, microseconds since the epoch. */
export function wallClockUs(): number {
  return Date.now() * 1000;
}
