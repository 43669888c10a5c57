// The eleven ways in which the established system loses data, by their names, each shown to be impossible here:
//
//   entries stuck in processing for ever after a crash                            here
//   the queue thrown away at restart                                              here
//   ring buffer blind to .gz and .bmp                                             here
//   unsynced file deleted because the manifest was rotated                        here
//   the wrong entry marked as synced when one of a batch fails to move            sync-stage.test.ts
//   updates lost because the manifest was archived in between                     sync-stage.test.ts, history.test.ts
//   results written but status not                                                here
//   a corrupt manifest read as an empty one                                       here
//   files "moved" into an unmounted share                                         sync-stage.test.ts
//   results of before a restart missing from the report                           here
//   a worker pool that deadlocks and leaves the line standing for ever            here
import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { encodePicture } from "../../src/image/encode.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { updateCsv } from "../../src/outputs/csv/file/append.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { MeasuringPool } from "../../src/stages/processor/measuring-pool.ts";
import { Retention } from "../../src/stages/retention/stage.ts";
import { LABELS } from "../manifest/frames.ts";
import { fakeClock } from "../support/clock.ts";
import { memoryLog } from "../support/log-lines.ts";
import { Bench } from "./pictures.ts";

const KEEP_ONE = "[Buffer]\nimage_buffer_size = 1\n";
const SYNC = "[Services]\nenable_remote_sync = true\n";

async function runBuffer(bench: Bench): Promise<void> {
  const { log } = memoryLog();
  const { manifest, loaded } = bench;
  const common = { filesInUse: new Set<number>(), nowUs: () => 7, checkPlace: () => undefined };
  const retaining = new Retention({ config: loaded.config, manifest, log, ...common });
  while (await retaining.run());
}

const restart = (bench: Bench) => {
  bench.reopen();
  return bench.manifest.recover({ maxAttempts: 3, nowUs: 5 });
};

test("entries stuck in processing for ever after a crash", () => {
  const bench = new Bench("");
  const entries = ["a.png", "b.png"].map((name) => bench.add(name));
  expect(bench.manifest.entries.claimPending(2, 1)).toHaveLength(2);
  expect(restart(bench).requeued).toBe(2);
  expect(bench.manifest.history.counts()).toMatchObject({ pending: 2, processing: 0 });
  expect(bench.manifest.entries.claimPending(2, 1).map(({ entryId, attempts }) => [entryId, attempts])).toEqual(
    entries.map((entry) => [entry, 2]),
  );
});

test("the queue thrown away at restart", () => {
  const bench = new Bench("");
  const entries = ["a.png", "b.png", "c.png"].map((name) => bench.add(name));
  restart(bench);
  expect(bench.manifest.entries.claimPending(9, 1).map(({ entryId }) => entryId)).toEqual(entries);
});

test("ring buffer blind to .gz and .bmp", async () => {
  const bench = new Bench(KEEP_ONE);
  for (const name of ["a.png.gz", "b.bmp", "c.bmp.gz", "d.tiff", "e.jpg", "f.png"]) bench.add(name);
  bench.finish();
  await runBuffer(bench);
  expect(readdirSync(bench.data).filter((name) => /^[a-f]\./.test(name))).toEqual(["f.png"]);
});

test("unsynced file deleted because the manifest was rotated", async () => {
  const bench = new Bench(KEEP_ONE + SYNC);
  const [rotated = 0, copied = 0] = ["rotated.png", "copied.png", "new.png", "newest.png"].map((name) =>
    bench.add(name),
  );
  bench.finish();
  bench.synced(copied, "data/copied.png");
  bench.sql(
    `DELETE FROM result; DELETE FROM outcome WHERE entry_id = ${rotated}; DELETE FROM entry WHERE id = ${rotated}`,
  );
  await runBuffer(bench);
  // What no row knows is nobody's to remove; of the known ones, only the copied one may go.
  expect(readdirSync(bench.data).filter((name) => name.endsWith(".png"))).toEqual([
    "new.png",
    "newest.png",
    "rotated.png",
  ]);
});

test("results written but status not", () => {
  const bench = new Bench("");
  const entry = bench.add("a.png");
  const [claim] = bench.manifest.entries.claimPending(1, 1);
  if (claim === undefined) throw new Error("nothing was claimed");
  const damaged = { position: new Float64Array(LABELS.length) };
  // It breaks after the first rows were written: neither they nor the state may remain.
  expect(() => bench.manifest.complete(claim, bench.analysisId, damaged as never, 2)).toThrow();
  expect(bench.row(entry)).toMatchObject({ status: "processing" });
  expect(bench.manifest.outcomes.after(0, 9)).toEqual([]);
  restart(bench);
  bench.measure();
  expect(bench.row(entry)).toMatchObject({ status: "processed" });
  expect(bench.manifest.outcomes.after(0, 9)).toHaveLength(1);
});

test("a corrupt manifest read as an empty one", () => {
  const bench = new Bench("");
  bench.add("a.png");
  bench.manifest.close();
  const file = bench.path(MANIFEST_FILENAME);
  for (const damage of ["", "{ not a database", Buffer.alloc(8192, 1)]) {
    writeFileSync(file, damage);
    expect(() => Manifest.open({ file })).toThrow(expect.objectContaining({ code: "manifest.corrupt" }));
    expect(readFileSync(file).equals(Buffer.from(damage))).toBe(true);
  }
  expect(existsSync(bench.path("a.png"))).toBe(true);
});

test("results of before a restart missing from the report", async () => {
  const bench = new Bench("");
  bench.add("a.png");
  bench.measure();
  restart(bench);
  bench.add("b.png");
  bench.measure();
  const csv = bench.path("report.csv");
  await updateCsv(csv, undefined, (cursor, limit) => bench.manifest.outcomes.after(cursor, limit));
  const lines = readFileSync(csv, "utf8").trim().split("\n").slice(1);
  expect(lines).toHaveLength(2 * LABELS.length);
  expect(lines.filter((line) => line.includes("a.png"))).toHaveLength(LABELS.length);
});

test("a worker pool that deadlocks and leaves the line standing for ever", async () => {
  const bench = new Bench("");
  const simulator = createSimulator({ width: 320, height: 240 });
  // A pipe that nobody writes to: whoever opens it waits for ever.
  execFileSync("mkfifo", [bench.path("hangs.png")]);
  onTestFinished(() => closeSync(openSync(bench.path("hangs.png"), constants.O_RDWR | constants.O_NONBLOCK)));
  writeFileSync(bench.path("good.png"), await encodePicture(simulator.render(0, 1), "png"));
  const { log } = memoryLog();
  const pool = new MeasuringPool({ threads: 1, frameTimeoutMs: 8000, log });
  onTestFinished(() => pool.close());
  await pool.prepare();
  // The time passes for the picture that hangs, and for no other one, however slow the machine is.
  const clock = fakeClock();
  const settings = {
    method: "gaussian",
    subRois: 5,
    sampling: "precise",
    bitDepthScaling: "stretch",
    debug: false,
  } as const;
  const measure = (name: string) =>
    pool.measure({ picture: bench.path(name), roiManifestJson: formatRoiManifest(simulator.roiManifest()), settings });
  const hangs = expect(measure("hangs.png")).rejects.toMatchObject({ code: "analysis.failed", retry: "later" });
  await clock.advance(8000);
  await hangs;
  expect(await measure("good.png")).toMatchObject({ ok: true });
});
