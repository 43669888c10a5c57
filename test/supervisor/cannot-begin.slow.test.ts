// A run that cannot begin leaves nothing open: no database, no file, no thread, no timer.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const CHILD = fileURLToPath(new URL("children/cannot-begin.ts", import.meta.url));

/** An experiment with a picture that recovery would add, if the database took it. */
function experiment(): { root: string; file: string } {
  const root = temporaryDirectory();
  const dataDir = join(root, "data");
  mkdirSync(dataDir);
  const file = join(dataDir, MANIFEST_FILENAME);
  Manifest.open({ file }).close();
  return { root, file };
}

function refuseEntries(file: string): void {
  const db = new Database(file);
  db.exec("CREATE TRIGGER refuse BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'no more entries'); END");
  db.close();
}

test.each([
  ["recovery", /no more entries/],
  ["stage", /this stage cannot be opened/],
  ["start", /captured_at_us/],
])("a run whose %s fails leaves the database free for another process and nothing running", async (what, reason) => {
  const { root, file } = experiment();
  if (what === "recovery") {
    refuseEntries(file);
    writeFileSync(join(root, "data", "image_20260101_000000_000000_cam0.png"), "");
  }
  const child = spawn(process.execPath, ["--import", "tsx", CHILD, root, what], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const found = JSON.parse(line) as { reason: string; open: string[] };
  expect(found.reason).toMatch(reason);
  expect(found.open).toEqual([]);
  expect(existsSync(`${file}-wal`)).toBe(false);
  const other = new Database(file, { timeout: 0 });
  other.pragma("locking_mode = EXCLUSIVE");
  other.exec("BEGIN EXCLUSIVE; ROLLBACK");
  other.close();
  child.stdin.end();
  expect(await ended).toEqual([0, null]);
});
