import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import { experimentHolder, lockExperiment, networkFileSystem } from "../../src/manifest/lock.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { ended, startChild } from "./experiment.ts";

function refusal(directory: string): Failure {
  try {
    lockExperiment(directory).release();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("the lock was given twice");
}

describe("the lock of an experiment", () => {
  it("refuses a second process, naming the first, and is free as soon as that one is killed", async () => {
    const directory = temporaryDirectory();
    const { child } = await startChild("holds-lock", directory);

    const failure = refusal(directory);
    expect(failure.code).toBe("experiment.locked");
    expect(failure.line).toContain(directory);
    expect(failure.line).toContain(`process ${child.pid}`);
    expect(failure.line).not.toContain("\n");
    expect(experimentHolder(directory)?.pid).toBe(child.pid);

    child.kill("SIGKILL");
    await ended(child);
    expect(experimentHolder(directory)).toBeUndefined();
    lockExperiment(directory).release();
  });

  it("refuses a second holder within the same process until the first releases it", () => {
    const directory = temporaryDirectory();
    const lock = lockExperiment(directory);
    expect(refusal(directory).code).toBe("experiment.locked");
    expect(experimentHolder(directory)?.pid).toBe(process.pid);
    lock.release();
    lock.release();
    expect(experimentHolder(directory)).toBeUndefined();
    lockExperiment(directory).release();
  });

  it("says in one line that the data directory does not exist", () => {
    expect(() => lockExperiment(join(temporaryDirectory(), "nowhere"))).toThrow(/nowhere does not exist/);
  });

  it("is not held by the note of a holder that is gone", () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "phorest.holder.json"), '{"pid": 1, "host": "x", "since": "y"}');
    expect(experimentHolder(directory)).toBeUndefined();
    lockExperiment(directory).release();
  });
});

describe("networkFileSystem", () => {
  it("names the kind of share the directory is on, by the innermost mount", () => {
    const directory = temporaryDirectory();
    const share = join(directory, "a share");
    const local = join(share, "local");
    mkdirSync(local, { recursive: true });
    const mounts = [
      "21 1 8:1 / / rw - ext4 /dev/sda1 rw",
      `22 21 0:31 / ${share.replaceAll(" ", "\\040")} rw - cifs //nas/data rw`,
      `23 22 8:17 / ${local.replaceAll(" ", "\\040")} rw - ext4 /dev/sdb1 rw`,
    ].join("\n");
    expect(networkFileSystem(share, mounts)).toBe("cifs");
    expect(networkFileSystem(local, mounts)).toBeUndefined();
    expect(networkFileSystem(directory, mounts)).toBeUndefined();
  });
});
