// Threads that compute give way to capture and to the manifest's writer.
import { writeFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import { isMainThread } from "node:worker_threads";

/**
 * Lowers the calling thread's priority below that of its process's main thread, relative to it: the whole program may run at a
 * low one. On Linux a priority set for process 0 is the calling thread's alone; on the main thread nothing changes.
 */
export function lowerPriority(): void {
  const lower = below(getPriority(process.pid));
  if (!isMainThread && getPriority(0) < lower) setPriority(0, lower);
}

/** Lowers the priority of a worker that is a process of its own, with all threads that it starts later. */
export function lowerProcessPriority(): void {
  if (process.send !== undefined) setPriority(0, below(getPriority(0)));
}

function below(priority: number): number {
  const { PRIORITY_BELOW_NORMAL, PRIORITY_NORMAL, PRIORITY_LOW } = constants.priority;
  return Math.min(PRIORITY_LOW, priority + PRIORITY_BELOW_NORMAL - PRIORITY_NORMAL);
}

/** The kernel's highest score: the process it ends first. */
const FIRST_TO_GO = "1000";

/**
 * Makes this process, and no other, the one that the kernel ends when memory runs out. A process may always do that to
 * itself; where the system does not allow it, the reason is returned.
 */
export function firstToGo(): string | undefined {
  try {
    writeFileSync("/proc/self/oom_score_adj", FIRST_TO_GO);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
