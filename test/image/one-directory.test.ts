// Stacks whose file has one directory for all images, as tifffile writes them with truncate=True.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decodePicture } from "../../src/image/decode.ts";
import { framesOfFile } from "../../src/image/frames-of-file.ts";
import { listPages } from "../../src/image/pages.ts";
import { grayPicture } from "./picture-writers.ts";
import { writeStack } from "./stack-writer.ts";

const directory = mkdtempSync(join(tmpdir(), "phorest-one-directory-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const pictures = [1, 2, 3, 4, 5].map((seed) => grayPicture(37, 24, 16, seed));
const ome = (sizes: string, data = "<TiffData/>", images = 1) =>
  `<?xml version="1.0"?><OME>${`<Image><Pixels DimensionOrder="XYZCT" ${sizes}>${data}</Pixels></Image>`.repeat(images)}</OME>`;
const FIVE = 'SizeZ="1" SizeC="1" SizeT="5"';
const TIFFFILE = '{"truncated": true, "shape": [5, 24, 37]}';

let files = 0;
function fileOf(description: string, change: (bytes: Buffer) => Uint8Array = (bytes) => bytes) {
  const path = `one-${files++}.tif`;
  writeFileSync(join(directory, path), change(writeStack(pictures, { imagej: description })));
  return { directory, path };
}

describe("a file with one directory and several images", () => {
  it.each([
    ["tifffile", TIFFFILE],
    ["tifffile, the other order", '{"shape": [5, 1, 24, 37], "truncated": true}'],
    ["OME-XML", ome(FIVE)],
    ["OME-XML with a count of planes", ome(FIVE, '<TiffData IFD="0" PlaneCount="5"/>')],
  ])("%s: every image is a page", async (_, description) => {
    const file = fileOf(description);
    const { pages, leftOut, damage } = await framesOfFile(file);
    expect({ leftOut, damage }).toEqual({ leftOut: [], damage: undefined });
    expect(pages?.map(({ index, time }) => [index, time])).toEqual(pictures.map((__, index) => [index, index]));
    for (const [page, { pixels }] of pictures.entries()) {
      expect([...(await decodePicture({ ...file, page })).pixels]).toEqual([...pixels]);
    }
  });

  it("what is cut off of it is said", async () => {
    const { pages, damage } = await framesOfFile(fileOf(TIFFFILE, (bytes) => bytes.subarray(0, bytes.length - 100)));
    expect([pages?.length, damage]).toEqual([4, "page 5: the file is cut off"]);
  });

  it.each([
    ["not as long as the images", ome(FIVE), -37 * 24 * 2],
    ["longer than the images", ome(FIVE), 100],
    ["several images of one page each", ome('SizeZ="1" SizeC="1" SizeT="1"', "<TiffData/>", 5), 100],
  ])(
    "where it does not show where the images are, only the first is read, and the others are named: %s",
    async (...of) => {
      const [, description, more] = of;
      const file = fileOf(description, (bytes) =>
        more < 0 ? bytes.subarray(0, bytes.length + more) : Buffer.concat([bytes, Buffer.alloc(more)]),
      );
      const { pages, leftOut, damage } = await framesOfFile(file);
      expect({ pages, damage }).toEqual({ pages: undefined, damage: undefined });
      expect(leftOut).toEqual(["the OME-XML describes 5 images, the file has 1"]);
      expect([...(await decodePicture(file)).pixels]).toEqual([...(pictures[0]?.pixels ?? [])]);
    },
  );

  it.each([
    ["one image", ome('SizeZ="1" SizeC="1" SizeT="1"')],
    ["one image of a series", ome(FIVE, '<TiffData IFD="0" FirstT="3"/>')],
    [
      "images in several files",
      ome(FIVE, ["a", "b"].map((name) => `<TiffData IFD="0"><UUID FileName="${name}.tif"/></TiffData>`).join("")),
    ],
    ["a document type, which is not read", `<!DOCTYPE x>${ome(FIVE)}`],
    ["tifffile's shape of a file that is not truncated", '{"shape": [5, 24, 37]}'],
  ])("nothing is said to be missing: %s", async (_, description) => {
    const { pages, notes } = await listPages(fileOf(description));
    expect([pages.length, notes]).toEqual([1, []]);
  });
});
