import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from "vitest";
import { decodeBytes, decodePicture } from "../../src/image/decode.ts";
import { upright } from "../../src/image/orientation.ts";
import { listPages } from "../../src/image/pages.ts";
import { otherPages, type Picture } from "../../src/image/picture.ts";
import { decodeReduced } from "../../src/image/reduce.ts";
import { sourceOfBytes } from "../../src/image/tiff/byte-source.ts";
import { readTiffSeries } from "../../src/image/tiff/series.ts";
import { hasPython, runPython } from "../python.ts";
import { grayPicture, writeTiff } from "./picture-writers.ts";
import { writeStack } from "./stack-writer.ts";

const WIDTH = 37;
const HEIGHT = 24;
const eight = grayPicture(WIDTH, HEIGHT, 8, 1);
const sixteen = grayPicture(WIDTH, HEIGHT, 16, 2);

/** The stored pixels of a picture by row and column, turned as the words of the standard say. */
function turned({ pixels, width, height }: Picture, orientation: number): number[][] {
  const rows = Array.from({ length: height }, (_, row) => [...pixels.subarray(row * width, (row + 1) * width)]);
  const transposed = () => Array.from({ length: width }, (_, column) => rows.map((row) => row[column] as number));
  const mirrored = (all: number[][]) => all.map((row) => [...row].reverse());
  const flipped = (all: number[][]) => [...all].reverse();
  const ways: Readonly<Record<number, () => number[][]>> = {
    1: () => rows,
    2: () => mirrored(rows),
    3: () => mirrored(flipped(rows)),
    4: () => flipped(rows),
    5: transposed,
    6: () => mirrored(transposed()),
    7: () => mirrored(flipped(transposed())),
    8: () => flipped(transposed()),
  };
  return (ways[orientation] as () => number[][])();
}

describe.each([
  ["8-bit", eight, 8],
  ["16-bit", sixteen, 16],
] as const)("orientation in %s files", (_, gray, bitDepth) => {
  const stored: Picture = { ...gray, bitDepth };

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("%i is applied to the pixels", async (orientation) => {
    const rows = turned(stored, orientation);
    const bytes = writeTiff(gray, { fields: { 274: orientation }, rowsPerStrip: 7 });
    const picture = await decodeBytes(bytes, "oriented.tif");
    expect([picture.width, picture.height]).toEqual([rows[0]?.length, rows.length]);
    expect([...picture.pixels]).toEqual(rows.flat());
    expect([...upright(stored, orientation).pixels]).toEqual(rows.flat());
  });

  it.each([0, 9, 65535])("%i, which does not exist, counts as upright, in both byte orders", async (orientation) => {
    for (const little of [true, false]) {
      const bytes = writeTiff(gray, { fields: { 274: orientation }, little });
      const before = Uint8Array.from(bytes);
      const picture = await decodeBytes(bytes, "oriented.tif");
      expect([...picture.pixels]).toEqual([...gray.pixels]);
      expect(bytes).toEqual(Buffer.from(before));
    }
  });
});

test("a page of several planes on top of each other is refused for that, also where it is one of several pages", async () => {
  const volume = { fields: () => [[32997, 4, [5]] as const] };
  const why = /a volumetric TIFF with 5 planes in one page is not read/;
  await expect(decodeBytes(writeStack([sixteen], volume), "volume.tif")).rejects.toThrow(why);
  const directory = mkdtempSync(join(tmpdir(), "phorest-volume-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, "two.tif"), writeStack([sixteen, sixteen], volume));
  await expect(decodePicture({ directory, path: "two.tif", page: 1 })).rejects.toThrow(why);
  const flat = writeStack([sixteen], { fields: () => [[32997, 4, [1]] as const] });
  expect(await decodeBytes(flat, "flat.tif")).toMatchObject({ width: WIDTH, height: HEIGHT });
});

test("a damaged directory is left to the reader of pixels; pages that were cut off are counted", async () => {
  const series = (file: Uint8Array) => readTiffSeries(sourceOfBytes(file));
  const bytes = writeTiff(eight);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directory = view.getUint32(4, true);
  const end = directory + 2 + 12 * view.getUint16(directory, true);
  expect(await series(bytes)).toMatchObject({ count: 1, leftOut: [], pages: [{ bits: 8 }] });
  view.setUint32(end, 0x7fffffff, true);
  expect(await series(bytes)).toMatchObject({ count: 2, leftOut: [expect.stringContaining("page 2")] });
  view.setUint32(end, directory, true);
  expect(await series(bytes)).toMatchObject({ count: 1 });
  view.setUint32(4, 0x7fffffff, true);
  expect(await series(bytes)).toBeUndefined();
  expect(await series(bytes.subarray(0, 12))).toBeUndefined();
  expect(await series(Buffer.from("PNG or anything else at all"))).toBeUndefined();
});

test("pages that are left out are said in one line", () => {
  expect(otherPages(undefined)).toBeUndefined();
  expect(otherPages(1)).toBeUndefined();
  expect(otherPages(2)).toBe("the file has 2 pages; phorest measures only the first, page 2 is ignored");
  expect(otherPages(40)).toBe("the file has 40 pages; phorest measures only the first, pages 2 to 40 are ignored");
});

const WRITE = `
import sys, struct, numpy as np, tifffile
y, x = np.mgrid[0:24, 0:37]
a = ((x * 5 + y * 9) % 256).astype(np.uint8); b = a.astype(np.uint16) * 257
def put(name, image, **k): tifffile.imwrite(sys.argv[1] + '/' + name + '.tif', image, photometric='minisblack', **k)
put('big8', a, bigtiff=True); put('big16', b, bigtiff=True); put('big16be', b, bigtiff=True, byteorder='>'); put('bigdeflate', b, bigtiff=True, compression='zlib')
put('bigori6', np.rot90(a), bigtiff=True, extratags=[(274, 'H', 1, 6, True)]); put('bigori0', a, bigtiff=True, extratags=[(274, 'H', 1, 0, True)])
put('deflateori0', a, compression='zlib', extratags=[(274, 'H', 1, 0, True)]); put('deflateori3', b[::-1, ::-1], compression='zlib', extratags=[(274, 'H', 1, 3, True)])
put('tiledori4', np.pad(a, ((0, 8), (0, 11)))[::-1], tile=(16, 16), extratags=[(274, 'H', 1, 4, True)])
put('stack4', np.stack([a, a + 1, a + 2, a + 3])); put('bigstack3', np.stack([b, b, b]), bigtiff=True)
tifffile.imwrite(sys.argv[1] + '/imagej5.tif', np.stack([b] * 5), imagej=True)
tifffile.imwrite(sys.argv[1] + '/ome3.tif', np.stack([b] * 3), ome=True)
put('onepage7', b, description='ImageJ=1.53t\\nimages=7\\nslices=7\\n', metadata=None)
put('fractions', b.astype(np.float32) + 0.5); put('large32', b.astype(np.uint32) * 2); put('float16', b.astype(np.float16)); put('int8', a.astype(np.int8)); put('int16', b.astype(np.int16))
put('uint64', b.astype(np.uint64)); put('complex', b.astype(np.complex64)); put('lzma', b, compression='lzma')
def bare(name, bits, compression=1, photometric=1, predictor=1):
  f = sorted([(256, 3, 32), (257, 3, 12), (258, 3, bits), (259, 3, compression), (262, 3, photometric), (273, 4, 8), (277, 3, 1), (278, 3, 12), (279, 4, 1024), (317, 3, predictor)])
  data = b'II*\\0' + struct.pack('<I', 1032) + bytes(range(256)) * 4 + struct.pack('<H', len(f)) + b''.join(struct.pack('<HHII', t, k, 1, v) for t, k, v in f) + bytes(4)
  open(sys.argv[1] + '/' + name + '.tif', 'wb').write(data)
def thumbnail(name, photometric, **k):
  with tifffile.TiffWriter(sys.argv[1] + '/' + name + '.tif', **k) as w:
    w.write(a[:8, :9], photometric='minisblack', subfiletype=1, subifds=2, metadata=None)
    w.write(b, photometric=photometric, subfiletype=0, metadata=None); w.write(a[:12, :18], photometric='minisblack', subfiletype=1, metadata=None)
thumbnail('thumbnail', 'minisblack'); thumbnail('bigthumbnail', 'minisblack', bigtiff=True, byteorder='>'); thumbnail('cfa', 32803)
with tifffile.TiffWriter(sys.argv[1] + '/reduced.tif') as w:
  w.write(a[:8, :9], photometric='minisblack', subfiletype=1, metadata=None); w.write(b, photometric='minisblack', subfiletype=0, metadata=None)
for bits in (7, 24): bare('packed%d' % bits, bits)
bare('mosaic', 16, photometric=32803); bare('linearraw', 16, photometric=34892); bare('predictor', 12, compression=5, predictor=2)
for number in (6, 33005, 34887, 50001, 50002, 12345): bare('compression%d' % number, 8, number)
`;

describe.skipIf(!hasPython("tifffile", "numpy"))("files of other writers", () => {
  const directory = mkdtempSync(join(tmpdir(), "phorest-tiff-"));
  const file = (name: string) => join(directory, `${name}.tif`);
  beforeAll(() => {
    runPython(WRITE, directory);
    expect(readdirSync(directory).length).toBeGreaterThan(30);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const expected = (factor: number, columns = 37, rows = 24) =>
    Array.from({ length: rows * columns }, (_, at) => {
      const [x, y] = [at % columns, Math.floor(at / columns)];
      return x < 37 && y < 24 ? ((x * 5 + y * 9) % 256) * factor : 0;
    });

  it.each([
    ["big8", 1],
    ["big16", 257],
    ["big16be", 257],
    ["bigdeflate", 257],
    ["bigori0", 1],
    ["bigori6", 1],
    ["deflateori0", 1],
    ["deflateori3", 257],
  ])("%s is read upright, whole and reduced", async (name, factor) => {
    const picture = await decodePicture(file(name));
    expect([picture.width, picture.height, picture.pages]).toEqual([WIDTH, HEIGHT, undefined]);
    expect([...picture.pixels]).toEqual(expected(factor));
    const reduced = await decodeReduced(file(name), name, 300);
    expect([reduced.width, reduced.height, reduced.scale]).toEqual([WIDTH, HEIGHT, 2]);
  });

  it.each(["thumbnail", "bigthumbnail", "reduced"])("%s: the full picture is read, not the thumbnail", async (name) => {
    const picture = await decodePicture(file(name));
    expect([picture.width, picture.height, picture.pages]).toEqual([WIDTH, HEIGHT, undefined]);
    expect([...picture.pixels]).toEqual(expected(257));
    expect((await decodeReduced(file(name), name, 300)).width).toBe(WIDTH);
    expect((await listPages(file(name))).pages).toMatchObject([{ index: 0, width: WIDTH, height: HEIGHT, bits: 16 }]);
  });

  it("gray raw data of a DNG are read", async () => {
    expect(await decodePicture(file("linearraw"))).toMatchObject({ width: 32, height: 12, bitDepth: 16 });
  });

  it("where only the thumbnail is there, the file is refused for that", async () => {
    const whole = readFileSync(file("thumbnail"));
    const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
    const directory = view.getUint32(4, true);
    for (let entry = directory + 2; ; entry += 12) {
      if (view.getUint16(entry, true) !== 330) continue;
      // The first of two places of directories.
      view.setUint32(view.getUint32(entry + 8, true), 0x7ffffff0, true);
      view.setUint32(view.getUint32(entry + 8, true) + 4, 0x7ffffff0, true);
      break;
    }
    await expect(decodeBytes(whole, "thumbnail.tif")).rejects.toMatchObject({
      code: "frame.unreadable",
      message: expect.stringContaining("it begins with a thumbnail; the picture that the thumbnail belongs to"),
    });
  });

  it("a tiled file is turned as one picture", async () => {
    const picture = await decodePicture(file("tiledori4"));
    expect([picture.width, picture.height]).toEqual([48, 32]);
    expect([...picture.pixels]).toEqual(expected(1, 48, 32));
  });

  it.each([
    ["stack4", 4, 1],
    ["bigstack3", 3, 257],
    ["imagej5", 5, 257],
    ["ome3", 3, 257],
    ["onepage7", 7, 257],
  ])("%s gives its first page and says how many there are", async (name, pages, factor) => {
    const picture = await decodePicture(file(name));
    expect(picture.pages).toBe(pages);
    expect([...picture.pixels]).toEqual(expected(factor));
  });

  it.each([
    ["float16", "floating-point samples of 16 bits"],
    ["fractions", "floating-point samples of 32 bits is read only if all are whole numbers from 0 to 65535"],
    ["int8", "signed samples of 8 bits is read only if all are whole numbers from 0 to 65535"],
    ["int16", "signed samples of 16 bits is read only if all are whole numbers from 0 to 65535"],
    ["large32", "samples of 32 bits is read only if all are whole numbers from 0 to 65535"],
    ["uint64", "samples of 64 bits"],
    ["complex", "complex samples"],
    ["packed7", "packed samples of 7 bits"],
    ["packed24", "samples of 24 bits"],
    ["mosaic", "raw data of a colour sensor (DNG, CFA)"],
    ["cfa", "raw data of a colour sensor (DNG, CFA)"],
    ["predictor", "packed samples of 12 bits and the predictor 2"],
    ["lzma", "compression LZMA"],
    ["compression6", "compression old-style JPEG"],
    ["compression33005", "compression JPEG 2000"],
    ["compression34887", "compression LERC"],
    ["compression50001", "compression WebP"],
    ["compression50002", "compression JPEG XL"],
    ["compression12345", "compression number 12345"],
  ])("%s is refused for what it is, not as damaged", async (name, reason) => {
    const failure: unknown = await decodePicture(file(name)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "frame.unreadable", message: expect.stringContaining(reason) });
    expect(String(failure)).not.toMatch(/damaged/);
  });

  it("cut off anywhere, a BigTIFF is refused", async () => {
    const whole = readFileSync(file("big16"));
    for (const size of [20, 200, whole.length - 100]) {
      const cut = decodeBytes(whole.subarray(0, size), "cut.tif");
      await expect(cut).rejects.toMatchObject({ code: "frame.unreadable" });
    }
  });

  it.skipIf(!hasPython("cv2"))("OpenCV turns every orientation the same way", async () => {
    const names = Array.from({ length: 8 }, (_, at) => `ori${at + 1}`);
    const printed = runPython(
      `import sys, json, cv2, numpy as np, tifffile
y, x = np.mgrid[0:24, 0:37]; a = ((x * 5 + y * 9) % 256).astype(np.uint8); out = {}
for o in range(1, 9):
  f = '%s/ori%d.tif' % (sys.argv[1], o); tifffile.imwrite(f, a, photometric='minisblack', extratags=[(274, 'H', 1, o, True)])
  out['ori%d' % o] = cv2.imread(f, -1).tolist()
print(json.dumps(out))`,
      directory,
    );
    const theirs: Readonly<Record<string, number[][]>> = JSON.parse(printed);
    for (const name of names) {
      const picture = await decodePicture(file(name));
      expect([...picture.pixels], name).toEqual(theirs[name]?.flat());
      expect(picture.width, name).toBe(theirs[name]?.[0]?.length);
    }
  });
});
