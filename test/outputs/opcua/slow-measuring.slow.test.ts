// The whole way of 1,000 frames whose measuring times differ by a factor of ten: measured side by side, settled in SQLite,
// written to the CSV and to a server with a slow node that is away in the middle. The stages are the product's own; only the
// time that a measurement takes is given.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import type { TaskAnswer, TaskRequest } from "../../../src/analysis/task.ts";
import { parseConfig } from "../../../src/config/config.ts";
import { encodePicture } from "../../../src/image/encode.ts";
import { createLogger } from "../../../src/log/logger.ts";
import { MANIFEST_FILENAME, Manifest } from "../../../src/manifest/manifest.ts";
import { OPC_UA_OUTPUT } from "../../../src/manifest/opcua-output-state.ts";
import { formatRoiManifest } from "../../../src/measurement/roi.ts";
import { updateCsv } from "../../../src/outputs/csv/file/append.ts";
import { CSV_OUTPUT, parseCsvState } from "../../../src/outputs/csv/file/state.ts";
import { createSimulator } from "../../../src/simulator/simulator.ts";
import { measuringThreads } from "../../../src/stages/processor/measuring-pool.ts";
import { Processor } from "../../../src/stages/processor/stage.ts";
import { stageOf } from "../../../src/supervisor/stage.ts";
import { writeDurably } from "../../../src/system/files.ts";
import { partOf, toml } from "./deliver.ts";
import { journalOf, Plant, scratch } from "./plant.ts";

const FRAMES = 1000;
const THREADS = 6;
const SHORT_MS = 2;
const FACTOR = 10;
const START_MS = Date.UTC(2026, 2, 4, 15, 20);
const NODES = ["Frame", "Slow", "Busy"];
const { directory, gone } = scratch();
const ends: (() => unknown)[] = [gone];

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

const timeOf = (frame: number): string => new Date(START_MS + frame * 1000).toISOString();
const nameOf = (frame: number): string => `image_${String(frame).padStart(4, "0")}.png`;
/** Spread without a pattern over one to ten times the shortest. */
const measuringMs = (frame: number): number => SHORT_MS * (1 + ((frame * 7919) % FACTOR));

/** Pending frames, and the stage that measures them; the first picture is measured for all of them. */
async function measuring(manifest: Manifest, settled: () => void) {
  const simulator = createSimulator({ width: 640, height: 480 });
  const roiManifestFile = join(directory, "rois.json");
  await writeDurably(roiManifestFile, formatRoiManifest(simulator.roiManifest()));
  writeFileSync(join(directory, nameOf(1)), await encodePicture(simulator.render(0, 1), "png"));
  manifest.together(() => {
    for (let frame = 1; frame <= FRAMES; frame += 1) {
      const capturedAtUs = (START_MS + frame * 1000) * 1000;
      manifest.entries.add({ capturedAtUs, filename: nameOf(frame), filepath: directory });
    }
  });
  const version = { config: "{}", version: "0", nodeVersion: "0", host: "test", pid: 1 };
  const log = createLogger({ level: "error", console: false, rotateSeconds: 3600 });
  const processing = new Processor({
    manifest,
    log: log.stage("processor"),
    runId: manifest.runs.begin({ ...version, startedAtUs: 1 }),
    settings: { method: "gaussian", subRois: 10, sampling: "precise", bitDepthScaling: "stretch", debug: false },
    roiManifestFile,
    pictures: { dataDir: directory, remoteRoot: "", followLinks: false },
    threads: THREADS,
    batchSize: THREADS,
    maxAttempts: 3,
    frameTimeoutMs: 60_000,
    everyMs: 1000,
    nowUs: () => Date.now() * 1000,
    checkPlace: () => undefined,
    happened: (event) => {
      if (event === "freed") void processing.run();
      else settled();
    },
  });
  ends.push(
    () => processing.flush(10_000),
    () => log.close(),
  );
  const { pool } = processing as unknown as { pool: { measure(request: TaskRequest): Promise<TaskAnswer> } };
  const thread = measuringThreads(1);
  ends.push(() => thread.destroy());
  const measuredAs: string[] = [];
  let first: Promise<TaskAnswer> | undefined;
  let nth = 0;
  pool.measure = async (request) => {
    nth += 1;
    const frame = nth;
    first ??= thread.run(request);
    const answer = await first;
    await sleep(measuringMs(frame));
    measuredAs.push(nameOf(frame));
    return answer;
  };
  return { processing, measuredAs, log };
}

/** The CSV as the communicator writes it; one step. */
async function writeCsv(manifest: Manifest, file: string): Promise<void> {
  const { state } = manifest.outputs.state(CSV_OUTPUT);
  const read = (cursor: number, limit: number) => manifest.outcomes.after(cursor, limit);
  const update = await updateCsv(file, parseCsvState(state), read);
  manifest.outputs.advance(CSV_OUTPUT, update.state.cursor, JSON.stringify(update.state));
}

/** Source times without the newest value that a session begins with: that is the one jump there may be. */
function afterTheNewest(times: readonly string[]): readonly string[] {
  const back = times.findIndex((time, at) => at > 0 && time < (times[at - 1] ?? ""));
  return back === -1 ? times : times.slice(back);
}

test("1,000 frames, measuring times of 1 to 10, a slow node, an outage: source times and the CSV are in order of capture", {
  timeout: 600_000,
}, async () => {
  const journal = join(directory, "journal");
  const plant = await Plant.start({
    pki: join(directory, "pki"),
    journal,
    nodes: [
      { name: "Frame", type: "UInt32" },
      { name: "Slow", type: "UInt32", slowMs: 3 },
      { name: "Busy", type: "UInt32", busyWrites: 8 },
    ],
  });
  ends.push(() => plant.kill());
  const manifestFile = join(directory, MANIFEST_FILENAME);
  const manifest = Manifest.open({ file: manifestFile });
  ends.push(() => manifest.close());
  manifest.outputs.configure([CSV_OUTPUT, OPC_UA_OUTPUT]);
  const entries = NODES.map((name) => ({ node_id: `ns=2;s=${name}`, value: "frame" }));
  const text = toml(plant.endpointUrl, entries, 'security_mode = "None"\nmax_frames_per_second = 1000');
  const { config } = parseConfig(text, directory);
  const { processing, measuredAs, log } = await measuring(manifest, () => stage.wake());
  const part = partOf(config, manifest, manifestFile, log);
  const stage = stageOf("opcua", part, (report) => part.moved(report));
  ends.push(
    () => part.close(10_000),
    () => stage.stop(),
  );
  const csv = join(directory, "results.csv");
  const reached = (cursor: number) =>
    expect
      .poll(
        async () => {
          await writeCsv(manifest, csv);
          return manifest.outputs.state(OPC_UA_OUTPUT).cursor;
        },
        { timeout: 240_000, interval: 50 },
      )
      .toBeGreaterThanOrEqual(cursor);

  stage.start();
  await processing.run();
  await reached(FRAMES * 0.3);
  await plant.kill();
  // What is measured meanwhile waits.
  const missed = manifest.outcomes.lastId() + 50;
  await expect
    .poll(() => manifest.outcomes.lastId(), { timeout: 240_000 })
    .toBeGreaterThanOrEqual(Math.min(missed, FRAMES));
  await plant.start();
  await reached(FRAMES);
  const last = async () => NODES.map((name) => journalOf(journal, name).at(-1)?.at(-1)?.time);
  await expect.poll(last, { timeout: 240_000 }).toEqual(NODES.map(() => timeOf(FRAMES)));

  // The measurements did not end in the order of capture.
  expect(measuredAs).toHaveLength(FRAMES);
  expect(measuredAs).not.toEqual([...measuredAs].sort());
  for (const node of NODES) {
    const sessions = journalOf(journal, node);
    expect(sessions).toHaveLength(2);
    for (const session of sessions) {
      const inOrder = afterTheNewest(session.map(({ time }) => time));
      expect(inOrder, node).toEqual([...inOrder].sort());
      expect(inOrder.length, node).toBeGreaterThan(100);
      // The value that came before its turn was the newest that there was: nothing later is followed by something earlier.
      const ahead = session.slice(0, session.length - inOrder.length);
      expect(new Set(ahead.map(({ time }) => time)).size, node).toBeLessThanOrEqual(2);
    }
    for (const { value, time } of sessions.flat()) expect(time).toBe(timeOf(Number(value)));
  }
  const frames = new Set(journalOf(journal, "Frame").flatMap((session) => session.map(({ value }) => value)));
  expect(frames.size).toBe(FRAMES);

  await writeCsv(manifest, csv);
  const names = readFileSync(csv, "utf8").match(/image_\d+\.png/g) ?? [];
  expect(names).toEqual([...names].sort());
  expect(new Set(names).size).toBe(FRAMES);
});
