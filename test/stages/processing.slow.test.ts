import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { encodePicture } from "../../src/image/encode.ts";
import { createLogger } from "../../src/log/logger.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { updateCsv } from "../../src/outputs/csv/file/append.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { Processor } from "../../src/stages/processor/stage.ts";
import { writeDurably } from "../../src/system/files.ts";
import { letHang } from "../support/hanging-process.ts";
import { workerProcesses } from "../support/worker-processes.ts";

const SETTINGS = {
  method: "gaussian",
  subRois: 10,
  sampling: "precise",
  bitDepthScaling: "stretch",
  debug: false,
} as const;

/** Pending frames of a small simulated chip, and a processing stage whose manifest is `dress`ed up. */
async function line(
  dress: (manifest: Manifest) => Manifest,
  picture?: Uint8Array,
  {
    frames = 1,
    threads = 1,
    companion = false,
    freed = () => undefined,
    checkPlace = () => undefined,
  }: { frames?: number; threads?: number; companion?: boolean; freed?: () => void; checkPlace?: () => void } = {},
) {
  const directory = mkdtempSync(join(tmpdir(), "phorest-processing-"));
  const simulator = createSimulator({ width: 640, height: 480 });
  const roiManifestFile = join(directory, "rois.json");
  await writeDurably(roiManifestFile, formatRoiManifest(simulator.roiManifest()));
  const bytes = picture ?? (await encodePicture(simulator.render(0, 1), "png"));
  const manifest = Manifest.open({ file: join(directory, MANIFEST_FILENAME) });
  const version = { config: "{}", version: "0", nodeVersion: "0", host: "test", pid: 1 };
  const runId = manifest.runs.begin({ ...version, startedAtUs: 1 });
  for (let nth = 0; nth < frames; nth++) {
    const filename = `frame${nth}.png`;
    writeFileSync(join(directory, filename), bytes);
    manifest.entries.add({ runId, capturedAtUs: 1 + nth, filename, filepath: directory });
  }
  const log = createLogger({ level: "error", console: false, rotateSeconds: 3600 });
  const processing = new Processor({
    manifest: dress(manifest),
    log: log.stage("processor"),
    runId,
    settings: SETTINGS,
    ...(companion ? { companion: { ...SETTINGS, method: "tracking", referenceFrames: 2 } } : {}),
    roiManifestFile,
    pictures: { dataDir: directory, remoteRoot: "", followLinks: false },
    threads,
    batchSize: 16,
    maxAttempts: 3,
    frameTimeoutMs: 60_000,
    everyMs: 1000,
    nowUs: () => 2,
    checkPlace,
    happened: (event) => event === "freed" && freed(),
  });
  onTestFinished(async () => {
    await processing.flush(10_000);
    await log.close();
    manifest.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { manifest, processing, roiManifestFile };
}

/** The manifest, in which no result can be stored while `isRefused`. */
function refusing(real: Manifest, systemCode: string, isRefused: () => boolean): Manifest {
  const refuse = () => {
    throw Object.assign(new Error("as the system says it"), { code: systemCode });
  };
  return new Proxy(real, {
    get: (target, name) => {
      if (isRefused() && (name === "complete" || name === "fail")) return refuse;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Keeps frames from being measured while `work` looks at what is in hand; they are measured when it is done. */
async function whileMeasured<T>(processing: Processor, work: () => Promise<T>): Promise<T> {
  const { pool } = processing as unknown as { pool: { measure: (...request: unknown[]) => Promise<unknown> } };
  const measure = pool.measure.bind(pool);
  let release = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    release = resolve;
  });
  pool.measure = async (...request) => {
    await done;
    return measure(...request);
  };
  try {
    return await work();
  } finally {
    release();
    await untilAtRest(processing);
    pool.measure = measure;
  }
}

async function untilAtRest(processing: Processor): Promise<void> {
  while (processing.framesMeasuring > 0) await sleep(10);
}

test.each([
  ["too full for a result", "SQLITE_FULL", "disk.full"],
  ["that gives input/output errors", "EIO", "disk.failed"],
  ["whose manifest cannot be written for such errors", "SQLITE_IOERR_WRITE", "disk.failed"],
  ["whose database refuses a row", "SQLITE_CONSTRAINT_PRIMARYKEY", "manifest.failed"],
  ["gone read-only", "EROFS", "disk.failed"],
  ["whose permission is lost", "EACCES", "disk.failed"],
])("a disk %s makes the stage wait and costs the frame none of its attempts", async (_what, systemCode, code) => {
  let full = true;
  const { manifest, processing } = await line((real) => refusing(real, systemCode, () => full));
  for (let attempt = 0; attempt < 4; attempt++) {
    await processing.run();
    await untilAtRest(processing);
    expect(manifest.history.counts()).toMatchObject({ processing: 1, failed: 0 });
    await expect(processing.run()).rejects.toMatchObject({ code });
    expect(manifest.history.counts()).toMatchObject({ pending: 1, failed: 0 });
  }
  full = false;
  await processing.run();
  await untilAtRest(processing);
  expect(manifest.history.counts()).toMatchObject({ pending: 0, processing: 0, processed: 1, failed: 0 });
});

test("a damaged database gets its frame back as it was and nothing else: no other frame is claimed, none has failed", async () => {
  const { manifest, processing } = await line((real) => refusing(real, "SQLITE_CORRUPT", () => true), undefined, {
    frames: 3,
  });
  await processing.run();
  await untilAtRest(processing);
  await expect(processing.run()).rejects.toMatchObject({ code: "manifest.corrupt" });
  expect(manifest.history.counts()).toMatchObject({ pending: 3, processing: 0, failed: 0 });
  expect([...manifest.history.entries()].map(({ attempts }) => attempts)).toEqual([0, 0, 0]);
  expect(manifest.damage?.line).toContain("phorest verify --repair");
  for (const refused of [
    () => processing.run(),
    async () => manifest.checkSound(),
    async () => manifest.entries.markMissing(1),
  ])
    await expect(refused()).rejects.toMatchObject({ code: "manifest.corrupt" });
});

test("a picture that was away with its disk only while it was read is read again, and measured", async () => {
  let disk: { readonly away: string; readonly back: string } | undefined;
  const comesBack = () => {
    if (disk !== undefined) renameSync(disk.away, disk.back);
    disk = undefined;
  };
  const { manifest, processing, roiManifestFile } = await line((real) => real, undefined, { checkPlace: comesBack });
  const back = join(dirname(roiManifestFile), "frame0.png");
  disk = { away: `${back}.away`, back };
  renameSync(disk.back, disk.away);
  await processing.run();
  await untilAtRest(processing);
  expect(disk).toBeUndefined();
  expect(manifest.history.counts()).toMatchObject({ failed: 0, missing: 0 });
  await expect(processing.run()).rejects.toMatchObject({ code: "frame.missing" });
  await processing.run();
  await untilAtRest(processing);
  expect(manifest.history.counts()).toMatchObject({ processed: 1, failed: 0, missing: 0 });
});

test.each([
  ["alone", false],
  ["with tracking beside", true],
])("a thread that ends a frame (%s) can be given the next one at once", async (_what, companion) => {
  const inHandWhenFreed: number[] = [];
  const next: { work?: () => Promise<boolean> } = {};
  const freed = () => {
    inHandWhenFreed.push(processing.framesMeasuring);
    void next.work?.();
  };
  const { manifest, processing } = await line((real) => real, undefined, { frames: 5, companion, freed });
  next.work = () => processing.run();
  await processing.run();
  // Nobody but the freed thread asks for more.
  await expect.poll(() => manifest.history.counts().processed).toBe(5);
  expect(manifest.history.counts()).toMatchObject({ pending: 0, processed: 5 });
  await untilAtRest(processing);
  expect(inHandWhenFreed).toEqual([0, 0, 0, 0, 0]);
});

test("a picture that can never be read is failed at once, with its reason", async () => {
  const { manifest, processing } = await line((real) => real, Buffer.from("not a picture"));
  await processing.run();
  await untilAtRest(processing);
  expect(manifest.history.counts()).toMatchObject({ pending: 0, processing: 0, failed: 1 });
  expect(manifest.history.lastEntry()?.error).toContain("frame0.png");
});

test("frames that were in hand when the program died are measured last, each alone", async () => {
  const { manifest, processing } = await line((real) => real, undefined, { frames: 4, threads: 2 });
  const inHand = () =>
    whileMeasured(processing, async () => {
      await processing.run();
      await processing.run();
      const claimed = [...manifest.history.entries()].filter(({ status }) => status === "processing");
      return claimed.map(({ entryId }) => entryId);
    });
  expect(manifest.entries.claimPending(2, 1, { attemptsBelow: 1 }).map(({ entryId }) => entryId)).toEqual([1, 2]);
  manifest.recover({ maxAttempts: 3, nowUs: 1 });
  expect([await inHand(), await inHand(), await inHand()]).toEqual([[3, 4], [1], [2]]);
  expect(manifest.history.counts()).toMatchObject({ pending: 0, processing: 0, processed: 4, failed: 0 });
});

test("a frame that was there at max_attempts ends of the program is tried last and alone, also while a reference grows", async () => {
  const { manifest, processing } = await line((real) => real, undefined, { frames: 4, threads: 2, companion: true });
  const end = () => manifest.recover({ maxAttempts: 3, nowUs: 1 });
  for (let nth = 0; nth < 3; nth++) {
    expect(manifest.entries.claimPending(1, 1)).toMatchObject([{ entryId: 1 }]);
    expect(end()).toMatchObject({ requeued: 1, failed: [] });
  }
  const order: number[] = [];
  while (manifest.history.counts().pending > 0) {
    const measured = await whileMeasured(processing, async () => {
      await processing.run();
      return [...manifest.history.entries()].filter(({ status }) => status === "processing");
    });
    if (measured.some(({ entryId }) => entryId === 1)) expect(measured).toHaveLength(1);
    order.push(...measured.map(({ entryId }) => entryId));
  }
  expect(order).toEqual([2, 3, 4, 1]);
  expect(manifest.history.counts()).toMatchObject({ processed: 4, failed: 0 });
});

test("a frame fails that ends the process it is measured in apart, and the next one is measured", async () => {
  const { manifest, processing } = await line((real) => real, undefined, { frames: 2 });
  expect(manifest.entries.claimPending(1, 1)).toMatchObject([{ entryId: 1, attempts: 1 }]);
  expect(manifest.recover({ maxAttempts: 3, nowUs: 1 })).toMatchObject({ requeued: 1, failed: [] });
  // The other frame comes first, by a thread.
  await processing.run();
  await untilAtRest(processing);
  expect(manifest.history.counts()).toMatchObject({ pending: 1, processed: 1 });
  letHang("measure-apart");
  for (const attempts of [2, 3]) {
    await processing.run();
    const children = () => workerProcesses(process.pid, "measure-apart");
    await expect.poll(children).toHaveLength(1);
    for (const pid of children()) process.kill(pid, "SIGSEGV");
    await untilAtRest(processing);
    if (attempts < 3) await expect(processing.run()).rejects.toThrow("was killed by SIGSEGV");
  }
  expect(manifest.history.counts()).toMatchObject({ pending: 0, processing: 0, processed: 1, failed: 1 });
  expect([...manifest.history.entries()][0]).toMatchObject({
    status: "failed",
    error: "the process that measured this frame was killed by SIGSEGV",
  });
});

test("a frame that is fine is measured although the program ended many times while it was measured", async () => {
  const { manifest, processing } = await line((real) => real, undefined, { frames: 2 });
  const ends = 20;
  for (let nth = 1; nth <= ends; nth++) {
    expect(manifest.entries.claimPending(1, 1)).toMatchObject([{ entryId: 1, attempts: nth }]);
    expect(manifest.recover({ maxAttempts: 3, nowUs: 1 })).toMatchObject({ requeued: 1, failed: [] });
  }
  for (let nth = 0; nth < 2; nth++) {
    await processing.run();
    await untilAtRest(processing);
  }
  const [other, cut] = manifest.outcomes.after(0, 2);
  expect(manifest.history.counts()).toMatchObject({ pending: 0, processed: 2, failed: 0 });
  expect(cut).toMatchObject({ entryId: 1 });
  // The process apart measures exactly what a thread measures: both frames hold the same picture.
  expect(cut?.measured).toEqual(other?.measured);
});

test("an ROI manifest that is damaged or gone while a run measures changes nothing until it is whole again", async () => {
  const { manifest, processing, roiManifestFile } = await line((one) => one, undefined, { frames: 3 });
  await processing.run();
  await untilAtRest(processing);
  for (const [nth, damage] of [() => writeFileSync(roiManifestFile, "{"), () => rmSync(roiManifestFile)].entries()) {
    damage();
    await processing.run();
    await untilAtRest(processing);
    expect(manifest.history.counts()).toMatchObject({ processed: nth + 2, failed: 0 });
  }
  expect(manifest.analyses.all()).toHaveLength(1);
});

test("frames that take ten times as long as others are settled, and are in the CSV, in the order of capture", async () => {
  const frames = 24;
  let work = (): void => undefined;
  const given = { frames, threads: 4, freed: () => work() };
  const { manifest, processing, roiManifestFile } = await line((real) => real, undefined, given);
  const { pool } = processing as unknown as { pool: { measure: (request: unknown) => Promise<unknown> } };
  const measure = pool.measure.bind(pool);
  let nth = 0;
  const measuredAs: number[] = [];
  pool.measure = async (request) => {
    const frame = nth++;
    const answer = await measure(request);
    await sleep(frame % 4 === 0 ? 200 : 20);
    measuredAs.push(frame);
    return answer;
  };
  work = () => void processing.run();
  work();
  await expect.poll(() => manifest.outcomes.lastId(), { timeout: 60_000 }).toBe(frames);
  const outcomes = manifest.outcomes.after(0, frames);
  const inOrder = Array.from({ length: frames }, (_x, i) => i + 1);
  expect(outcomes.map(({ entryId }) => entryId)).toEqual(inOrder);
  // They were not measured in that order.
  expect(measuredAs).not.toEqual(inOrder.map((entry) => entry - 1));
  const csv = `${roiManifestFile}.csv`;
  await updateCsv(csv, undefined, (cursor, limit) => manifest.outcomes.after(cursor, limit));
  const names = readFileSync(csv, "utf8").match(/frame\d+\.png/g) ?? [];
  expect([...new Set(names)]).toEqual(inOrder.map((entry) => `frame${entry - 1}.png`));
});
