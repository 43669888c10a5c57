import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { moveOut } from "../../src/archive/archive-move.ts";
import { backUp } from "../../src/archive/backup.ts";
import { completeBackups, newestBackup, sweepUnfinished } from "../../src/archive/backup-directory.ts";
import { restore } from "../../src/archive/restore.ts";
import { writeSnapshot } from "../../src/archive/snapshot.ts";
import { Manifest } from "../../src/manifest/manifest.ts";
import { phorest } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type Finished, finished, LATER_US, ROIS } from "./finished.ts";

const SECOND_US = 1_000_000;

async function snapshot(at: Finished, nowUs = LATER_US): Promise<string> {
  const roiManifestFile = join(at.root, "ROI_manifest.json");
  return (await writeSnapshot({ config: at.config, roiManifestFile, nowUs })).path;
}

test("a snapshot is whole by the word of sha256sum, and taken while another connection goes on writing", async () => {
  const at = await finished(300, 0);
  const writing = setInterval(() => at.add(1), 1);
  const path = await snapshot(at);
  clearInterval(writing);
  expect(readdirSync(path)).toContain("README.txt");
  const checked = spawnSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: path, encoding: "utf8" });
  expect(checked.status, checked.stderr).toBe(0);
  const into = join(temporaryDirectory(), "again");
  const { entries } = await restore({ snapshot: path, into, withHistory: true, nowUs: LATER_US });
  expect(entries).toBeGreaterThanOrEqual(300);
  const again = Manifest.open({ file: join(into, "data/phorest.sqlite"), readonly: true });
  expect(again.checks.integrityProblems()).toEqual([]);
  const all = at.manifest.results.sensorgram({ analysisId: 1, roi: 1 });
  const back = again.results.sensorgram({ analysisId: 1, roi: 1 });
  expect(back.position).toEqual(all.position.slice(0, back.position.length));
  expect(back.position).toHaveLength(entries);
  again.close();
});

test("each snapshot holds the results since the one before, as records a line", async () => {
  const at = await finished(5, 0);
  const records = (path: string) =>
    gunzipSync(readFileSync(join(path, "results.jsonl.gz")))
      .toString("utf8")
      .trim()
      .split("\n");
  expect(records(await snapshot(at))).toHaveLength(5);
  at.add(2);
  const [record, ...rest] = records(await snapshot(at, LATER_US + SECOND_US));
  expect(rest).toHaveLength(1);
  expect(JSON.parse(record ?? "")).toMatchObject({ image_filename: "image_5.png", processing_successful: true });
});

test("the CSV in a snapshot ends where the database says, even while further lines are being written", async () => {
  const at = await finished(4, 0);
  const delivered = readFileSync(at.csv, "utf8");
  writeFileSync(at.csv, `${delivered}half a li`);
  const path = await snapshot(at);
  expect(gunzipSync(readFileSync(join(path, "communicating_results.csv.gz"))).toString("utf8")).toBe(delivered);
});

test("backups from before the clock was set back are the older ones: the one just made stays", async () => {
  const at = await finished(2, 0, "[Backup]\nkeep = 2\n");
  const make = (us: number) => backUp(at.config, { type: "snapshot" }, us);
  for (const years of [1, 2]) await make(LATER_US + years * 365 * 86_400 * SECOND_US);
  expect(await make(LATER_US)).toMatchObject({ removed: ["20270602T152000Z"] });
  expect(newestBackup(at.backupDir, LATER_US)).toBe("20260602T152000Z");
  await make(LATER_US + 9 * SECOND_US);
  expect(completeBackups(at.backupDir)).toEqual(["20260602T152000Z", "20260602T152009Z"]);
});

test("Backup.keep bounds the snapshots; archived history is never removed", async () => {
  const at = await finished(6, 3, "[Backup]\nkeep = 2\n");
  const answer = await at.history();
  await moveOut(at.manifest, answer!.written, { syncing: false, nowUs: () => LATER_US });
  for (let n = 0; n < 4; n += 1) await backUp(at.config, { type: "snapshot" }, LATER_US + n * SECOND_US);
  expect(completeBackups(at.backupDir)).toEqual(["20260602T152002Z", "20260602T152003Z"]);
  expect(completeBackups(join(at.backupDir, "history"))).toHaveLength(1);
});

test("what a dead process left half-built is no backup, and is swept; what a living one builds is left alone", async () => {
  const at = await finished(1);
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  for (const pid of [dead, 1]) mkdirSync(join(at.backupDir, `.20260101T000000Z.${pid}.part`), { recursive: true });
  expect(completeBackups(at.backupDir)).toEqual([]);
  expect(await sweepUnfinished(at.backupDir)).toEqual([`.20260101T000000Z.${dead}.part`]);
});

test.each(["phorest.sqlite.gz", "communicating_results.csv.gz", "config.toml", "backup.json", "README.txt"])(
  "one changed byte in %s: the restore refuses, names the file, and writes nothing",
  async (name) => {
    const at = await finished(2, 0);
    const path = await snapshot(at);
    const bytes = readFileSync(join(path, name));
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    writeFileSync(join(path, name), bytes);
    const directory = temporaryDirectory();
    const into = join(directory, "again");
    await expect(restore({ snapshot: path, into, withHistory: true, nowUs: 0 })).rejects.toMatchObject({
      code: "backup.damaged",
      message: expect.stringContaining(`${name} differs from its checksum in SHA256SUMS`),
    });
    expect(readdirSync(directory)).toEqual([]);
  },
);

test("a restore into a directory that is not empty is refused", async () => {
  const at = await finished(2, 0);
  const path = await snapshot(at);
  await expect(restore({ snapshot: path, into: at.root, withHistory: true, nowUs: 0 })).rejects.toMatchObject({
    code: "usage.invalid",
  });
});

test("results of before a restart, a backup and an archive are all in the report of the restored experiment", async () => {
  const at = await finished(30, 20);
  const all = readFileSync(at.csv, "utf8").trim().split("\n").slice(1);
  const answer = await at.history();
  await moveOut(at.manifest, answer!.written, { syncing: false, nowUs: () => LATER_US });
  await at.deliver();
  const path = await snapshot(at);
  at.manifest.close();
  const into = join(temporaryDirectory(), "again");
  const restored = await phorest(["restore", path, "--into", into], at.root);
  expect(restored.code, restored.stderr).toBe(0);
  for (const command of ["status", "verify", "report"]) {
    const { code, stderr, stdout } = await phorest([command], into);
    expect(code, `${command}: ${stderr}${stdout}`).toBe(0);
  }
  const lines = readFileSync(join(into, "results/communicating_results.csv"), "utf8").trim().split("\n").slice(1);
  expect(lines.sort()).toEqual(all.sort());
  expect(lines).toHaveLength(30 * ROIS);

  const apart = join(temporaryDirectory(), "apart");
  expect((await phorest(["restore", path, "--into", apart, "--without-history"], at.root)).code).toBe(0);
  expect((await phorest(["verify"], apart)).code).toBe(0);
  expect(completeBackups(join(apart, "backup/history"))).toHaveLength(1);
});

test("pictures: copied from where one says, found on the share, or marked as missing", async () => {
  const at = await finished(4, 0);
  const pictures = temporaryDirectory();
  writeFileSync(join(pictures, "image_0.png"), "zero");
  at.sql("UPDATE entry SET image_synced = 1, remote_path = 'data/image_1.png' WHERE id = 2");
  at.sql("UPDATE entry SET sha256 = 'of another picture' WHERE id = 3");
  writeFileSync(join(pictures, "image_2.png"), "wrong");
  const path = await snapshot(at);
  const into = join(temporaryDirectory(), "again");
  const restored = await restore({ snapshot: path, into, withHistory: true, pictures, nowUs: LATER_US });
  expect(restored).toMatchObject({ pictures: 1, remote: 1, missing: 2 });
  expect(readFileSync(join(into, "data/image_0.png"), "utf8")).toBe("zero");
  expect(existsSync(join(into, "data/image_2.png"))).toBe(false);
  const again = Manifest.open({ file: join(into, "data/phorest.sqlite"), readonly: true });
  expect([...again.checks.pictures()].map(({ local, missing }) => [local, missing])).toEqual([
    [true, false],
    [false, false],
    [true, true],
    [true, true],
  ]);
  again.close();
});

test("pictures that were compressed since the snapshot are taken as they are now, if they are the same pictures", async () => {
  const at = await finished(2, 0);
  const pictures = temporaryDirectory();
  const sha256 = createHash("sha256").update("zero").digest("hex");
  at.sql(
    `UPDATE entry SET sha256 = '${sha256}', missing = 1 WHERE id = 1; UPDATE entry SET sha256 = '${sha256}' WHERE id = 2`,
  );
  writeFileSync(join(pictures, "image_0.png.gz"), gzipSync("zero"));
  writeFileSync(join(pictures, "image_1.png.gz"), gzipSync("another"));
  const path = await snapshot(at);
  const into = join(temporaryDirectory(), "again");
  const restored = await restore({ snapshot: path, into, withHistory: true, pictures, nowUs: LATER_US });
  expect(restored).toMatchObject({ pictures: 1, missing: 1 });
  const again = Manifest.open({ file: join(into, "data/phorest.sqlite"), readonly: true });
  expect([...again.checks.pictures()][0]).toMatchObject({ filename: "image_0.png.gz", local: true, missing: false });
  again.close();
  expect(gunzipSync(readFileSync(join(into, "data/image_0.png.gz"))).toString()).toBe("zero");
  expect(readdirSync(join(into, "data"))).not.toContain("image_1.png.gz");
});
