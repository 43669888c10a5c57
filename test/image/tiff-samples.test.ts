// Samples that a TIFF has besides the gray ones, those that it does not name, and the checksum of deflate.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { decodeBytes } from "../../src/image/decode.ts";
import { framesOfFile } from "../../src/image/frames-of-file.ts";
import { type GrayPicture, grayPicture, withPages, writeTiff } from "./picture-writers.ts";

const [WIDTH, HEIGHT] = [37, 24];
const directory = mkdtempSync(join(tmpdir(), "phorest-samples-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A picture of several samples per pixel: in planes below each other, or next to each other. */
function joined(samples: readonly GrayPicture[], isPlanar: boolean): GrayPicture {
  const [first] = samples as [GrayPicture];
  const pixels = first.pixels instanceof Uint8Array ? new Uint8Array() : new Uint16Array();
  const all = Array.from({ length: samples.length * WIDTH * HEIGHT }, (_, at) => {
    const pixel = isPlanar ? at % (WIDTH * HEIGHT) : Math.floor(at / samples.length);
    const sample = isPlanar ? Math.floor(at / (WIDTH * HEIGHT)) : at % samples.length;
    return samples[sample]?.pixels[pixel] as number;
  });
  const [width, height] = isPlanar ? [WIDTH, HEIGHT * samples.length] : [WIDTH * samples.length, HEIGHT];
  return { pixels: pixels instanceof Uint8Array ? Uint8Array.from(all) : Uint16Array.from(all), width, height };
}

function tiffOf(depth: 8 | 16, samples: number, isPlanar: boolean, fields: Record<number, number> = {}) {
  const planes = Array.from({ length: samples }, (_, at) => grayPicture(WIDTH, HEIGHT, depth, at + 1));
  const shape = { 256: WIDTH, 257: HEIGHT, 277: samples, 278: HEIGHT, 284: isPlanar ? 2 : 1 };
  const bytes = writeTiff(joined(planes, isPlanar), { rowsPerStrip: HEIGHT, fields: { ...shape, ...fields } });
  return { bytes, first: planes[0]?.pixels ?? [] };
}

const KINDS = ([8, 16] as const).flatMap((depth) =>
  [2, 3, 4, 5].flatMap((samples) => [true, false].map((isPlanar) => ({ depth, samples, isPlanar }))),
);

describe("several gray samples per pixel", () => {
  it.each(KINDS)(
    "$samples of $depth bits, in planes: $isPlanar: the first is read, the others are named",
    async (kind) => {
      const { bytes, first } = tiffOf(kind.depth, kind.samples, kind.isPlanar);
      for (const reading of ["precise", "established"] as const) {
        const picture = await decodeBytes(bytes, "samples.tif", reading);
        expect([picture.width, picture.height, picture.bitDepth]).toEqual([WIDTH, HEIGHT, kind.depth]);
        expect([...picture.pixels]).toEqual([...first]);
      }
      const others = kind.samples === 2 ? "sample 2 is" : `samples 2 to ${kind.samples} are`;
      const line = `each pixel has ${kind.samples} gray samples; phorest measures only the first, ${others} ignored`;
      for (const [pages, file] of [1, 3].map((count) => [count, withPages(bytes, count)] as const)) {
        const path = `${kind.depth}-${kind.samples}-${kind.isPlanar}-${pages}.tif`;
        writeFileSync(join(directory, path), file);
        const found = await framesOfFile({ directory, path });
        expect(found).toMatchObject({ leftOut: [line], damage: undefined, refused: undefined });
        expect(found.pages?.length).toBe(pages === 1 ? undefined : pages);
      }
    },
  );

  it("transparency and colours are not said to be left out", async () => {
    for (const [name, fields, samples] of [
      ["alpha.tif", { 338: 2 }, 2],
      ["rgb.tif", { 262: 2 }, 3],
    ] as const) {
      writeFileSync(join(directory, name), tiffOf(8, samples, false, fields).bytes);
      expect(await framesOfFile({ directory, path: name })).toMatchObject({ leftOut: [], damage: undefined });
    }
  });

  it("planes that only libtiff could read are refused for what they are", async () => {
    const bytes = tiffOf(8, 2, true, { 258: 4 }).bytes;
    await expect(decodeBytes(bytes, "planes.tif")).rejects.toMatchObject({
      code: "frame.unreadable",
      message: expect.stringContaining("samples in separate planes"),
    });
  });
});

describe("a TIFF that does not say what its samples are", () => {
  /** Without its field 262, in whose place is one without a meaning. */
  function unnamed(bytes: Uint8Array): Uint8Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const at = view.getUint32(4, true);
    const fields = view.getUint16(at, true);
    for (let entry = at + 2; entry < at + 2 + 12 * fields; entry += 12) {
      if (view.getUint16(entry, true) === 262) view.setUint16(entry, 261, true);
    }
    return bytes;
  }

  it.each([8, 16] as const)("a single sample of %i bits is gray from black", async (depth) => {
    const gray = grayPicture(WIDTH, HEIGHT, depth, 4);
    expect([...(await decodeBytes(unnamed(writeTiff(gray)), "unnamed.tif")).pixels]).toEqual([...gray.pixels]);
  });

  it.each([
    ["3 samples", tiffOf(8, 3, false).bytes, "3 samples per pixel of unknown meaning"],
    ["4 bits", writeTiff(grayPicture(WIDTH, HEIGHT, 8, 1), { fields: { 258: 4 } }), "of unknown meaning"],
  ])("%s are refused for that", async (_, bytes, reason) => {
    const failure: unknown = await decodeBytes(unnamed(bytes), "unnamed.tif").catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "frame.unreadable", message: expect.stringContaining(reason) });
    expect(String(failure)).not.toMatch(/damaged/);
  });

  it("raw data of a sensor that are compressed as JPEG are refused for what they are", async () => {
    const bytes = writeTiff(grayPicture(WIDTH, HEIGHT, 16, 1), { fields: { 259: 7, 262: 34892 } });
    await expect(decodeBytes(bytes, "raw.tif")).rejects.toMatchObject({
      message: expect.stringContaining("compressed raw data of a sensor (DNG, LinearRaw)"),
    });
  });
});

describe("deflate", () => {
  const plain = grayPicture(WIDTH, HEIGHT, 8, 3).pixels as Uint8Array;

  function packedTiff(packed: Uint8Array, fields: Record<number, number>): Uint8Array {
    const bytes = { pixels: packed, width: packed.length, height: 1 };
    return writeTiff(bytes, { fields: { 256: WIDTH, 257: HEIGHT, 278: HEIGHT, 259: 8, ...fields } });
  }

  it.each([
    ["read here", {}, WIDTH * HEIGHT],
    ["read here, longer than the picture", {}, WIDTH * HEIGHT + 500],
    ["read by the library", { 258: 4 }, Math.ceil(WIDTH / 2) * HEIGHT],
    ["read by the library, longer than the picture", { 258: 4 }, Math.ceil(WIDTH / 2) * HEIGHT + 500],
  ])("%s: no changed bit is taken for a pixel", async (_, fields: Record<number, number>, length) => {
    const data = Buffer.alloc(length, plain);
    const packed = deflateSync(data);
    const sound = await decodeBytes(packedTiff(packed, fields), "sound.tif");
    if (fields[258] === undefined) expect([...sound.pixels]).toEqual([...plain]);
    let refused = 0;
    for (let bit = 3; bit < 8 * packed.length; bit += 61) {
      const damaged = Uint8Array.from(packed);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        const picture = await decodeBytes(packedTiff(damaged, fields), "damaged.tif");
        // A few bits mean nothing.
        expect([...picture.pixels], `bit ${bit}`).toEqual([...sound.pixels]);
      } catch (error) {
        expect(error).toMatchObject({ code: "frame.unreadable", message: expect.stringContaining("damaged") });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(packed.length / 10);
    const cut = packedTiff(packed.subarray(0, packed.length - 4), fields);
    await expect(decodeBytes(cut, "cut.tif")).rejects.toMatchObject({ code: "frame.unreadable" });
  });
});
