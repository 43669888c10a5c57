import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packageRoot } from "../../src/system/files.ts";

test("set-up on a machine without a compiler says in one line what to install", () => {
  const bin = mkdtempSync(join(tmpdir(), "phorest-bin-"));
  onTestFinished(() => rmSync(bin, { recursive: true, force: true }));
  symlinkSync(process.execPath, join(bin, "node"));
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(packageRoot(), "scripts/setup.mjs")], {
    env: { PATH: bin },
    encoding: "utf8",
  });
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr.trim()).toBe(
    "phorest: cannot compile, g++, make, python3 not found: sudo apt install g++ make python3",
  );
});

test("set-up leaves a SQLite binding that takes no hook of Node for each of its objects", () => {
  const binding = createRequire(import.meta.url).resolve("better-sqlite3/build/Release/better_sqlite3.node");
  const bytes = readFileSync(binding);
  // Its own hook, for the end of a thread, is still there: so it is the right file, and its names are in it.
  expect(bytes.includes("AddEnvironmentCleanupHook")).toBe(true);
  expect(bytes.includes("RemoveEnvironmentCleanupHook")).toBe(false);
});
