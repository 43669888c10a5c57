import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { createSource, type SourceOptions } from "../../src/cameras/camera.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const signal = new AbortController().signal;
const START_MS = Date.UTC(2025, 0, 1);
const us = (second: number) => (START_MS + second * 1000) * 1000;
let directory: string;
let picture: Uint8Array;

beforeEach(async () => {
  directory = temporaryDirectory("phorest-subset-");
  picture = await encodePicture({ width: 4, height: 4, bitDepth: 8, pixels: new Uint8Array(16) }, "png");
});

/** The 20 pictures of a series, one a second. */
function put(from = 0, to = 20): void {
  for (let second = from; second < to; second += 1) {
    const path = join(directory, nameOf(second));
    writeFileSync(path, picture);
    utimesSync(path, new Date(START_MS + second * 1000), new Date(START_MS + second * 1000));
  }
}

const nameOf = (second: number) => `img_${String(second).padStart(9, "0")}_Default_000.png`;

async function taken(options: Partial<SourceOptions>, known: ReadonlySet<string> = new Set()) {
  const source = createSource({
    type: "file_importer",
    dataDir: directory,
    watchDir: directory,
    stableSeconds: 0,
    isKnown: (name) => known.has(name),
    takenBefore: (name) => (known.has(name) ? { bytes: undefined, modifiedUs: undefined } : undefined),
    ...options,
  });
  await source.open();
  const names: string[] = [];
  for (let frame = await source.capture(signal); frame !== null; frame = await source.capture(signal)) {
    names.push(frame.file?.name ?? "");
  }
  const skipped = source.skipped?.() ?? [];
  await source.close();
  return { names, skipped };
}

const SUBSET = { every: 5, fromUs: us(3), toUs: us(17) };

test.each(["file_importer", "folder"])("%s takes the subset, and counts what it leaves out", async (type) => {
  put();
  expect(await taken({ type, subset: SUBSET })).toEqual({
    names: [3, 8, 13].map(nameOf),
    skipped: ["left out 17 of 20 frames: 3 before from, 2 after to, 12 between every 5"],
  });
});

test.each(["file_importer", "folder"])("%s continues the subset in a later run", async (type) => {
  put();
  const subset = { every: 3, limit: 5 };
  const first = await taken({ type, subset: { ...subset, toUs: us(7) } });
  expect(first.names).toEqual([0, 3, 6].map(nameOf));
  expect((await taken({ type, subset }, new Set(first.names))).names).toEqual([9, 12].map(nameOf));
});

test("what a folder has left out stays out when it is written again, and what comes later is counted on", async () => {
  put(0, 4);
  const source = createSource({ type: "folder", watchDir: directory, stableSeconds: 0, subset: { every: 3 } });
  const next = async () => (await source.capture(signal))?.file?.name;
  await source.open();
  expect([await next(), await next(), await next()]).toEqual([nameOf(0), nameOf(3), undefined]);
  writeFileSync(join(directory, nameOf(1)), "rewritten");
  put(4, 8);
  expect([await next(), await next()]).toEqual([nameOf(6), undefined]);
  await source.close();
});

test("an importer whose window has no picture says which times there are", async () => {
  put();
  await expect(taken({ subset: { fromUs: us(60) } })).rejects.toThrow(
    "no frame from 2025-01-01T00:01:00.000000Z: the 20 frames are from 2025-01-01T00:00:00.000000Z to 2025-01-01T00:00:19.000000Z",
  );
});

test("the dummy camera replays the subset of a directory", async () => {
  put();
  const source = createSource({ type: "dummy", replayPath: directory, subset: { every: 10 } });
  await source.open();
  const replayed: unknown[] = [];
  for (let i = 0; i < 3; i += 1) replayed.push((await source.capture(signal))?.settings.source);
  expect(replayed).toEqual([0, 10, 0].map(nameOf));
  expect(source.skipped?.()).toEqual(["left out 18 of 20 frames: 18 between every 10"]);
  await source.close();
});
