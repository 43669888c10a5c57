// Lowers the priority of computing threads below that of capture and of the manifest's writer.
import { writeFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import { isMainThread } from "node:worker_threads";

/**
 * Lowers the calling thread's priority below that of its process's main thread. It is relative, because the whole program may run
 * at a low priority. On Linux, a priority set for process 0 applies only to the calling thread; on the main thread, nothing
 * changes.
 */
export function lowerPriority(): void {
  const lower = below(getPriority(process.pid));
  if (!isMainThread && getPriority(0) < lower) setPriority(0, lower);
}

/** Lowers the priority of a worker process, and of all threads that it starts later. */
export function lowerProcessPriority(): void {
  if (process.send !== undefined) setPriority(0, below(getPriority(0)));
}

function below(priority: number): number {
  const { PRIORITY_BELOW_NORMAL, PRIORITY_NORMAL, PRIORITY_LOW } = constants.priority;
  return Math.min(PRIORITY_LOW, priority + PRIORITY_BELOW_NORMAL - PRIORITY_NORMAL);
}

/** The highest OOM score: the kernel ends this process first. */
const FIRST_TO_GO = "1000";

/**
 * Makes this process the first one that the kernel ends when memory runs out. A process may always do that to itself; if the
 * system refuses, returns the reason.
 */
export function firstToGo(): string | undefined {
  try {
    writeFileSync("/proc/self/oom_score_adj", FIRST_TO_GO);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
