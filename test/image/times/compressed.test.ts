// A picture or stack in gzip has the times of what is in it, and metadata and tables know it by its name without .gz.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { listPages } from "../../../src/image/pages.ts";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture } from "../picture-writers.ts";
import { type StackField, textValues, writeStack } from "../stack-writer.ts";

const PICTURES = [1, 2, 3].map((seed) => grayPicture(8, 4, 8, seed));
const onFirst =
  (text: string) =>
  (page: number): StackField[] =>
    page === 0 ? [[270, 2, textValues(text)]] : [];
const data = (file: string, t: number) =>
  `<TiffData FirstT="${t}" IFD="0" PlaneCount="3"><UUID FileName="${file}">u</UUID></TiffData>`;
const planes = [0, 1, 2, 3, 4, 5].map((t) => `<Plane TheZ="0" TheC="0" TheT="${t}" DeltaT="${t * t}"/>`).join("");
const OME = `<OME><Image ID="Image:0"><AcquisitionDate>2023-01-02T03:04:05Z</AcquisitionDate><Pixels DimensionOrder="XYCZT" SizeZ="1" SizeC="1" SizeT="6">${data("a_2.ome.tif", 0)}${data("a.ome.tif", 3)}${planes}</Pixels></Image></OME>`;
const manager =
  (from: number) =>
  (page: number): StackField[] => {
    const time = { "ElapsedTime-ms": (from + page) ** 2, ReceivedTime: `2023-01-02 03:04:0${from + page}.000 +0000` };
    return [[51123, 2, textValues(JSON.stringify(time))]];
  };

const KINDS: readonly [kind: string, source: string, name: string, fields: (page: number) => StackField[]][] = [
  ["ImageJ", "file", "a.tif", onFirst("ImageJ=1.53\nimages=3\nframes=3\nfinterval=2.5\n")],
  ["OME", "ome", "a.ome.tif", onFirst(OME)],
  ["Micro-Manager", "micro-manager", "a_1.ome.tif", manager(3)],
  ["TIFF DateTime", "exif", "a.tif", (page) => [[306, 2, textValues(`2023:01:02 03:04:0${page * page}`)]]],
];

it.each(KINDS)("%s: the pages of a stack have the same times in gzip", async (kind, source, name, fields) => {
  const of = async (directory: string, file: string) => {
    const { pages } = await listPages(join(directory, file));
    const found = await new CaptureTimes().of({ directory, name: file, modifiedUs: 9e9, version: "" }, pages);
    return { ...found, notes: found.notes.map((note) => note.replace(file, "")) };
  };
  const [plain, packed] = [temporaryDirectory(), temporaryDirectory()];
  const files: [string, Buffer][] = [[name, writeStack(PICTURES, { fields })]];
  // The start of what was split is in the first file.
  if (kind === "Micro-Manager") files.push(["a.ome.tif", writeStack(PICTURES, { fields: manager(0) })]);
  for (const [file, bytes] of files) {
    writeFileSync(join(plain, file), bytes);
    writeFileSync(join(packed, `${file}.gz`), gzipSync(bytes));
  }
  const expected = await of(plain, name);
  expect(expected.pages.map((page) => page.source)).toEqual([source, source, source]);
  expect(new Set(expected.pages.map(({ takenAtUs }) => takenAtUs)).size).toBe(3);
  expect(await of(packed, `${name}.gz`)).toEqual(expected);
});

it.each([
  ["a.tif", "a.tif.gz"],
  ["a.tif.gz", "a.tif"],
  ["a.tif.gz", "a.tif.gz"],
])("metadata.txt and a table that name %s have the time of %s", async (said, name) => {
  const directory = join(temporaryDirectory(), "Pos0");
  mkdirSync(directory);
  const file = { directory, name, modifiedUs: 1, version: "" };
  const path = join(directory, name);
  writeFileSync(path, "x");
  const table = join(directory, "times.csv");
  writeFileSync(table, `file,time\nPos0/${said},1970-01-02T00:00:00Z\n`);
  const ofTable = new CaptureTimes({ table });
  expect((await ofTable.of(file)).pages).toEqual([{ takenAtUs: 86_400e6, source: "table" }]);
  expect(await ofTable.compare([path])).toEqual([]);
  const entry = { FileName: said, ChannelIndex: 2, ReceivedTime: "1970-01-03 00:00:00.000 +0000" };
  writeFileSync(join(directory, "metadata.txt"), JSON.stringify({ "FrameKey-0-0-0": entry }));
  const ofMetadata = new CaptureTimes();
  expect((await ofMetadata.of(file)).pages).toEqual([{ takenAtUs: 2 * 86_400e6, source: "micro-manager" }]);
  expect(ofMetadata.axesOf(file)?.channel).toBe(0);
  expect(await ofMetadata.compare([path])).toEqual([]);
});
