// Threads that compute give way to capture and to the manifest's writer.
import { writeFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import { isMainThread } from "node:worker_threads";

/**
 * Lowers the calling thread's priority. On Linux a priority set for process 0 is that thread's alone; on the main thread,
 * and where the whole process runs lower already, nothing changes.
 */
export function lowerPriority(): void {
  const lower = constants.priority.PRIORITY_BELOW_NORMAL;
  if (!isMainThread && getPriority(0) < lower) setPriority(0, lower);
}

/** Lowers the priority of a worker that is a process of its own; call it before anything starts threads. */
export function lowerProcessPriority(): void {
  const lower = constants.priority.PRIORITY_BELOW_NORMAL;
  if (process.send !== undefined && getPriority(0) < lower) setPriority(0, lower);
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
