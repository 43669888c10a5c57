import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { stackContent } from "../../src/image/stack-content.ts";
import { sourceOf } from "../support/source-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const signal = new AbortController().signal;
const START_MS = Date.UTC(2025, 0, 1);
const at = (second: number) => new Date(START_MS + second * 1000).toISOString();
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

/** Cameras that take files. */
const FILE_TYPES = ["file_importer", "folder"] as const;

/** Such a camera over the directory, of which `known` were taken before. */
function fileSource(camera: Partial<Config["Camera"]>, known: ReadonlySet<string> = new Set()) {
  const usual = { camera_type: "file_importer", watch_dir: directory, folder_stable_seconds: 0 } as const;
  return sourceOf(
    { camera: { ...usual, ...camera }, sections: { Paths: { data_dir: directory } } },
    {
      isKnown: (name) => known.has(name),
      takenBefore: (name) => (known.has(name) ? { bytes: undefined, modifiedUs: undefined } : undefined),
    },
  );
}

async function taken(camera: Partial<Config["Camera"]>, known?: ReadonlySet<string>) {
  const source = fileSource(camera, known);
  await source.open();
  const names: string[] = [];
  for (let frame = await source.capture(signal); frame !== null; frame = await source.capture(signal)) {
    names.push(frame.file?.name ?? "");
  }
  const skipped = source.leftOut?.() ?? [];
  await source.close();
  return { names, skipped };
}

const SUBSET = { every: 5, from: at(3), to: at(17) };

test.each(FILE_TYPES)("%s takes the subset, and counts what it leaves out", async (camera_type) => {
  put();
  expect(await taken({ camera_type, ...SUBSET })).toEqual({
    names: [3, 8, 13].map(nameOf),
    skipped: ["left out 17 of 20 frames: 3 before from, 2 after to, 12 skipped by every 5"],
  });
});

test.each(FILE_TYPES)("%s continues the subset in a later run", async (camera_type) => {
  put();
  const subset = { every: 3, limit: 5 };
  const first = await taken({ camera_type, ...subset, to: at(7) });
  expect(first.names).toEqual([0, 3, 6].map(nameOf));
  expect((await taken({ camera_type, ...subset }, new Set(first.names))).names).toEqual([9, 12].map(nameOf));
});

test("what a folder has left out stays out when it is written again, and what comes later is counted on", async () => {
  put(0, 4);
  const source = fileSource({ camera_type: "folder", every: 3 });
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
  await expect(taken({ from: at(60) })).rejects.toThrow(
    "no frame from 2025-01-01T00:01:00.000000Z: the 20 frames are from 2025-01-01T00:00:00.000000Z to 2025-01-01T00:00:19.000000Z",
  );
});

/** A TIFF of several pages of 4 × 4 pixels, all written at one moment. */
function stack(name: string, pages: number, second: number): void {
  const parts: Buffer[] = [Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0])];
  for (let at = 0; at < pages; at += 1) {
    const start = 8 + at * (2 + 8 * 12 + 4 + 16);
    const data = start + 2 + 8 * 12 + 4;
    const entries = [
      [256, 4],
      [257, 4],
      [258, 8],
      [259, 1],
      [262, 1],
      [273, data],
      [278, 4],
      [279, 16],
    ] as const;
    const directory = Buffer.alloc(2 + 8 * 12 + 4);
    directory.writeUInt16LE(8, 0);
    entries.forEach(([tag, value], entry) => {
      directory.writeUInt16LE(tag, 2 + entry * 12);
      directory.writeUInt16LE(4, 4 + entry * 12);
      directory.writeUInt32LE(1, 6 + entry * 12);
      directory.writeUInt32LE(value, 10 + entry * 12);
    });
    directory.writeUInt32LE(at === pages - 1 ? 0 : data + 16, 2 + 8 * 12);
    parts.push(directory, Buffer.alloc(16, at));
  }
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat(parts));
  utimesSync(path, new Date(START_MS + second * 1000), new Date(START_MS + second * 1000));
}

test.each(FILE_TYPES)("%s counts the pages of stacks, and takes only those that are chosen", async (camera_type) => {
  stack("a.tif", 7, 1);
  stack("b.tif", 2, 2);
  writeFileSync(join(directory, "c.png"), picture);
  utimesSync(join(directory, "c.png"), new Date(START_MS + 3000), new Date(START_MS + 3000));
  stack("d.tif", 12, 4);
  const source = fileSource({ camera_type, every: 5, limit: 3 });
  await source.open();
  const taken: unknown[] = [];
  for (let frame = await source.capture(signal); frame !== null; frame = await source.capture(signal)) {
    taken.push([frame.file?.name, frame.file?.pages]);
  }
  await source.close();
  expect(taken).toEqual([
    ["a.tif", [0, 5]],
    ["d.tif", [0]],
  ]);
  expect(source.leftOut?.()).toEqual(["left out 19 of 22 frames: 17 skipped by every 5, 2 beyond the limit of 3"]);
});

test.each(FILE_TYPES)("%s takes the pages that have no row, and counts those that have", async (camera_type) => {
  stack("a.tif", 12, 1);
  const content = await stackContent({ directory, path: "a.tif", followLinks: false });
  const noted = { bytes: undefined, modifiedUs: undefined, pages: content?.all, rows: [0, 1, 2] };
  const look = async (camera: Partial<Config["Camera"]>) => {
    const source = sourceOf(
      {
        camera: { camera_type, watch_dir: directory, folder_stable_seconds: 0, ...camera },
        sections: { Paths: { data_dir: directory } },
      },
      { isKnown: () => true, takenBefore: () => noted, takenInPlace: () => noted },
    );
    await source.open();
    const frame = await source.capture(signal);
    expect(await source.capture(signal)).toBeNull();
    await source.close();
    return [frame?.file?.pages, frame?.file?.without, source.leftOut?.()];
  };
  const rows = [0, 1, 2];
  expect(await look({ limit: 5 })).toEqual([[3, 4], rows, ["left out 7 of 12 frames: 7 beyond the limit of 5"]]);
  expect(await look({ limit: 3 })).toEqual([
    undefined,
    undefined,
    ["left out 9 of 12 frames: 9 beyond the limit of 3"],
  ]);
  expect(await look({})).toEqual([undefined, rows, []]);
});

test.each(FILE_TYPES)("%s takes one channel of images in files of their own", async (camera_type) => {
  const named = (channel: number, time: number) => `img_channel00${channel}_position000_time00000000${time}_z000.tif`;
  for (const time of [0, 1, 2]) for (const channel of [0, 1]) stack(named(channel, time), 1, time);
  const left = (channel: number) => [`left out 3 images of channel ${channel}; choose with --channel`];
  expect(await taken({ camera_type })).toEqual({ names: [0, 1, 2].map((time) => named(0, time)), skipped: left(1) });
  const second = await taken({ camera_type, channel: 1 });
  expect(second).toEqual({ names: [0, 1, 2].map((time) => named(1, time)), skipped: left(0) });
  const later = await taken({ camera_type }, new Set([named(0, 0), named(0, 1), named(0, 2)]));
  expect(later.names).toEqual([]);
});

test("the dummy camera replays the subset of a directory", async () => {
  put();
  const source = sourceOf({ camera: { camera_type: "dummy", dummy_path: directory, every: 10 } });
  await source.open();
  const replayed: unknown[] = [];
  for (let i = 0; i < 3; i += 1) replayed.push((await source.capture(signal))?.settings.source);
  expect(replayed).toEqual([0, 10, 0].map(nameOf));
  expect(source.leftOut?.()).toEqual(["left out 18 of 20 frames: 18 skipped by every 10"]);
  await source.close();
});

test("a folder without an image in the window names the times that there are", async () => {
  put();
  const { names, skipped } = await taken({ camera_type: "folder", from: "2031-01-01T00:00" });
  expect(names).toEqual([]);
  expect(skipped).toEqual([
    expect.stringMatching(
      /^no frame from 2031-01-01T00:00:00\.\d+Z: the 20 frames are from .* to .*; choose from and to among these/,
    ),
  ]);
});

test.each(["folder", "file_importer"] as const)(
  "%s says that no name fits the pattern of times, with one of them",
  async (camera_type) => {
    put();
    const source = taken({ camera_type, name_time: "run_%Q" });
    const line = /no name matches the pattern name_time "run_%Q", for example /;
    if (camera_type === "folder") expect((await source).skipped).toEqual([expect.stringMatching(line)]);
    else await expect(source).rejects.toThrow(line);
  },
);

describe.each(FILE_TYPES)("%s: a stack without the chosen channel, plane or position", (camera_type) => {
  const look = async (camera: Partial<Config["Camera"]>) => {
    const source = fileSource({ camera_type, ...camera });
    await source.open();
    const names: string[] = [];
    for (let frame = await source.capture(signal); frame !== null; frame = await source.capture(signal)) {
      names.push(frame.file?.name ?? "");
    }
    const said = { names, skipped: source.skipped?.(), leftOut: source.leftOut?.() };
    await source.close();
    return said;
  };
  const line = (what: string) => [
    expect.stringContaining(`a.tif: skipped: it has no ${what} (a run that chooses another`),
  ];

  test.each<[Partial<Config["Camera"]>, string]>([
    [{ channel: 1 }, "channel 1, only channel 0"],
    [{ z: 2 }, "z plane 2, only z plane 0"],
    [{ position: "Pos7" }, 'position "Pos7", only position 0'],
    [{ channel: 1, limit: 5 }, "channel 1, only channel 0"],
  ])("is skipped by %j and left for another run", async (camera, what) => {
    stack("a.tif", 3, 1);
    writeFileSync(join(directory, "c.png"), picture);
    expect(await look(camera)).toEqual({ names: ["c.png"], skipped: line(what), leftOut: [] });
    expect(await look({})).toMatchObject({ names: ["a.tif", "c.png"], skipped: [] });
  });
});

test("a folder looks again at a stack without the chosen channel when it is written again", async () => {
  stack("a.tif", 3, 1);
  const source = fileSource({ camera_type: "folder", channel: 1 });
  await source.open();
  expect(await source.capture(signal)).toBeNull();
  expect(source.skipped?.()).toHaveLength(1);
  writeFileSync(join(directory, "a.tif"), picture);
  const frame = await source.capture(signal);
  expect([frame?.file?.name, source.skipped?.()]).toEqual(["a.tif", []]);
  await source.close();
});
