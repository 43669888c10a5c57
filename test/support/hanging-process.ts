// Worker processes that hang, for tests that kill one at work: a process that works may be done before a slow test gets to it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "./temporary-directory.ts";
import { workerProcesses } from "./worker-processes.ts";

/**
 * Processes that this one starts from the file `worker` of workers/ hang before they do anything, until the returned function is
 * called or the test ends; then those that still hang are killed.
 */
export function letHang(worker: string): () => void {
  const preload = join(temporaryDirectory(), "hang.cjs");
  const forEver = "for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";
  writeFileSync(preload, `if (process.argv[1]?.includes("workers/${worker}.")) ${forEver}\n`);
  const { NODE_OPTIONS: before = "" } = process.env;
  process.env.NODE_OPTIONS = `${before} --require ${preload}`;
  const end = () => {
    process.env.NODE_OPTIONS = before;
  };
  onTestFinished(() => {
    end();
    for (const pid of workerProcesses(process.pid, worker)) process.kill(pid, "SIGKILL");
  });
  return end;
}
