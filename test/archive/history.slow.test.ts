import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { moveOut, unfinishedArchives } from "../../src/archive/archive-move.ts";
import { backUp } from "../../src/archive/backup.ts";
import { unpack } from "../../src/archive/compressed-file.ts";
import { ARCHIVE } from "../../src/archive/history.ts";
import { restore } from "../../src/archive/restore.ts";
import { Manifest } from "../../src/manifest/manifest.ts";
import { encodeStatistics } from "../../src/manifest/statistics-codec.ts";
import { START_US } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type Finished, finished, LATER_US, ROIS } from "./finished.ts";

const MOVE = { syncing: false, nowUs: () => LATER_US };
const lines = (text: string) => text.trim().split("\n").slice(1);
const ids = (manifest: Manifest) => manifest.contents.all().map(({ entryId }) => entryId);

/** Ids of the entries in an archive, from its database. */
async function archivedIds({ backupDir }: Finished, path: string): Promise<number[]> {
  const file = join(temporaryDirectory(), "history.sqlite");
  await unpack(join(backupDir, path), ARCHIVE.database, file);
  const archive = Manifest.open({ file, readonly: true });
  try {
    return ids(archive);
  } finally {
    archive.close();
  }
}

async function moveAll(at: Finished): Promise<number> {
  const answer = await at.history();
  return answer === undefined ? 0 : await moveOut(at.manifest, answer.written, MOVE);
}

test("finished frames leave the live files with all that belongs to them, and lie whole in the archive", async () => {
  const at = await finished(40, 25);
  const before = at.manifest.contents.tally();
  const answer = await at.history();
  expect(await moveOut(at.manifest, answer!.written, MOVE)).toBe(25);
  expect(ids(at.manifest)).toEqual(Array.from({ length: 15 }, (_, i) => i + 26));
  expect(await archivedIds(at, answer!.written.path)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
  expect(before).toMatchObject({ entry: 40, outcome: 40, result: 40 * ROIS });
  expect(at.manifest.contents.tally()).toMatchObject({
    entry: 15,
    reading: 15,
    outcome: 15,
    detail: 15,
    result: 15 * ROIS,
  });
  expect(at.manifest.history.counts()).toMatchObject({ total: 15, processed: 15, archived: 25 });
  expect(at.manifest.checks.integrityProblems()).toEqual([]);
  expect(at.manifest.archives.finishedEntries({ beforeUs: LATER_US, limit: 99, syncing: false })).toEqual([]);
});

test.each<[string, (at: Finished) => void]>([
  ["still has its picture here", (at) => at.sql("UPDATE entry SET local = 1 WHERE id = 3")],
  ["is to be measured", (at) => at.sql("UPDATE entry SET status = 'pending' WHERE id = 3")],
  ["is in hand", (at) => at.sql("UPDATE entry SET status = 'processing' WHERE id = 3")],
  ["is marked as missing", (at) => at.sql("UPDATE entry SET missing = 1 WHERE id = 3")],
  ["has a file although its row says it has none", (at) => writeFileSync(join(at.root, "data/image_2.png.gz"), "x")],
  ["is too young", (at) => at.sql(`UPDATE entry SET captured_at_us = ${LATER_US} WHERE id = 3`)],
  ["was not passed by every output", (at) => at.sql("UPDATE delivery SET cursor = 2")],
])("nothing unfinished moves: a frame that %s stays live", async (_what, change) => {
  const at = await finished(6);
  change(at);
  await moveAll(at);
  expect(ids(at.manifest)).toContain(3);
});

test("while a share is in use, a frame without a verified copy there stays live", async () => {
  const at = await finished(6);
  at.sql("UPDATE entry SET image_synced = 1 WHERE id <> 3");
  const answer = await at.history({ syncing: true });
  await moveOut(at.manifest, answer!.written, { ...MOVE, syncing: true });
  expect(ids(at.manifest)).toEqual([3]);
});

test("no update is lost because the manifest was archived in between: a frame that changed meanwhile stays live", async () => {
  const at = await finished(6);
  const answer = await at.history();
  const [analysis] = at.manifest.analyses.all();
  const other = at.manifest.analyses.ensure({ ...analysis!, settings: '{"other":1}' });
  at.manifest.results.add(2, other, RESULT, LATER_US);
  at.add(1);
  at.sql("UPDATE entry SET status = 'pending' WHERE id = 5");
  expect(await moveOut(at.manifest, answer!.written, MOVE)).toBe(4);
  expect(ids(at.manifest)).toEqual([2, 5, 7]);
  expect(at.manifest.results.has(2, other)).toBe(true);
  // Restored, the live rows win and nothing is there twice.
  await backUp(at.config, { type: "snapshot" }, LATER_US);
  const into = join(temporaryDirectory(), "again");
  await restore({ snapshot: join(at.backupDir, "20260602T152000Z"), into, withHistory: true, nowUs: LATER_US });
  const again = Manifest.open({ file: join(into, "data/phorest.sqlite"), readonly: true });
  expect(ids(again)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(again.contents.tally()).toMatchObject({ outcome: 8, result: 8 * ROIS });
  again.close();
});

test("what tracking said beside a method leaves with its frames, and comes back with what it was compared with", async () => {
  const at = await finished(0);
  const [method] = at.manifest.analyses.all();
  const tracking = at.manifest.analyses.ensure({ ...method!, method: "tracking", settings: '{"beside":true}' });
  at.manifest.analyses.noteCompanion(method!.analysisId, tracking);
  at.manifest.references.keepTracking(tracking, Uint8Array.of(1, 2, 3));
  const { position, standardError, quality, flags } = RESULT;
  for (let n = 0; n < 20; n += 1) {
    at.manifest.entries.add({ capturedAtUs: START_US + n, filename: `tracked_${n}.png` });
    const [claim] = at.manifest.entries.claimPending(1, 1);
    const companion = { analysisId: tracking, position: position.map(() => n), standardError, quality, flags };
    at.manifest.complete(claim!, method!.analysisId, { ...RESULT, companion }, 2);
  }
  await at.deliver();
  at.sql("UPDATE entry SET local = 0");
  const lines = readFileSync(at.csv, "utf8");
  const before = at.manifest.contents.tally();
  expect(before).toMatchObject({ entry: 20, outcome: 20, result: 2 * 20 * ROIS });

  expect(await moveAll(at)).toBe(20);
  expect(at.manifest.contents.tally()).toMatchObject({ entry: 0, outcome: 0, result: 0 });
  await backUp(at.config, { type: "snapshot" }, LATER_US);
  const into = join(temporaryDirectory(), "again");
  const snapshot = join(at.backupDir, "20260602T152000Z");
  await restore({ snapshot, into, withHistory: true, nowUs: LATER_US });
  const again = Manifest.open({ file: join(into, "data/phorest.sqlite"), readonly: true });
  expect(again.contents.tally()).toEqual(before);
  expect(again.analyses.companions(method!.analysisId)).toEqual([tracking]);
  expect(again.references.tracking(tracking)).toEqual(Buffer.of(1, 2, 3));
  expect(again.outcomes.after(0, 99).map(({ companion }) => companion?.position[0])).toEqual(
    Array.from({ length: 20 }, (_, n) => n),
  );
  expect(readFileSync(join(into, "results/communicating_results.csv"), "utf8")).toBe(lines);
  again.close();
});

const RESULT = {
  position: new Float64Array(ROIS),
  standardError: new Float64Array(ROIS),
  quality: new Float64Array(ROIS),
  flags: new Uint8Array(ROIS),
  statistics: encodeStatistics(new Float64Array(ROIS * 40), 40),
  brightness: 1,
  contrast: 1,
};

test.each([
  ["written", 40],
  ["after archives.add", 40],
  ["after archives.drop", 24],
  ["after archives.finish", 0],
])("a kill -9 at the step '%s' loses no frame, and the next pass goes on", async (step, left) => {
  const at = await finished(40);
  at.manifest.close();
  const script = fileURLToPath(new URL("children/moves-out.ts", import.meta.url));
  const child = spawnSync(process.execPath, ["--import", "tsx", script, at.root, step], { encoding: "utf8" });
  expect(child.signal, child.stderr).toBe("SIGKILL");
  const manifest = Manifest.open({ file: at.manifestFile });
  try {
    expect(ids(manifest)).toHaveLength(left);
    const { archives, damaged } = await unfinishedArchives(at);
    expect(damaged).toEqual([]);
    for (const archive of archives) await moveOut(manifest, archive, MOVE);
    expect(ids(manifest)).toEqual([]);
    expect(manifest.archives.all()).toHaveLength(1);
    expect(await archivedIds(at, manifest.archives.all()[0]!.path)).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    expect((await unfinishedArchives(at)).archives).toEqual([]);
    expect(manifest.history.counts().archived).toBe(40);
  } finally {
    manifest.close();
  }
});

test("an archive damaged before its rows went is left alone, and its frames stay live", async () => {
  const at = await finished(5);
  const answer = await at.history();
  writeFileSync(join(at.backupDir, answer!.written.path, ARCHIVE.csv), "not this");
  const { archives, damaged } = await unfinishedArchives(at);
  expect(archives).toEqual([]);
  expect(damaged).toEqual([expect.stringContaining(`${ARCHIVE.csv} differs from its checksum in SHA256SUMS`)]);
  expect(ids(at.manifest)).toHaveLength(5);
});

test("the CSV stops growing: lines of archived frames are in the archive's CSV and no longer in the live one", async () => {
  const at = await finished(20, 12);
  const all = lines(readFileSync(at.csv, "utf8"));
  const answer = await at.history();
  await moveOut(at.manifest, answer!.written, MOVE);
  await at.deliver();
  const live = lines(readFileSync(at.csv, "utf8"));
  const archived = lines(
    gunzipSync(readFileSync(join(at.backupDir, answer!.written.path, ARCHIVE.csv))).toString("utf8"),
  );
  expect([live.length, archived.length]).toEqual([8 * ROIS, 12 * ROIS]);
  expect([...archived, ...live]).toEqual(all);
  at.add(3);
  await at.deliver();
  expect(lines(readFileSync(at.csv, "utf8"))).toHaveLength(11 * ROIS);
});

test("one CSV of an archive never mixes analyses; a new version of phorest is no other one", async () => {
  const at = await finished(6);
  at.measureWith({ kernelVersion: "2" });
  at.add(2);
  at.measureWith({ method: "centre" });
  at.add(4);
  await at.deliver();
  at.sql("UPDATE entry SET local = 0");
  const directory = join(at.backupDir, (await at.history())!.written.path);
  const methodsIn = (name: string) =>
    lines(gunzipSync(readFileSync(join(directory, name))).toString("utf8")).map((line) => line.split(",")[2]);
  expect(readdirSync(directory).filter((name) => name.includes("csv"))).toEqual([
    ARCHIVE.csv,
    "history_gaussian.csv.gz",
  ]);
  expect(methodsIn(ARCHIVE.csv)).toEqual(Array.from({ length: 4 * ROIS }, () => "centre"));
  expect(methodsIn("history_gaussian.csv.gz")).toEqual(Array.from({ length: 8 * ROIS }, () => "gaussian"));
  expect(readFileSync(join(directory, "SHA256SUMS"), "utf8")).toContain("history_gaussian.csv.gz");
});

test("a kill between the CSV's shortening and the commit keeps no copy aside and loses no line", async () => {
  const at = await finished(20, 12);
  const recorded = at.manifest.outputs.state("csv");
  await moveAll(at);
  await at.deliver();
  const shortened = readFileSync(at.csv, "utf8");
  // The commit never happened.
  at.sql(`UPDATE output SET cursor = ${recorded.cursor}, state = '${recorded.state}' WHERE name = 'csv'`);
  at.add(1);
  await at.deliver();
  expect(readFileSync(at.csv, "utf8").startsWith(shortened)).toBe(true);
  expect(lines(readFileSync(at.csv, "utf8"))).toHaveLength(9 * ROIS);
});

test("a picture that was archived is known for ever: turning up again it is not taken for a new one", async () => {
  const at = await finished(3);
  await moveAll(at);
  expect(at.manifest.entries.knowsFile("image_1.png")).toBe(true);
  expect(at.manifest.entries.knowsFile("image_1.png.gz")).toBe(true);
  expect(at.manifest.entries.adopt({ filename: "image_1.png", capturedAtUs: 1 })).toBeUndefined();
});

test("an archived picture that had been moved to the share is known where somebody copies it back", async () => {
  const at = await finished(3);
  at.sql("UPDATE entry SET image_synced = 1, directory = '/share/data'");
  await moveAll(at);
  expect(at.manifest.history.counts().total).toBe(0);
  for (const name of ["image_1.png", "image_1.png.gz"]) {
    expect(at.manifest.entries.adopt({ filename: name, capturedAtUs: 1 })).toBeUndefined();
  }
  expect(at.manifest.entries.knowsFile("image_9.png")).toBe(false);
});

test("an archive is not made for a handful of frames: they wait until a day's worth is old enough", async () => {
  const at = await finished(3);
  const [first] = at.manifest.history.entries();
  const oldEnoughUs = first!.capturedAtUs + 30 * 86_400_000_000 + 1e6;
  expect(await at.history({ nowUs: oldEnoughUs })).toBeUndefined();
  expect(await at.history({ nowUs: oldEnoughUs + 86_400_000_000 })).toBeDefined();
  expect(await at.history({ afterDays: 0 })).toBeUndefined();
  expect(existsSync(join(at.backupDir, "history"))).toBe(true);
});
