// The last frame for people: decoded once for all who ask, by a process whose death costs one answer.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import type { Failure } from "../../src/failure/failure.ts";
import { decodePicture } from "../../src/image/decode.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { sharpnessOf } from "../../src/image/focus.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { Frames } from "../../src/web/frames.ts";
import { PictureProcess } from "../../src/web/picture-process.ts";
import { ShownPicture } from "../../src/web/shown-picture.ts";
import { letHang } from "../support/hanging-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { workerProcesses } from "../support/worker-processes.ts";
import { blackPng } from "./pictures.ts";

/** A directory with a picture of a chip in it, and what shows it; `restMs`: of a process that keeps dying. */
async function shown({ restMs = 60_000, answerMs = 60_000 } = {}) {
  const filepath = temporaryDirectory();
  const path = join(filepath, "a.png");
  const file = (name: string) => ({ directory: filepath, path: name });
  writeFileSync(path, await encodePicture(createSimulator({ width: 640, height: 480 }).render(0, 0), "png"));
  const frames = new Frames(new PictureProcess(() => undefined, { restMs }), { answerMs });
  onTestFinished(() => frames.close());
  return { frames, filepath, path, frame: { filename: "a.png", file: file("a.png"), capturedAtUs: 0 }, file };
}

const refusalOf = (work: Promise<unknown>): Promise<Failure> =>
  work.then(
    () => {
      throw new Error("it was answered");
    },
    (error: Failure) => error,
  );

/** Kills the process when it is there. */
async function kill(): Promise<void> {
  await expect.poll(() => workerProcesses(process.pid, "pictures").length).toBe(1);
  for (const pid of workerProcesses(process.pid, "pictures")) process.kill(pid, "SIGKILL");
}

test("of a frame that has been replaced there is no tile, and it is told from one that never was", async () => {
  const { frames, frame } = await shown();
  await frames.load({ ...frame, entryId: 1 });
  expect(await frames.tile(1, 0, 0, 0)).toBeInstanceOf(Uint8Array);
  // A machine that is slow at it is given a rest between two pictures.
  await expect.poll(async () => (await frames.load({ ...frame, entryId: 2 })).entryId, { timeout: 60_000 }).toBe(2);
  expect([await frames.tile(1, 0, 0, 0), frames.isPast(1)]).toEqual([undefined, true]);
  expect([await frames.tile(3, 0, 0, 0), frames.isPast(3)]).toEqual([undefined, false]);
  expect(await frames.tile(2, 0, 0, 0)).toBeInstanceOf(Uint8Array);
});

test("many who ask at once share one decoding and one process, and the file is not read again", async () => {
  const { frames, frame, path } = await shown();
  const views = await Promise.all(Array.from({ length: 40 }, () => frames.load({ ...frame, entryId: 1 })));
  expect(new Set(views).size).toBe(1);
  expect(workerProcesses(process.pid, "pictures")).toHaveLength(1);
  rmSync(path);
  const tiles = await Promise.all(Array.from({ length: 40 }, () => frames.tile(1, 0, 0, 0)));
  expect(new Set(tiles).size).toBe(1);
  expect(tiles[0]?.length).toBeGreaterThan(1000);
});

test("a process that is killed over a picture costs its requests one line; the next ones are answered", async () => {
  const { frames, frame } = await shown();
  const letWork = letHang("pictures");
  const asked = Array.from({ length: 3 }, () => refusalOf(frames.load({ ...frame, entryId: 1 })));
  await kill();
  for (const failure of await Promise.all(asked)) {
    expect(failure).toMatchObject({ code: "web.unavailable", retry: "later" });
    expect(failure.line).toMatch(/cannot show .*a\.png: .*SIGKILL.*the run is not affected/);
    expect(failure.line).not.toContain("\n");
  }
  letWork();
  expect((await frames.load({ ...frame, entryId: 1 })).width).toBe(640);
  // Killed between two requests, as soon as this process has noticed.
  await kill();
  await expect.poll(() => frames.tile(1, 1, 0, 0)).toBeInstanceOf(Uint8Array);
});

test("a picture that kills every process is left alone for a while", async () => {
  const { frames, frame } = await shown({ restMs: 1e9 });
  letHang("pictures");
  for (let round = 0; round < 2; round += 1) {
    const asked = refusalOf(frames.load({ ...frame, entryId: 1 }));
    await kill();
    expect((await asked).code).toBe("web.unavailable");
  }
  expect((await refusalOf(frames.load({ ...frame, entryId: 1 }))).line).toMatch(/SIGKILL/);
  expect(workerProcesses(process.pid, "pictures")).toEqual([]);
});

test("a picture that takes long is answered for in time; the decoding goes on and is then there", async () => {
  const { frames, frame } = await shown({ answerMs: 1 });
  const failure = await refusalOf(frames.load({ ...frame, entryId: 1 }));
  expect(failure).toMatchObject({ code: "web.unavailable", retry: "later" });
  expect(failure.line).toMatch(/a\.png is still being decoded.*try again/);
  // Nobody has to wait for it: it is loaded when it is asked for again.
  const again = () => frames.load({ ...frame, entryId: 1 }).catch(() => undefined);
  await expect.poll(again, { timeout: 60_000 }).toMatchObject({ width: 640 });
  expect(workerProcesses(process.pid, "pictures")).toHaveLength(1);
});

test("what cannot be read is refused to all who ask, without a death, and the next picture is shown", async () => {
  const { frames, frame, file, filepath } = await shown();
  writeFileSync(join(filepath, "bomb.png"), blackPng(19_000, 100));
  writeFileSync(join(filepath, "text.png"), "no picture");
  const bomb = { ...frame, file: file("bomb.png"), entryId: 1 };
  const refused = await Promise.all(Array.from({ length: 10 }, () => refusalOf(frames.load(bomb))));
  expect(new Set(refused.map(({ line }) => line)).size).toBe(1);
  expect(refused[0]).toMatchObject({ code: "frame.unreadable" });
  expect(refused[0]?.line).toMatch(/bomb\.png: too large: 19000 × 19000 pixels of 4 × 16 bits/);
  expect((await refusalOf(frames.load({ ...frame, file: file("text.png"), entryId: 2 }))).line).toContain(
    "not an image",
  );
  expect((await frames.load({ ...frame, entryId: 3 })).height).toBe(480);
});

test("16 bits are stretched to the picture's range, and counted as they are", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "deep.png");
  const [width, height] = [600, 40];
  const pixels = Uint16Array.from({ length: width * height }, (_, at) => 1000 + (at % width) * 100);
  await sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace("grey16")
    .png()
    .toFile(path);
  const picture = await ShownPicture.read({ key: "1", file: { directory, path: "deep.png" }, where: path });
  const { view } = picture;
  expect([view.width, view.height, view.bitDepth, view.levels]).toEqual([width, height, 16, 2]);
  expect(view.histogram.reduce((sum, count) => sum + count, 0)).toBe(width * height);
  expect(view.histogram[2]).toBe(0);
  expect(view.saturated).toBe(0);
  expect(view.brightness).toBeCloseTo((1000 + 59_900 / 2) / 65_535, 6);
  const tile = await sharp(await picture.tile(0, 0, 0))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([tile.info.width, tile.info.height]).toEqual([512, 40]);
  const row = [0, 100, 300, 511].map((column) => tile.data[(20 * 512 + column) * tile.info.channels] as number);
  for (const [at, column] of [0, 100, 300, 511].entries()) {
    expect(Math.abs((row[at] as number) - (column / 599) * 255)).toBeLessThan(4);
  }
});

test("a picture too large to be shown as it is has the tiles of the whole one, blurred, and no profile", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "large.png");
  const [width, height] = [1301, 903];
  const pixels = Uint8Array.from({ length: width * height }, (_, at) => ((at % width) / width) * 255);
  await sharp(pixels, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toFile(path);
  const file = { key: "1", file: { directory, path: "large.png" }, where: path };
  const whole = await ShownPicture.read(file);
  const smaller = await ShownPicture.read(file, { mostPixels: 100_000 });
  expect([smaller.view.width, smaller.view.height, smaller.view.levels]).toEqual([width, height, whole.view.levels]);
  for (const [level, column, row] of [
    [0, 0, 0],
    [0, 2, 1],
    [1, 1, 0],
    [2, 0, 0],
  ] as const) {
    const [one, other] = await Promise.all(
      [whole, smaller].map(async (picture) =>
        sharp(await picture.tile(level, column, row))
          .raw()
          .toBuffer({ resolveWithObject: true }),
      ),
    );
    if (one === undefined || other === undefined) throw new Error("no tile");
    expect([other.info.width, other.info.height]).toEqual([one.info.width, one.info.height]);
    const middle = (one.info.height >> 1) * one.info.width * one.info.channels;
    for (let at = 20; at < one.info.width - 20; at += 40) {
      const place = middle + at * one.info.channels;
      expect(Math.abs((one.data[place] as number) - (other.data[place] as number))).toBeLessThan(6);
    }
  }
  expect(await smaller.tile(0, 3, 0)).toBeUndefined();
  const roi = { label: "A", flip: false, x: 10, y: 10, width: 50, height: 5 };
  expect(whole.profile(roi, 0)).toHaveLength(50);
  expect(() => smaller.profile(roi, 0)).toThrow(/too large for profiles/);
});

test("the page and the preview show one focus for one picture", async () => {
  const { path, frame } = await shown();
  const { view } = await ShownPicture.read({ key: "1", file: frame.file, where: path });
  expect(view.focus).toBe(sharpnessOf(await decodePicture(path)).focus);
  expect(view.focus).toBeGreaterThan(0);
});
