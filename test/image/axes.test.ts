import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { decodePicture } from "../../src/image/decode.ts";
import { listPages, type PictureSeries } from "../../src/image/pages.ts";
import { hasPython, runPython } from "../python.ts";
import { type GrayPicture, grayPicture } from "./picture-writers.ts";
import { type StackField, textValues, writeStack } from "./stack-writer.ts";

const root = mkdtempSync(join(tmpdir(), "phorest-axes-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
function folder(): string {
  const directory = join(root, `${folders++}`);
  mkdirSync(directory);
  return directory;
}

const pictures = (count: number): GrayPicture[] => Array.from({ length: count }, (_, at) => grayPicture(8, 6, 16, at));
const placesOf = ({ pages }: PictureSeries): number[][] =>
  pages.map(({ channel, z, position, time }) => [channel, z, position, time]);

/** ASCII field of a page. */
const text = (tag: number, value: string): StackField => [tag, 2, textValues(value)];

async function listed(name: string, bytes: Uint8Array, directory = folder()): Promise<PictureSeries> {
  writeFileSync(join(directory, name), bytes);
  const series = await listPages({ directory, path: name });
  expect(await listPages(join(directory, name))).toEqual(series);
  return series;
}

describe("Micro-Manager stacks", () => {
  const record = (frame: number, channel: number, slice: number, position: number) =>
    JSON.stringify({
      FrameIndex: frame,
      ChannelIndex: channel,
      SliceIndex: slice,
      PositionIndex: position,
      PositionName: "Pos1",
    });

  test("pages of channels with a name alone, as NDTiff states them in Axes, are not mixed", async () => {
    const fields = (page: number) => {
      const channel = page % 2 === 0 ? "GFP" : "DAPI";
      return [text(51123, JSON.stringify({ Axes: { time: page >> 1, channel, z: 0, position: "Pos2" } }))];
    };
    const series = await listed("a_NDTiffStack.tif", writeStack(pictures(4), { fields }));
    expect(placesOf(series)).toEqual([
      [0, 0, 2, 0],
      [1, 0, 2, 0],
      [0, 0, 2, 1],
      [1, 0, 2, 1],
    ]);
  });

  test("pages are where their own metadata say", async () => {
    const places = [
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
      [1, 1, 2],
    ] as const;
    const fields = (page: number) => {
      const [frame, channel, slice] = places[page] ?? [0, 0, 0];
      return [text(51123, record(frame, channel, slice, 1))];
    };
    const series = await listed("stack_MMStack_Pos1.ome.tif", writeStack(pictures(4), { fields }));
    expect(placesOf(series)).toEqual(places.map(([frame, channel, slice]) => [channel, slice, 1, frame]));
    expect(series.pages.map(({ positionNames }) => positionNames)).toEqual(Array(4).fill(["Pos1"]));
  });

  test("damaged metadata of a page leave it in time", async () => {
    const fields = (page: number) => [text(51123, page === 1 ? "{torn" : record(page, 0, 0, 0))];
    expect(placesOf(await listed("a.tif", writeStack(pictures(3), { fields })))).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 1],
      [0, 0, 0, 2],
    ]);
  });
});

describe("NDTiff", () => {
  const [first] = pictures(1);
  const stack = writeStack(pictures(4), { fields: () => [text(51123, "{}")] });
  /** The pixels of each page stand before its directory, and the first ones behind the header. */
  const pixelPlaces = (bytes: Buffer): number[] => {
    const found: number[] = [];
    for (let at = bytes.readUInt32LE(4); at !== 0; ) {
      const count = bytes.readUInt16LE(at);
      for (let entry = at + 2; entry < at + 2 + 12 * count; entry += 12) {
        if (bytes.readUInt16LE(entry) === 273) found.push(bytes.readUInt32LE(entry + 8));
      }
      at = bytes.readUInt32LE(at + 2 + 12 * count);
    }
    return found;
  };
  const entry = (axes: object, file: string, place: number): Buffer => {
    const words = [JSON.stringify(axes), file].map((word) => {
      const bytes = Buffer.from(word);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([length, bytes]);
    });
    const numbers = Buffer.alloc(32);
    [place, first?.width ?? 0, first?.height ?? 0, 1, 0, 0, 0, 0].forEach((value, at) => {
      numbers.writeUInt32LE(value, 4 * at);
    });
    return Buffer.concat([...words, numbers]);
  };

  it("takes the axes from the index, in whatever order its images are", async () => {
    const places = pixelPlaces(stack);
    expect(places).toHaveLength(4);
    const axes = [
      { time: 0, channel: "GFP" },
      { time: 0, channel: "RFP" },
      { time: 1, channel: "GFP" },
      { time: 1, channel: "RFP", z: 3, position: "Pos4" },
    ];
    const entries = axes.map((each, page) => entry(each, "NDTiffStack.tif", places[page] ?? 0));
    const other = entry({ time: 9, channel: "BFP" }, "NDTiffStack_1.tif", places[0] ?? 0);
    const index = Buffer.concat(
      [entries[2], entries[0], other, entries[1], entries[3]].filter((part) => part !== undefined),
    );
    const expected = [
      [0, 0, 0, 0],
      [2, 0, 0, 0],
      [0, 0, 0, 1],
      [2, 3, 0, 1],
    ];
    const directory = folder();
    writeFileSync(join(directory, "NDTiff.index"), index);
    const series = await listed("NDTiffStack.tif", stack, directory);
    expect(placesOf(series)).toEqual(expected);
    expect(series.pages[3]?.positionNames).toEqual(["Pos4"]);
    // The last entry is torn: its page is in time.
    writeFileSync(join(directory, "NDTiff.index"), index.subarray(0, index.length - 1));
    expect(placesOf(await listed("NDTiffStack.tif", stack, directory))).toEqual([
      ...expected.slice(0, 3),
      [0, 0, 0, 3],
    ]);
  });
});

describe("ImageJ", () => {
  test.each([
    [
      "images=6\nchannels=2\nslices=3\nhyperstack=true\n",
      [
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
        [1, 0, 0, 1],
        [0, 0, 0, 2],
        [1, 0, 0, 2],
      ],
    ],
    [
      "images=6\nchannels=1\nslices=2\nframes=3\nhyperstack=true\n",
      [
        [0, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
        [0, 1, 0, 1],
        [0, 0, 0, 2],
        [0, 1, 0, 2],
      ],
    ],
    [
      "images=3\nslices=3\n",
      [
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 2],
      ],
    ],
  ])("%j", async (description, places) => {
    const series = await listed(
      "a.tif",
      writeStack(pictures(places.length), { imagej: `ImageJ=1.54f\n${description}` }),
    );
    expect(placesOf(series)).toEqual(places);
  });
});

describe("OME-TIFF", () => {
  const ome = (inner: string) =>
    `<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">${inner}</OME>`;
  const pixels = (sizes: string, inner: string) =>
    `<Image ID="Image:0" Name="Pos0"><Pixels DimensionOrder="XYCZT" SizeX="8" SizeY="6" ${sizes} Type="uint16">${inner}</Pixels></Image>`;
  const stack = (xml: string, count = 4) =>
    writeStack(pictures(count), { fields: (page) => (page === 0 ? [text(270, xml)] : []) });

  test("the order of axes, and TiffData that names another one", async () => {
    const plain = await listed("a.ome.tif", stack(ome(pixels('SizeC="2" SizeZ="1" SizeT="2"', "<TiffData/>"))));
    expect(placesOf(plain)).toEqual([
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [0, 0, 0, 1],
      [1, 0, 0, 1],
    ]);
    const blocks = [3, 2, 1, 0].map((ifd, t) => `<TiffData IFD="${ifd}" FirstT="${t}" PlaneCount="1"/>`).join("");
    const turned = await listed("a.ome.tif", stack(ome(pixels('SizeC="1" SizeZ="1" SizeT="4"', blocks))));
    expect(turned.pages.map(({ time }) => time)).toEqual([3, 2, 1, 0]);
  });

  test("files of the series that are not there are named", async () => {
    const block = (file: string, t: number) =>
      `<TiffData IFD="0" FirstT="${t}" PlaneCount="1"><UUID FileName="${file}">urn:uuid:${t}</UUID></TiffData>`;
    const files = ["a.ome.tif", "b.ome.tif", "../../c.ome.tif", "d.ome.tif"];
    const xml = ome(pixels('SizeC="1" SizeZ="1" SizeT="4"', files.map(block).join("")));
    const directory = folder();
    writeFileSync(join(directory, "d.ome.tif"), stack(xml, 1));
    const { pages, leftOut } = await listed("b.ome.tif", stack(xml, 1), directory);
    expect(pages).toMatchObject([{ index: 0, time: 1, position: 0, positionNames: ["Pos0"] }]);
    expect(leftOut).toEqual(["2 of the 4 files of its OME-TIFF series are not there: a.ome.tif, c.ome.tif"]);
  });
});

describe.skipIf(!hasPython("tifffile", "numpy"))("stacks of tifffile", () => {
  const directory = join(root, "tifffile");
  beforeAll(() => {
    mkdirSync(directory);
    runPython(
      `import sys, numpy as np, tifffile
a = np.arange(2 * 3 * 2 * 6 * 8, dtype=np.uint16).reshape(2, 3, 2, 6, 8)
tifffile.imwrite(sys.argv[1] + '/ij.tif', a, imagej=True, metadata={'axes': 'TZCYX'})
tifffile.imwrite(sys.argv[1] + '/ome.tif', a, ome=True, metadata={'axes': 'TZCYX'}, photometric='minisblack')
tifffile.imwrite(sys.argv[1] + '/bigome.tif', a, ome=True, bigtiff=True, byteorder='>', metadata={'axes': 'TZCYX'}, photometric='minisblack')`,
      directory,
    );
  });

  test.each(["ij.tif", "ome.tif", "bigome.tif"])("%s: every page where it was written", async (path) => {
    const { pages, leftOut } = await listPages({ directory, path });
    expect(leftOut).toEqual([]);
    expect(pages).toHaveLength(12);
    for (const { index, time, z, channel } of pages) {
      const { pixels } = await decodePicture({ directory, path, page: index });
      expect(pixels[0]).toBe(((time * 3 + z) * 2 + channel) * 48);
    }
  });
});
