import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type JpegOptions } from "sharp";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { decodeBytes } from "../../src/image/decode.ts";
import { checkJpeg, type JpegFinding } from "../../src/image/jpeg-check.ts";
import { jpegsOf } from "../../src/image/tiff/page-fields.ts";
import { hasPython, runPython } from "../python.ts";
import { randomFrom } from "./picture-writers.ts";

const WIDTH = 333;
const HEIGHT = 250;
const END = Uint8Array.of(0xff, 0xd9);

/** Bright bands with speckle over a dark ground: what a chip looks like. */
function bands(channels: 1 | 3): Uint8Array {
  const random = randomFrom(11);
  return Uint8Array.from({ length: WIDTH * HEIGHT * channels }, (_, at) => {
    const pixel = Math.floor(at / channels);
    const [x, y] = [pixel % WIDTH, Math.floor(pixel / WIDTH)];
    const band = Math.floor(y / 40) % 2 === 0 ? 90 * Math.exp(-(((x % 111) - 50) ** 2) / 300) : 0;
    return (20 + band * (1 + (at % channels) / 3)) * (0.85 + 0.3 * random());
  });
}

function jpegOf(options: JpegOptions, channels: 1 | 3 = 1, samples = bands(channels)): Promise<Buffer> {
  return sharp(samples, { raw: { width: WIDTH, height: HEIGHT, channels } })
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .jpeg(options)
    .toBuffer();
}

/** A segment that begins with the marker `code`, and where it ends; undefined where there is none. */
function segmentOf(bytes: Uint8Array, code: number): { readonly from: number; readonly to: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const to = at + 2 + view.getUint16(at + 2);
    if (bytes[at + 1] === code) return { from: at, to };
    if (bytes[at + 1] === 0xda) return undefined;
    at = to;
  }
  return undefined;
}

const dataFrom = (bytes: Uint8Array): number => segmentOf(bytes, 0xda)?.to ?? 0;
const KINDS: readonly (readonly [string, JpegOptions, 1 | 3])[] = [
  ["baseline gray", { quality: 90 }, 1],
  ["progressive gray", { quality: 85, progressive: true }, 1],
  ["baseline colour, chroma halved", { quality: 75 }, 3],
  ["baseline colour, chroma whole", { quality: 95, chromaSubsampling: "4:4:4" }, 3],
  ["progressive colour", { quality: 80, progressive: true }, 3],
];

describe.each(KINDS)("of a %s JPEG", (_, options, channels) => {
  let good: Buffer;
  let from: number;
  beforeAll(async () => {
    good = await jpegOf(options, channels);
    from = dataFrom(good);
  });
  const places = (spare: number): number[] => {
    const count = 40;
    return Array.from(
      { length: count },
      (_, nth) => from + 40 + Math.floor(((good.length - spare - from - 60) * nth) / count),
    );
  };
  const isSound = (bytes: Uint8Array): boolean => checkJpeg(bytes).damage === "none";

  it("the file as it is, followed by anything, or with filler before its end marker, is whole", async () => {
    expect(checkJpeg(good)).toMatchObject({ damage: "none" });
    const body = good.subarray(0, -2);
    const accepted = [
      Buffer.concat([good, Buffer.from("trailing notes of a camera \xff\xd8\xff", "latin1")]),
      Buffer.concat([good, good]),
      Buffer.concat([body, Buffer.alloc(3), END]),
      Buffer.concat([body, Buffer.alloc(5, 0xff), END]),
    ];
    expect(accepted.map(isSound)).toEqual(accepted.map(() => true));
    await expect(decodeBytes(accepted[0] as Buffer, "camera.jpg")).resolves.toMatchObject({ width: WIDTH });
  });

  it("a stretch lost in the middle is found wherever it was", () => {
    const lost = places(600).map((at) => Buffer.concat([good.subarray(0, at), good.subarray(at + 512)]));
    expect(lost.filter(isSound)).toHaveLength(0);
  });

  it("a picture cut anywhere and ended by an end marker is found", () => {
    const half = places(0).map((at) => Buffer.concat([good.subarray(0, at), END]));
    expect(half.filter(isSound)).toHaveLength(0);
  });

  it("zeroed bytes are found in 95 of 100 places", () => {
    const all = places(600);
    const zeroed = all.map((at) => Buffer.concat([good.subarray(0, at), Buffer.alloc(512), good.subarray(at + 512)]));
    expect(zeroed.filter(isSound).length).toBeLessThanOrEqual(all.length / 20);
  });

  it("a flipped bit is found wherever it moves blocks", async () => {
    const random = randomFrom(3);
    const stored = await sharp(good).raw().toBuffer({ resolveWithObject: true });
    const found: boolean[] = [];
    for (const at of places(0)) {
      const flipped = Uint8Array.from(good);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(8 * random()));
      if (!isSound(flipped)) {
        found.push(true);
        continue;
      }
      const { data } = await sharp(flipped, { failOn: "none" }).raw().toBuffer({ resolveWithObject: true });
      // What was not found is one block, or everything behind it brighter or darker by the same: nothing has moved.
      expect(movedShare(stored.data, data, stored.info.channels)).toBeLessThan(0.02);
    }
    expect(found.length).toBeGreaterThan(0);
  });
});

/** Share of neighbouring pixel pairs whose difference has changed by more than rounding: of structure, not of light. */
function movedShare(before: Uint8Array, after: Uint8Array, channels: number): number {
  let moved = 0;
  for (let at = channels; at < before.length; at++) {
    const step = (from: Uint8Array) => (from[at] as number) - (from[at - channels] as number);
    // Clipped at black or white, structure vanishes without having moved.
    const clipped = [after[at], after[at - channels]].some((value) => value === 0 || value === 255);
    if (!clipped && Math.abs(step(before) - step(after)) > 4) moved++;
  }
  return moved / before.length;
}

test("a refusal names the file, what is missing and what to do, and no position comes of it", async () => {
  const good = await jpegOf({ quality: 90 });
  const lost = Buffer.concat([good.subarray(0, 3000), good.subarray(4000)]);
  await expect(decodeBytes(lost, "camera/lost.jpg")).rejects.toMatchObject({
    code: "frame.unreadable",
    message: expect.stringMatching(/^camera\/lost\.jpg: the JPEG image is damaged or incomplete: .+ blocks/),
    hint: expect.stringContaining("copy it again"),
  });
});

test("the default Huffman tables serve where a picture of motion JPEG leaves them out", async () => {
  const good = await sharp(bands(1), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .toColourspace("b-w")
    .jpeg({ quality: 80, optimiseCoding: false })
    .toBuffer();
  let bare: Buffer = good;
  for (let table = segmentOf(bare, 0xc4); table !== undefined; table = segmentOf(bare, 0xc4)) {
    bare = Buffer.concat([bare.subarray(0, table.from), bare.subarray(table.to)]);
  }
  expect(bare.length).toBeLessThan(good.length);
  expect(checkJpeg(bare)).toMatchObject({ damage: "none" });
  expect((await decodeBytes(bare, "bare.jpg")).pixels).toEqual((await decodeBytes(good, "good.jpg")).pixels);
  expect(checkJpeg(Buffer.concat([bare.subarray(0, 2000), bare.subarray(2400)])).damage).not.toBe("none");
});

test("EXIF, an orientation, a colour profile, comments and bytes between segments change nothing", async () => {
  const marked = await sharp(bands(3), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .withExif({ IFD0: { Copyright: "nobody", Make: "a camera" } })
    .withMetadata({ orientation: 6, density: 300 })
    .withIccProfile("p3", { attach: true })
    .jpeg()
    .toBuffer();
  const comment = Buffer.from("\xff\xfe\x00\x08\xff\xd9\xff\xda\xff\xff", "latin1");
  const noted = Buffer.concat([marked.subarray(0, 2), comment, Buffer.from("xx"), marked.subarray(2)]);
  expect([marked, noted].map((bytes) => checkJpeg(bytes).damage)).toEqual(["none", "none"]);
});

test.each([
  ["strips", {}],
  ["tiles", { tile: true, tileWidth: 64, tileHeight: 64 }],
  ["strips of a BigTIFF", { bigtiff: true }],
] as const)("JPEG %s in a TIFF are checked like files", async (_, options) => {
  const source = sharp(bands(1), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).toColourspace("b-w");
  const good = await source.tiff({ compression: "jpeg", quality: 90, ...options }).toBuffer();
  await expect(decodeBytes(good, "good.tif")).resolves.toMatchObject({ width: WIDTH, height: HEIGHT });
  const streams: Uint8Array[] = [];
  for await (const stream of jpegsOf(good)) streams.push(stream);
  expect(streams.length).toBeGreaterThan(0);
  expect(streams.map((jpeg) => checkJpeg(jpeg).damage)).toEqual(streams.map(() => "none"));
  const zeroed = Uint8Array.from(good);
  zeroed.fill(0, good.length >> 1, (good.length >> 1) + 100);
  await expect(decodeBytes(zeroed, "zeroed.tif")).rejects.toMatchObject({
    code: "frame.unreadable",
    message: expect.stringContaining("zeroed.tif: the JPEG image is damaged"),
  });
});

test("scans that never came are found in a progressive picture that ends between two scans", async () => {
  const good = await jpegOf({ quality: 85, progressive: true });
  const scans: number[] = [];
  for (let at = 2; at < good.length - 1; at++) if (good[at] === 0xff && good[at + 1] === 0xda) scans.push(at);
  expect(scans.length).toBeGreaterThan(2);
  for (const at of scans.slice(1)) {
    const found: JpegFinding = checkJpeg(Buffer.concat([good.subarray(0, at), END]));
    expect(found.damage).toBe("scans");
  }
});

test("arithmetic, lossless and 12-bit kinds, whose damage could not be seen, are refused by name", async () => {
  const good = await jpegOf({ quality: 85 });
  const frame = segmentOf(good, 0xc0)?.from ?? 0;
  for (const [offset, value] of [
    [1, 0xc3],
    [1, 0xc9],
    [4, 12],
  ] as const) {
    const other = Uint8Array.from(good);
    other[frame + offset] = value;
    expect(checkJpeg(other).damage).toBe("unknown");
    await expect(decodeBytes(other, "other.jpg")).rejects.toMatchObject({
      code: "frame.unreadable",
      message: expect.stringContaining("other.jpg: JPEG images with arithmetic coding"),
    });
  }
});

const WRITE = `
import cv2, sys, numpy as np
rng = np.random.default_rng(1)
y, x = np.mgrid[0:203, 0:317]
ims = {'bands': np.clip((20 + 90 * np.exp(-((x % 111) - 50.0) ** 2 / 300) * (y // 40 % 2)) * rng.uniform(.8, 1.2, x.shape), 0, 255).astype(np.uint8),
       'noise': rng.integers(0, 256, x.shape, np.uint8), 'extremes': (rng.integers(0, 2, x.shape) * 255).astype(np.uint8),
       'black': np.zeros((97, 131), np.uint8), 'white': np.full((64, 64), 255, np.uint8), 'one': np.full((1, 1), 9, np.uint8)}
n = 0
for name, im in ims.items():
  colour = cv2.merge([im, im[::-1], im[:, ::-1]])
  for quality in (1, 10, 40, 75, 90, 95, 100):
    for progressive in (0, 1):
      for restart in (0, 1, 7):
        for source in (im, colour):
          for sampling in ((0x111111, 0x221111, 0x211111, 0x121111, 0x411111) if source is colour and restart == 0 else (0x221111,)):
            options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, restart,
                       cv2.IMWRITE_JPEG_OPTIMIZE, n % 2]
            if hasattr(cv2, 'IMWRITE_JPEG_SAMPLING_FACTOR'): options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
            cv2.imwrite('%s/%s-%d.jpg' % (sys.argv[1], name, n), source, options); n += 1
`;

describe("good pictures of other writers", () => {
  const directory = mkdtempSync(join(tmpdir(), "phorest-jpeg-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const refused = (names: readonly string[]) =>
    names.filter((name) => checkJpeg(readFileSync(join(directory, name))).damage !== "none");

  it.skipIf(!hasPython("cv2"))(
    "of OpenCV are whole: quality, restarts, progressive, sampling, optimised or not",
    () => {
      runPython(WRITE, directory);
      const names = readdirSync(directory).filter((name) => name.endsWith(".jpg"));
      expect(names.length).toBeGreaterThan(500);
      expect(refused(names)).toEqual([]);
      // Restart markers: one out of order, and one that is gone with its data.
      const restarted = names
        .map((name) => readFileSync(join(directory, name)))
        .find((bytes) => segmentOf(bytes, 0xdd));
      if (restarted === undefined) throw new Error("no picture with restart markers was written");
      const second = restarted.indexOf(Buffer.of(0xff, 0xd1));
      const third = restarted.indexOf(Buffer.of(0xff, 0xd2));
      const swapped = Uint8Array.from(restarted);
      swapped[second + 1] = 0xd3;
      expect(checkJpeg(swapped).damage).toBe("restart");
      const gone = Buffer.concat([restarted.subarray(0, second), restarted.subarray(third)]);
      expect(checkJpeg(gone).damage).toBe("restart");
    },
  );
});
