// Work that must not take for ever.

/**
 * The outcome of `work`, or the rejection with `late()` after `limitMs`. The work itself goes on: what is late is
 * abandoned, not undone, and its own failure is then nobody's any more.
 */
export async function withDeadline<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    // setTimeout takes at most 2^31 - 1 ms; a longer limit is as good as none.
    timer = setTimeout(() => reject(late()), Math.min(limitMs, 0x7fffffff));
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
