// Stacks that another program adds pages to: each page is a frame once, in one run and after a restart; a stack whose pages changed
// is refused.
import { renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { FileImporter } from "../../src/cameras/file-importer.ts";
import { Folder } from "../../src/cameras/folder.ts";
import type { CapturedFrame, Source } from "../../src/cameras/frame.ts";
import type { TakenFile } from "../../src/cameras/grown-file.ts";
import type { GrayPicture } from "../image/picture-writers.ts";
import { type StackOptions, writeStack } from "../image/stack-writer.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const signal = new AbortController().signal;
const SIDE = 8;
const pages = (count: number, first = 0): GrayPicture[] =>
  Array.from({ length: count }, (_, at) => {
    return { width: SIDE, height: SIDE, pixels: new Uint8Array(SIDE * SIDE).fill(first + at) };
  });

let directory: string;
let nowMs: number;
let second: number;
beforeEach(() => {
  directory = temporaryDirectory("phorest-grown-");
  nowMs = 0;
  second = 0;
});

/** Replaces a file at once, as later than before. */
function put(name: string, bytes: Uint8Array): void {
  const path = join(directory, name);
  writeFileSync(`${path}.part`, bytes);
  second += 10;
  utimesSync(`${path}.part`, 1e9 + second, 1e9 + second);
  renameSync(`${path}.part`, path);
}

/** What the settings of the last frame of a name say, as the database keeps it. */
function noted(frames: readonly CapturedFrame[], name: string): TakenFile | undefined {
  const settings = frames.findLast(({ file }) => file?.name === name)?.settings;
  if (settings === undefined) return undefined;
  const number = (key: string) => {
    const value = settings[key];
    return typeof value === "number" ? value : undefined;
  };
  const [count, crc32] = [number("source_pages"), number("source_pages_crc32")];
  const firstPages = count === undefined || crc32 === undefined ? undefined : { count, crc32 };
  return { bytes: number("source_bytes"), modifiedUs: number("source_modified_us"), pages: firstPages };
}

const folder = (frames: readonly CapturedFrame[]): Source =>
  new Folder({
    watchDir: directory,
    stableSeconds: 0.05,
    takenBefore: (name) => noted(frames, name),
    // It goes on at each look: a capture does not wait.
    nowMs: () => {
      nowMs += 700;
      return nowMs;
    },
  });
const importer = (frames: readonly CapturedFrame[]): Source =>
  new FileImporter({
    dataDir: directory,
    isKnown: (name) => noted(frames, name) !== undefined,
    takenInPlace: (name) => noted(frames, name),
  });

async function drain(source: Source, frames: CapturedFrame[]): Promise<CapturedFrame[]> {
  const fresh: CapturedFrame[] = [];
  for (let nothing = 0; nothing < 2; ) {
    const frame = await source.capture(signal);
    if (frame === null) nothing++;
    else fresh.push(frame);
  }
  frames.push(...fresh);
  return fresh;
}

describe.each([
  ["folder", folder],
  ["file_importer", importer],
])("%s", (type, open) => {
  const restarts = type === "folder" ? [false, true] : [true];
  describe.each(restarts)("restarted: %s", (isRestarted) => {
    /** The frames of one state of the file after the other. */
    async function looks(states: readonly Uint8Array[], name = "s.tif") {
      const frames: CapturedFrame[] = [];
      const found: CapturedFrame[][] = [];
      let source: Source | undefined;
      for (const bytes of states) {
        put(name, bytes);
        if (source === undefined || isRestarted) {
          await source?.close();
          source = open(frames);
          await source.open();
        }
        found.push(await drain(source, frames));
      }
      const last = source as Source;
      await last.close();
      const said = [...(last.skipped?.() ?? []), ...(last.filesSetAside?.() ?? []).map(({ reason }) => reason)];
      return { from: found.map((of) => of.map(({ file }) => file?.from)), said };
    }

    test.each<[string, StackOptions]>([
      ["appended pages", {}],
      ["pages that a rewritten file has at other places", { directoriesFirst: true }],
      ["BigTIFF", { big: true }],
    ])("only the new ones of %s are frames", async (_, options) => {
      const cut = writeStack(pages(5), options);
      const states = [writeStack(pages(2), options), writeStack(pages(3), options), cut];
      expect(await looks(states)).toEqual({ from: [[0], [2], [3]], said: [] });
    });

    test("a stack that is cut off is taken up where it ended, also behind its first page", async () => {
      const whole = writeStack(pages(6));
      const upTo = (page: number) => whole.subarray(0, Math.round((whole.length * (page + 0.5)) / 6));
      expect(await looks([upTo(1), upTo(3), upTo(3.2), whole])).toEqual({ from: [[0], [1], [], [3]], said: [] });
    });

    test("pages that changed are refused by name", async () => {
      const states = [writeStack(pages(3)), writeStack([...pages(2), ...pages(3, 100)])];
      const { from, said } = await looks(states);
      expect(from).toEqual([[0], []]);
      expect(said).toEqual([expect.stringMatching(/s\.tif: pages 1 to 3, which phorest has already, changed/)]);
    });
  });
});

test("a file with one image that is written again is a new image", async () => {
  const frames: CapturedFrame[] = [];
  const source = folder(frames);
  put("latest.tif", writeStack(pages(1)));
  await source.open();
  await drain(source, frames);
  put("latest.tif", writeStack(pages(1, 50)));
  expect((await drain(source, frames)).map(({ file }) => file?.from)).toEqual([0]);
  await source.close();
});
