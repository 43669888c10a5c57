// Time limits for asynchronous work.

/** setTimeout and setInterval take at most 2^31 - 1 ms (24.8 days); anything longer would fire at once. */
export const LONGEST_TIMER_MS = 0x7fffffff;

/**
 * Returns the result of `work`, or rejects with `late()` after `limitMs`. The work itself continues: late work is abandoned, not
 * undone, and its own failure is ignored.
 */
export function withDeadline<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  return orAfter(work, limitMs, () => {
    throw late();
  });
}

/** Whether `work` ended within `limitMs`. Rejects if the work fails within it; the work itself continues. */
export function isDoneWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const done = work.then(() => true);
  return orAfter(done, limitMs, () => false);
}

async function orAfter<T>(work: Promise<T>, limitMs: number, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<T>((resolve, reject) => {
    const end = () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    };
    timer = setTimeout(end, Math.min(limitMs, LONGEST_TIMER_MS));
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
