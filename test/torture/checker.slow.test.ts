import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { initRemote } from "../../src/archive/remote.ts";
import { experiment, phorest, QUICK_CONFIG } from "../run/program.ts";
import { judge } from "./checker.ts";

test("the judge looks into compressed pictures, copies on the share and archives", async () => {
  const root = experiment(`${QUICK_CONFIG.replace("[Camera]", '[Camera]\nformat = "tiff"')}
[Services]
enable_remote_sync = true
enable_image_compression = true
enable_file_backup = true
[Buffer]
image_buffer_size = 3
[Backup]
archive_after_days = 0.000001
`);
  const remote = join(root, "share");
  mkdirSync(remote);
  writeFileSync(
    join(root, "config.toml"),
    `${readFileSync(join(root, "config.toml"), "utf8")}[Paths]\nremote_root_dir = "${remote}"\n`,
  );
  await initRemote(remote, []);
  for (const args of [
    ["--frames", "8"],
    ["--frames", "1"],
  ]) {
    const { code, stderr } = await phorest(["run", ...args, "--until-idle"], root);
    expect(code, stderr).toBe(0);
  }
  const backup = await phorest(["backup"], root);
  expect(backup.code, backup.stderr).toBe(0);
  const sound = await judge(root, []);
  expect(sound).toMatchObject({ faults: [], frames: 9, local: 3, compressed: 9, synced: 9, removed: 6, archived: 6 });

  const db = new Database(join(root, "data/phorest.sqlite"), { readonly: true });
  const [here = ""] = db.prepare<[], string>("SELECT filename FROM entry ORDER BY id").pluck().all();
  db.close();
  const [there = ""] = readdirSync(join(remote, "data")).sort();
  // Another picture, well packed: only the hashes tell.
  writeFileSync(join(root, "data", here), gzipSync("another picture"));
  rmSync(join(remote, "data", there));
  const history = join(root, "backup/history");
  const [archive = ""] = readdirSync(history);
  const lines = gunzipSync(readFileSync(join(history, archive, "history.csv.gz")))
    .toString("utf8")
    .trim()
    .split("\n");
  writeFileSync(join(history, archive, "history.csv.gz"), gzipSync(lines.slice(0, -1).join("\n")));

  const { faults } = await judge(root, []);
  const plain = (name: string) => name.replace(/\.gz$/, "");
  for (const fault of [
    `${plain(here)}: not what its row says`,
    `${plain(here)}: not the picture captured`,
    `${plain(there)}: ${join(remote, "data", there)} is not there`,
  ]) {
    expect(faults).toContain(fault);
  }
  expect(faults).toContainEqual(expect.stringContaining("history.csv.gz differs from its checksum in SHA256SUMS"));
  expect(faults).toContainEqual(expect.stringMatching(/: 9 CSV lines for 10 ROIs$/));
});

test("the judge sees a lost frame, a changed picture, a stray file, and a line or result too many or too few", async () => {
  const root = experiment(QUICK_CONFIG);
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
