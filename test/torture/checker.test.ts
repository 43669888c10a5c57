import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { experiment, phorest, QUICK_CONFIG } from "../run/program.ts";
import { judge } from "./checker.ts";

test("the judge sees a lost frame, a changed picture, a stray file, and a line or result too many or too few", async () => {
  const root = experiment(`${QUICK_CONFIG}[Supervisor]\nshutdown_timeout_seconds = 100\n`);
  const { code, stderr } = await phorest(["run", "--frames", "6", "--until-idle"], root);
  expect(code, stderr).toBe(0);
  const sound = await judge(root, [{ entryId: 1, filename: "first", sha256: undefined }]);
  expect(sound).toMatchObject({ faults: [], frames: 6, local: 6, archived: 0 });

  const db = new Database(join(root, "data/phorest.sqlite"));
  const names = db.prepare<[], string>("SELECT filename FROM entry ORDER BY id").pluck().all();
  db.exec("DELETE FROM result WHERE entry_id = 3 AND roi = 0");
  db.exec("UPDATE entry SET status = 'failed' WHERE id = 4");
  db.close();
  const [gone = "", changed = ""] = names;
  rmSync(join(root, "data", gone));
  const bytes = readFileSync(join(root, "data", changed));
  bytes.writeUInt8(bytes.readUInt8(99) ^ 1, 99);
  writeFileSync(join(root, "data", changed), bytes);
  writeFileSync(join(root, "data/stray.png"), "");
  const csv = join(root, "results/communicating_results.csv");
  const [, first = ""] = readFileSync(csv, "utf8").split("\n");
  appendFileSync(csv, `${first}\n`);

  const { faults } = await judge(root, [{ entryId: 99, filename: "acknowledged.png", sha256: "x" }]);
  for (const fault of [
    `${gone}: ${join(root, "data", gone)} is not there`,
    `${changed}: not what its row says`,
    `${names[2]}: 1 outcomes, 9 results`,
    `${names[3]}: failed`,
    "stray.png: lies in data and no row names it",
    `${gone}: a line is there twice`,
    "acknowledged.png: acknowledged, and lost",
  ]) {
    expect(faults).toContain(fault);
  }
});
