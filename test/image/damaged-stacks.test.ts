// Stacks with random damage: each page is read or refused, and nothing else happens. Reproducible.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import { decodePicture } from "../../src/image/decode.ts";
import { listPages } from "../../src/image/pages.ts";
import { grayPicture, randomFrom } from "./picture-writers.ts";
import { type StackField, type StackOptions, writeStack } from "./stack-writer.ts";

const ROUNDS = 40;
const SHORT = 3;
const pictures = [1, 2, 3].map((seed) => grayPicture(19, 8, 16, seed));
const tagged = (...fields: StackField[]): StackOptions => ({ fields: () => fields });

/** Damages a few bytes, most of them where directories are. */
function damaged(bytes: Buffer, random: () => number): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = 1 + Math.floor(3 * random()); count > 0; count--) {
    const at = Math.floor(random() * copy.length);
    copy[at] = random() < 0.5 ? Math.floor(256 * random()) : random() < 0.5 ? 255 : 0;
  }
  return random() < 0.2 ? copy.subarray(0, Math.floor(random() * copy.length)) : copy;
}

test.each<[string, StackOptions]>([
  ["plain", {}],
  ["BigTIFF in strips", { big: true, rowsPerStrip: 3 }],
  ["packed", tagged([258, SHORT, [12]])],
  ["signed", tagged([339, SHORT, [2]])],
  ["LZW", tagged([259, SHORT, [5]], [317, SHORT, [2]])],
  ["deflate", tagged([259, SHORT, [8]])],
  ["PackBits", tagged([259, SHORT, [32773]], [339, SHORT, [2]])],
  ["tiles", tagged([322, SHORT, [32]], [323, SHORT, [16]], [324, 4, [16]], [325, 4, [304]], [339, SHORT, [2]])],
  ["ImageJ", { imagej: "ImageJ=1.54f\nimages=3\nframes=3\n" }],
])("damaged: %s", async (_, options) => {
  const directory = mkdtempSync(join(tmpdir(), "phorest-damaged-"));
  const random = randomFrom(7);
  const whole = writeStack(pictures, options);
  const path = "stack.tif";
  let read = 0;
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
      read++;
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "frame.unreadable") throw error;
    }
  };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      writeFileSync(join(directory, path), damaged(whole, random));
      await attempt(async () => {
        const { pages } = await listPages({ directory, path });
        for (const { index } of pages) await attempt(() => decodePicture({ directory, path, page: index }));
      });
      await attempt(() => decodePicture(join(directory, path)));
    }
    expect(read).toBeGreaterThan(0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
