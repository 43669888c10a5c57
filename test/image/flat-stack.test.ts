import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it, test } from "vitest";
import { decodePicture } from "../../src/image/decode.ts";
import { listPages } from "../../src/image/pages.ts";
import { isPictureName } from "../../src/image/picture-name.ts";
import { numberedName } from "../../src/system/numbered-name.ts";
import { type GrayPicture, grayPicture } from "./picture-writers.ts";

const directory = mkdtempSync(join(tmpdir(), "phorest-flat-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const [WIDTH, HEIGHT] = [11, 7];
const COUNT = 3;
const stack = (depth: 8 | 16): GrayPicture[] =>
  Array.from({ length: COUNT }, (_, at) => grayPicture(WIDTH, HEIGHT, depth, at + 1));

/** The samples of a picture without anything else. */
function plane({ pixels }: GrayPicture, high = false): Buffer {
  if (pixels instanceof Uint8Array) return Buffer.from(pixels);
  const bytes = Buffer.alloc(2 * pixels.length);
  pixels.forEach((value, at) => {
    if (high) bytes.writeUInt16BE(value, 2 * at);
    else bytes.writeUInt16LE(value, 2 * at);
  });
  return bytes;
}

async function expectPages(path: string, bytes: Uint8Array, pictures: readonly GrayPicture[]): Promise<void> {
  writeFileSync(join(directory, path), bytes);
  expect(isPictureName(path)).toBe(true);
  const { pages, leftOut } = await listPages({ directory, path });
  expect(leftOut).toEqual([]);
  expect(pages.map(({ width, height, time }) => [width, height, time])).toEqual(
    pictures.map((_, time) => [WIDTH, HEIGHT, time]),
  );
  for (const [page, { pixels }] of pictures.entries()) {
    expect((await decodePicture({ directory, path, page })).pixels).toEqual(pixels);
  }
  const first = await decodePicture({ directory, path });
  expect(first.pixels).toEqual(pictures[0]?.pixels);
  expect(first.pages).toBe(COUNT);
}

describe("raw stacks, declared by their names", () => {
  test.each([
    ["a_11x7x8.raw", 8, 0, false],
    ["a-11x7x12.raw", 16, 0, false],
    ["a_11x7x16be.raw", 16, 0, true],
    ["a.11x7x16+100.raw", 16, 100, false],
    ["A_11X7X8+3.RAW", 8, 3, false],
  ] as const)("%s", async (name, depth, header, high) => {
    const pictures = stack(depth);
    const bytes = Buffer.concat([Buffer.alloc(header, 7), ...pictures.map((picture) => plane(picture, high))]);
    await expectPages(name, bytes, pictures);
    await expectPages(`${name}.gz`, gzipSync(bytes), pictures);
    await expectPages(numberedName(name, 2), bytes, pictures);
  });

  it("that is cut off has its whole images, and says so of the rest", async () => {
    const bytes = Buffer.concat(stack(8).map((picture) => plane(picture)));
    const path = "cut_11x7x8.raw";
    writeFileSync(join(directory, path), bytes.subarray(0, bytes.length - 1));
    const { pages, leftOut } = await listPages({ directory, path });
    expect(pages).toHaveLength(COUNT - 1);
    expect(leftOut).toEqual(["page 3: the file is cut off"]);
  });

  it("whose offset lies beyond the file is refused with both numbers", async () => {
    const path = "a_11x7x8+5000.raw";
    writeFileSync(join(directory, path), Buffer.alloc(1000));
    await expect(decodePicture(join(directory, path))).rejects.toMatchObject({
      message: expect.stringContaining("its images begin after 5000 bytes, by its name, but the file has only 1000"),
      hint: "correct the number after + in its name",
    });
  });

  it("without a size in the name is no image, and is refused with what to do", async () => {
    writeFileSync(join(directory, "a.raw"), Buffer.alloc(1000));
    expect(isPictureName("a.raw")).toBe(false);
    await expect(decodePicture(join(directory, "a.raw"))).rejects.toMatchObject({
      code: "frame.unreadable",
      hint: expect.stringContaining("NAME_WIDTHxHEIGHTxBITS.raw"),
    });
  });
});

describe("Y4M", () => {
  const file = (kind: string, pictures: readonly GrayPicture[], colours: number) =>
    Buffer.concat([
      Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1${kind}\n`),
      ...pictures.flatMap((picture, at) => [
        Buffer.from(at === 1 ? "FRAME Ip\n" : "FRAME\n"),
        plane(picture),
        Buffer.alloc(colours * picture.pixels.BYTES_PER_ELEMENT, 128),
      ]),
    ]);

  test.each([
    ["", 8, 2 * 6 * 4],
    [" C420jpeg", 8, 2 * 6 * 4],
    [" C420mpeg2 XYSCSS=420MPEG2", 8, 2 * 6 * 4],
    [" C422", 8, 2 * 6 * 7],
    [" C411", 8, 2 * 3 * 7],
    [" C444alpha", 8, 3 * 11 * 7],
    [" Cmono", 8, 0],
    [" Cmono16", 16, 0],
    [" C420p10 XYSCSS=420P10", 16, 2 * 6 * 4],
  ] as const)("of the kind%j", async (kind, depth, colours) => {
    const pictures = stack(depth);
    await expectPages("a.y4m", file(kind, pictures, colours), pictures);
  });

  it("says whether a frame lacks its mark, or the file ends", async () => {
    const whole = file(" Cmono", stack(8), 0);
    const third = whole.lastIndexOf("FRAME");
    const broken = Buffer.from(whole);
    broken.write("FRAMX", third);
    const noFrame = "page 3: the frame does not begin with a line FRAME: the file is damaged from there on";
    const cut = "page 3: the file is cut off";
    for (const [bytes, line] of [
      [broken, noFrame],
      [whole.subarray(0, third + 3), cut],
      [whole.subarray(0, third + 5), cut],
      [whole.subarray(0, third + 9), cut],
    ] as const) {
      writeFileSync(join(directory, "marks.y4m"), bytes);
      const { pages, leftOut } = await listPages({ directory, path: "marks.y4m" });
      expect(pages).toHaveLength(2);
      expect(leftOut).toEqual([line]);
    }
  });

  it("of another kind, or that is none, is refused for what it is", async () => {
    const path = join(directory, "b.y4m");
    for (const [bytes, reason] of [
      [file(" C500x", stack(8), 0), "Y4M of the kind 500x is not read"],
      [Buffer.from("anything else"), "not a Y4M file"],
    ] as const) {
      writeFileSync(path, bytes);
      await expect(decodePicture(path)).rejects.toMatchObject({
        code: "frame.unreadable",
        message: expect.stringContaining(reason),
      });
    }
  });
});
