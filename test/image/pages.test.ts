import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { decodePicture } from "../../src/image/decode.ts";
import { listPages } from "../../src/image/pages.ts";
import { decodeReduced } from "../../src/image/reduce.ts";
import { grayPicture, writePng } from "./picture-writers.ts";
import { type StackOptions, writeStack } from "./stack-writer.ts";

const directory = mkdtempSync(join(tmpdir(), "phorest-pages-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function fileOf(bytes: Uint8Array, ending = "tif"): { directory: string; path: string } {
  const path = `stack-${files++}.${ending}`;
  writeFileSync(join(directory, path), bytes);
  return { directory, path };
}

const pictures = [1, 2, 3, 4, 5].map((seed) => grayPicture(37, 24, 16, seed));

describe.each<[string, StackOptions]>([
  ["classic, little-endian", {}],
  ["classic, big-endian", { little: false }],
  ["BigTIFF, little-endian", { big: true }],
  ["BigTIFF, big-endian", { big: true, little: false }],
  ["in strips", { rowsPerStrip: 5 }],
  ["in strips with gaps", { rowsPerStrip: 5, gap: 3, big: true }],
])("a stack: %s", (_, options) => {
  const file = fileOf(writeStack(pictures, options));
  const packed = fileOf(gzipSync(writeStack(pictures, options)), "tif.gz");

  it("has every page", async () => {
    for (const named of [file, packed, join(directory, file.path)]) {
      const { pages, leftOut } = await listPages(named);
      expect(leftOut).toEqual([]);
      expect(pages).toEqual(
        pictures.map((_, index) => ({
          index,
          width: 37,
          height: 24,
          bits: 16,
          channel: 0,
          z: 0,
          position: 0,
          time: index,
        })),
      );
    }
  });

  it("gives each page's own pixels", async () => {
    for (const [page, { pixels }] of pictures.entries()) {
      for (const named of [
        { ...file, page },
        { ...packed, page },
      ]) {
        const picture = await decodePicture(named);
        expect([picture.width, picture.height, picture.bitDepth, picture.pages]).toEqual([37, 24, 16, undefined]);
        expect(picture.pixels).toEqual(pixels);
        expect((await decodeReduced(named, "reduced", 300)).width).toBe(37);
      }
    }
  });

  it("without a page gives the first one and says how many there are", async () => {
    const picture = await decodePicture(file);
    expect(picture.pixels).toEqual(pictures[0]?.pixels);
    expect(picture.pages).toBe(5);
  });

  it("names the page in what is wrong", async () => {
    const failure: unknown = await decodePicture({ ...file, page: 5 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "frame.unreadable",
      message: expect.stringContaining(`${file.path}, page 6: there is no page 6; the file has 5`),
    });
  });
});

describe("a stack that is cut off", () => {
  const whole = writeStack(pictures);
  it.each([
    [whole.length - 1, 4, "page 5"],
    [whole.length - 900, 4, "page 5"],
    [Math.floor(whole.length / 2), 2, "page 3"],
  ])("after %i bytes lists its whole pages and names the rest", async (size, count, left) => {
    const file = fileOf(whole.subarray(0, size));
    const { pages, leftOut } = await listPages(file);
    expect(pages.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, index) => index));
    expect(leftOut).toHaveLength(1);
    expect(leftOut[0]).toContain(left);
    for (const page of Array(count).keys()) {
      expect((await decodePicture({ ...file, page })).pixels).toEqual(pictures[page]?.pixels);
    }
    await expect(decodePicture({ ...file, page: count })).rejects.toMatchObject({ code: "frame.unreadable" });
  });

  it("keeps the numbers of the pages behind one that is lost", async () => {
    const bytes = Buffer.from(writeStack(pictures, { directoriesFirst: true }));
    const file = fileOf(bytes.subarray(0, bytes.length - 37 * 24 * 2 - 10));
    const { pages, leftOut } = await listPages(file);
    expect(pages.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(leftOut).toEqual([expect.stringContaining("page 4"), expect.stringContaining("page 5")]);
  });
});

it("lists pages of other sizes and depths as they are", async () => {
  const mixed = [grayPicture(20, 10, 16, 1), grayPicture(31, 7, 8, 2), grayPicture(5, 5, 16, 3)];
  const file = fileOf(writeStack(mixed));
  const { pages } = await listPages(file);
  expect(pages.map(({ width, height, bits }) => [width, height, bits])).toEqual([
    [20, 10, 16],
    [31, 7, 8],
    [5, 5, 16],
  ]);
  for (const [page, { pixels }] of mixed.entries()) {
    expect((await decodePicture({ ...file, page })).pixels).toEqual(pixels);
  }
});

it("a file with one picture has one page, whatever its format", async () => {
  const gray = grayPicture(9, 4, 8, 7);
  const file = fileOf(writePng(gray), "png");
  expect((await listPages(file)).pages).toMatchObject([{ index: 0, width: 9, height: 4, bits: 8 }]);
  expect((await decodePicture({ ...file, page: 0 })).pixels).toEqual(gray.pixels);
  await expect(decodePicture({ ...file, page: 1 })).rejects.toMatchObject({ code: "frame.unreadable" });
  await expect(listPages(fileOf(Buffer.from("no picture at all")))).rejects.toMatchObject({ code: "frame.unreadable" });
  await expect(listPages({ directory, path: "absent.tif" })).rejects.toMatchObject({ code: "frame.missing" });
});

it("thumbnails and masks are no pages", async () => {
  const file = fileOf(writeStack(pictures, { kinds: [1, 0, 4, 0, 1] }));
  expect((await listPages(file)).pages).toHaveLength(2);
  expect((await decodePicture({ ...file, page: 0 })).pixels).toEqual(pictures[1]?.pixels);
  expect((await decodePicture({ ...file, page: 1 })).pixels).toEqual(pictures[3]?.pixels);
});

it("a stack that was written to since is read again", async () => {
  const file = fileOf(writeStack(pictures.slice(0, 2)));
  expect((await listPages(file)).pages).toHaveLength(2);
  writeFileSync(join(directory, file.path), writeStack(pictures));
  expect((await listPages(file)).pages).toHaveLength(5);
});

it("directories that lead in a circle end", async () => {
  const bytes = Buffer.from(writeStack(pictures));
  bytes.writeUInt32LE(bytes.readUInt32LE(4), writeStack(pictures, { lastNextAt: true }).length);
  expect((await listPages(fileOf(bytes))).pages).toHaveLength(5);
});

it("pages beyond 4 GB are read without what is before them", async () => {
  const path = "huge.tif";
  const whole = Buffer.from(writeStack(pictures, { big: true, base: 5 * 2 ** 30 }));
  // A file with a hole: its first 16 bytes, and the pages at 5 GB.
  const descriptor = openSync(join(directory, path), "w");
  writeSync(descriptor, whole.subarray(0, 16), 0, 16, 0);
  writeSync(descriptor, whole.subarray(16), 0, whole.length - 16, 5 * 2 ** 30 + 16);
  ftruncateSync(descriptor, 5 * 2 ** 30 + whole.length);
  closeSync(descriptor);
  const before = process.memoryUsage.rss();
  expect((await listPages({ directory, path })).pages).toHaveLength(5);
  for (const [page, { pixels }] of pictures.entries()) {
    expect((await decodePicture({ directory, path, page })).pixels).toEqual(pixels);
  }
  expect((await decodePicture({ directory, path })).pages).toBe(5);
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 2 ** 20);
});

it("ImageJ's stack of more than 4 GB in one classic directory is read to its end", async () => {
  const path = "imagej-huge.tif";
  const [side, images] = [1000, 2500];
  const first = { pixels: new Uint16Array(side * side).fill(7), width: side, height: side };
  const bytes = writeStack([first], { imagej: `ImageJ=1.54f\nimages=${images}\nframes=${images}\n` });
  const start = bytes.length - 2 * side * side;
  const last = start + 2 * side * side * (images - 1);
  expect(last).toBeGreaterThan(2 ** 32);
  const descriptor = openSync(join(directory, path), "w");
  writeSync(descriptor, bytes, 0, bytes.length, 0);
  writeSync(descriptor, Buffer.alloc(2 * side * side, 3), 0, 2 * side * side, last);
  closeSync(descriptor);
  const { pages, leftOut } = await listPages({ directory, path });
  expect([pages.length, leftOut]).toEqual([images, []]);
  const valuesOf = async (page: number) => new Set((await decodePicture({ directory, path, page })).pixels);
  expect([await valuesOf(0), await valuesOf(1), await valuesOf(images - 1)]).toEqual([
    new Set([7]),
    new Set([0]),
    new Set([0x0303]),
  ]);
});

it("ImageJ's stack of one directory is read to its end", async () => {
  const images = pictures.length;
  const bytes = writeStack(pictures, { imagej: `ImageJ=1.54f\nimages=${images}\nframes=${images}\n` });
  const file = fileOf(bytes);
  expect((await listPages(file)).pages).toHaveLength(images);
  for (const [page, { pixels }] of pictures.entries()) {
    expect((await decodePicture({ ...file, page })).pixels).toEqual(pixels);
  }
  const cut = fileOf(readFileSync(join(directory, file.path)).subarray(0, bytes.length - 5));
  const { pages, leftOut } = await listPages(cut);
  expect(pages).toHaveLength(images - 1);
  expect(leftOut).toEqual([expect.stringContaining(`page ${images}`)]);
});

it("a stack in gzip leaves no file behind, and is refused where it is damaged", async () => {
  const own = mkdtempSync(join(directory, "packed-"));
  const packed = gzipSync(writeStack(pictures));
  writeFileSync(join(own, "whole.tif.gz"), packed);
  writeFileSync(join(own, "cut.tif.gz"), packed.subarray(0, packed.length - 100));
  const whole = { directory: own, path: "whole.tif.gz" };
  expect((await listPages(whole)).pages).toHaveLength(pictures.length);
  expect((await decodePicture({ ...whole, page: 3 })).pixels).toEqual(pictures[3]?.pixels);
  const both = await Promise.all([1, 2].map((page) => decodePicture({ ...whole, page })));
  expect(both.map(({ pixels }) => pixels)).toEqual([pictures[1]?.pixels, pictures[2]?.pixels]);
  const cut = { directory: own, path: "cut.tif.gz" };
  for (const read of [() => listPages(cut), () => decodePicture({ ...cut, page: 0 })]) {
    await expect(read()).rejects.toMatchObject({
      code: "frame.unreadable",
      message: expect.stringContaining("the gzip file is damaged or incomplete"),
    });
  }
  expect(readdirSync(own).sort()).toEqual(["cut.tif.gz", "whole.tif.gz"]);
});
