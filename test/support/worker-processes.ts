// Finds worker processes through the operating system, for tests that end them.
import { readdirSync, readFileSync } from "node:fs";

/** Returns the ids of the worker processes that `parent` started from the file `worker` of workers/. */
export function workerProcesses(parent: number, worker: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const isChild = new RegExp(`^PPid:\\s+${parent}$`, "m").test(read(pid, "status"));
    return isChild && isAlive(pid) && read(pid, "cmdline").includes(`workers/${worker}.`);
  });
}

/** Whether a process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  return /^State:\s+[^Z]/m.test(read(pid, "status"));
}

/** Returns a file of /proc about a process; empty if the process no longer exists. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}
