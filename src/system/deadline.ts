// Work that must not take for ever.

/** setTimeout and setInterval take at most 2^31 - 1 ms (24.8 days); anything longer would fire at once. */
export const LONGEST_TIMER_MS = 0x7fffffff;

/**
 * The outcome of `work`, or the rejection with `late()` after `limitMs`. The work itself goes on: what is late is
 * abandoned, not undone, and its own failure is then nobody's any more.
 */
export async function withDeadline<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.min(limitMs, LONGEST_TIMER_MS));
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
