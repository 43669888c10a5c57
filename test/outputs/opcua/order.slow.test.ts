// Each node gets the frames in the order of capture, though they were measured in another one; it goes back once, after the
// newest frame was sent first, and ends at the newest.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Manifest } from "../../../src/manifest/manifest.ts";
import { experiment } from "../csv/experiment.ts";
import { deliverUpTo, delivery, type NodeEntry, toml } from "./deliver.ts";
import { journalOf, Plant, scratch } from "./plant.ts";

const { directory, gone } = scratch();
const journal = join(directory, "journal");
const THREADS = 8;
const LINES = 'security_mode = "None"\nmax_frames_per_second = 1000';
const FRAME: NodeEntry = { node_id: "ns=2;s=Frame", value: "frame" };
let plant: Plant;

beforeAll(async () => {
  plant = await Plant.start({
    pki: join(directory, "pki"),
    journal,
    nodes: [
      { name: "Frame", type: "UInt32" },
      { name: "Slow", type: "UInt32", busyWrites: 8 },
      { name: "Late", type: "UInt32", busyWrites: 5 },
    ],
  });
});

afterAll(async () => {
  await plant?.kill();
  gone();
});

/** An experiment whose frames are measured side by side, the last one of eight first. */
function measured(name: string): { manifest: Manifest; add(frames: number): void } {
  const { manifest } = experiment(join(directory, name), 2);
  const analysisId = manifest.analyses.all().at(-1)?.analysisId;
  let count = 0;
  const add = (frames: number) => {
    for (let i = 0; i < frames; i += 1, count += 1) {
      manifest.entries.add({ capturedAtUs: 1e15 + count * 1e6, filename: `image_${count}.png`, readings: [] });
    }
    for (;;) {
      const claims = manifest.entries.claimPending(THREADS, 1e15);
      if (claims.length === 0) return;
      for (const claim of claims.reverse()) {
        manifest.fail(claim, { code: "frame.unreadable", message: "no picture", retry: "never" }, 1e15, analysisId);
      }
    }
  };
  return { manifest, add };
}

const written = (node: string): number[] =>
  journalOf(journal, node)
    .flat()
    .map(({ value }) => Number(value));

const timesBack = (frames: readonly number[]) => frames.filter((frame, at) => frame < (frames[at - 1] ?? 0)).length;

test("1,000 frames, an outage in the middle, new frames meanwhile: back once for each session, and the newest at the end", async () => {
  const { manifest, add } = measured("thousand");
  add(500);
  const text = toml(plant.endpointUrl, [FRAME], LINES);
  const { delivery: to, said } = delivery(join(directory, "thousand"), manifest, text);
  let cursor = 0;
  const more = async (until: number) => {
    while (cursor < until) {
      cursor = (await deliverUpTo(to, cursor, cursor + 1)).at(-1)?.cursor ?? cursor;
      // Frames that come while a backlog is worked off wait for their turn.
      if (manifest.outcomes.lastId() < 1000) add(10);
    }
  };
  await more(300);
  await plant.kill();
  expect((await to.step(cursor, "")).failure).toBeDefined();
  await plant.start();
  await more(1000);
  await to.close();
  manifest.close();
  const frames = written("Frame");
  expect(new Set(frames).size).toBe(1000);
  // One session before the outage and one after it; on a busy machine the connection may break more often.
  const sessions = said.filter((line) => line.startsWith("info connected to ")).length;
  expect(sessions).toBeGreaterThanOrEqual(2);
  expect(timesBack(frames)).toBeGreaterThanOrEqual(2);
  expect(timesBack(frames)).toBeLessThanOrEqual(sessions);
  expect(frames.at(-1)).toBe(1000);
});

test("a node that could not take the newest value gets it later, without a new frame", async () => {
  const { manifest, add } = measured("slow");
  add(3);
  const slow: NodeEntry = { node_id: "ns=2;s=Slow", value: "frame" };
  const { delivery: to } = delivery(join(directory, "slow"), manifest, toml(plant.endpointUrl, [FRAME, slow], LINES));
  await deliverUpTo(to, 0, 3);
  const value = async () => {
    expect((await to.step(3, "")).failure).toBeUndefined();
    return (await plant.values("Slow")).Slow?.value;
  };
  await expect.poll(value, { timeout: 60_000, interval: 100 }).toBe(3);
  await to.close();
  manifest.close();
});

test("a run that ends before the backlog is worked off leaves the newest values behind", async () => {
  const { manifest, add } = measured("ending");
  add(200);
  const text = toml(plant.endpointUrl, [FRAME], 'security_mode = "None"\nmax_frames_per_second = 20');
  const { delivery: to } = delivery(join(directory, "ending"), manifest, text);
  expect((await to.step(0, "")).cursor).toBeLessThan(200);
  expect((await plant.values("Frame")).Frame?.value).toBeLessThan(200);
  await to.finish();
  expect((await plant.values("Frame")).Frame?.value).toBe(200);
  manifest.close();
});

test("a run that ends leaves the newest value also in a node that could not take it a moment before", async () => {
  const { manifest, add } = measured("late");
  add(1);
  const late: NodeEntry = { node_id: "ns=2;s=Late", value: "frame" };
  const { delivery: to } = delivery(join(directory, "late"), manifest, toml(plant.endpointUrl, [FRAME, late], LINES));
  await deliverUpTo(to, 0, 1);
  await to.finish();
  expect((await plant.values("Late")).Late?.value).toBe(1);
  manifest.close();
});
