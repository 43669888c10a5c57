// Gives each test file its own temporary directory, and fails the file if it leaves files there or a process running. Leftovers
// would slow down all later tests and get in the way of other runs. A setup file of vitest.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect } from "vitest";
import { removeTemporaryDirectories } from "./temporary-directory.ts";

/** tsx's compilation cache, shared by all files; otherwise each of them would compile the sources again. */
const COMPILED = `tsx-${process.getuid?.() ?? 0}`;

/** Temporary directory of the process, which may run further test files. */
const outer = tmpdir();
const directory = mkdtempSync(join(outer, "phorest-tests-"));
mkdirSync(join(outer, COMPILED), { recursive: true });
symlinkSync(join(outer, COMPILED), join(directory, COMPILED));
// Like the system's, for tests that work as another user.
chmodSync(directory, 0o1777);
process.env.TMPDIR = directory;

/** Maximum time for processes to end after they were killed. */
const PATIENCE_MS = 60_000;

/** Returns every process that was started here: all of them have this directory in their environment. */
function processes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isStartedHere(name))
    .map((pid) => `${pid} ${commandOf(pid)}`);
}

function isStartedHere(pid: string): boolean {
  try {
    return (
      readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(`TMPDIR=${directory}`) &&
      // The compiler that serves this process's threads ends with it.
      !readlinkSync(`/proc/${pid}/exe`).endsWith("/esbuild")
    );
  } catch {
    // It has ended since it was listed, or belongs to another user.
    return false;
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim();
  } catch {
    // It has ended since it was listed.
    return "";
  }
}

// The first hook of a file runs last at its end.
afterAll(async () => {
  for (let waitedMs = 0; processes().length > 0 && waitedMs < PATIENCE_MS; waitedMs += 50) await sleep(50);
  const running = processes();
  removeTemporaryDirectories();
  const left = readdirSync(directory).filter((name) => name !== COMPILED);
  rmSync(directory, { recursive: true, force: true });
  process.env.TMPDIR = outer;
  expect({ running, left }, "processes and temporary files that this test file has left behind").toEqual({
    running: [],
    left: [],
  });
});
