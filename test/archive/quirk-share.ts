// Shares with the habits of real ones, mounted through FUSE; see quirk-share.py. Where FUSE or Debian's python3-fusepy is absent,
// the tests are skipped with a word, unless PHOREST_REQUIRE_ALL=1.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { hasPython } from "../python.ts";
import { isThere } from "../support/needed.ts";
import { slowOnly } from "../support/slow-only.ts";

export const CAN_FUSE = hasPython("fusepy") && isThere("/dev/fuse", existsSync("/dev/fuse"));

const PROGRAM = fileURLToPath(new URL("./quirk-share.py", import.meta.url));

export interface QuirkShare {
  /** Where it is mounted. */
  readonly point: string;
  /** What is on it, seen without its habits. */
  readonly backing: string;
}

/** Mounts a share with these habits; it is unmounted when the test ends. */
export async function quirkShare(...habits: readonly string[]): Promise<QuirkShare> {
  slowOnly("mounting a share");
  const directory = mkdtempSync(join(tmpdir(), "phorest-quirks-"));
  const [backing, point] = [join(directory, "backing"), join(directory, "point")];
  for (const path of [backing, point]) mkdirSync(path);
  const child = spawn("/usr/bin/python3", [PROGRAM, backing, point, ...habits], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(async () => {
    spawnSync("umount", ["-l", point]);
    await ended(child);
    rmSync(directory, { recursive: true, force: true });
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  while (!readFileSync("/proc/self/mountinfo", "utf8").includes(` ${point} `)) {
    if (child.exitCode !== null) throw new Error(`the share could not be mounted: ${said}`);
    await sleep(20);
  }
  return { point, backing };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  await closed;
}
