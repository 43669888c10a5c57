// Metadata with a defect: the defect is named once, and all other pages keep their exact times.
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listPages } from "../../../src/image/pages.ts";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture } from "../picture-writers.ts";
import { textValues, writeStack } from "../stack-writer.ts";

const START_MS = Date.UTC(2026, 2, 4, 10);
const PAGES = 5;

const planes = Array.from({ length: PAGES }, (_, t) => `<Plane TheZ="0" TheC="0" TheT="${t}" DeltaT="${t / 4}"/>`);
const onPages = (places: readonly number[]) =>
  places.map((ifd) => `<TiffData IFD="${ifd}" FirstT="${Math.min(ifd, 3)}" PlaneCount="1"/>`).join("");

function ome(data = "<TiffData/>", inside = planes.join("")): string {
  const pixels = `<Pixels DimensionOrder="XYCZT" SizeZ="1" SizeC="1" SizeT="${PAGES}">${data}${inside}</Pixels>`;
  const date = "<AcquisitionDate>2026-03-04T10:00:00Z</AcquisitionDate>";
  return `<OME xmlns="http://x"><Image ID="Image:0" Name="a">${date}${pixels}</Image></OME>`;
}

type Field = [number, number, ReturnType<typeof textValues>];

/** Elapsed milliseconds of the pages (undefined where guessed), and what is said about the times. */
async function timesOf(name: string, fieldsOf: (page: number) => Field[], cutBytes = 0, names?: string) {
  const directory = temporaryDirectory();
  const path = join(directory, name);
  const pictures = Array.from({ length: PAGES }, (_, seed) => grayPicture(8, 4, 8, seed));
  const bytes = writeStack(pictures, { fields: fieldsOf });
  writeFileSync(path, bytes);
  truncateSync(path, bytes.length - cutBytes);
  const { pages, leftOut } = await listPages(path);
  const file = { directory, name, modifiedUs: 5e12, version: "" };
  const found = await new CaptureTimes({ names }).of(file, pages);
  const ms = found.pages.map(({ takenAtUs, source }) => (source === "file" ? undefined : takenAtUs / 1000 - START_MS));
  return { ms, notes: found.notes.map((note) => note.replace(`${name}: `, "")), leftOut };
}

const described = (text: string) => (page: number) => (page === 0 ? [[270, 2, textValues(text)] as Field] : []);
const whole = [0, 250, 500, 750, 1000];

test.each([
  [
    "cut off",
    ome().slice(0, ome().indexOf('TheT="3"')),
    [0, 250, 500, undefined, undefined],
    ["is cut off; phorest uses what it can read of it", "no capture time for 2 pages of 5"],
  ],
  ["not well-formed", ome().replace("</Pixels>", "</Pixel>"), whole, ["is not well-formed; phorest uses"]],
  [
    "silent about a page",
    ome(onPages([0, 1, 3, 4])),
    [0, 250, undefined, 750, 1000],
    ["says nothing about 1 page of 5: 3", "no capture time for 1 page of 5"],
  ],
  [
    "about a page that the file does not have",
    ome(`${onPages([0, 1, 2])}<TiffData IFD="9" FirstT="3"/><TiffData IFD="4" FirstT="4"/>`),
    [0, 250, 500, undefined, 1000],
    [
      "says nothing about 1 page of 5: 4",
      "places 1 image on a page that the file does not have: page 10",
      "1 page of 5",
    ],
  ],
  ["in order", ome(), whole, []],
])("OME-XML that is %s", async (_name, text, times, lines) => {
  const { ms, notes } = await timesOf("a.ome.tif", described(text.replace('IFD="4" FirstT="3"', 'IFD="4" FirstT="4"')));
  expect(ms).toEqual(times);
  expect(notes).toEqual(lines.map((line) => expect.stringContaining(line)));
});

test("OME-XML without any time left: the name's time is used, and the defect is named", async () => {
  const text = ome().slice(0, ome().indexOf("<AcquisitionDate"));
  const name = "x_2026-03-04_100001.ome.tif";
  const { ms, notes } = await timesOf(name, described(text), 0, "%Y-%m-%d_%H%M%S");
  expect(ms[0]).toBe(1000);
  expect(notes[0]).toBe("the OME-XML is cut off; phorest takes the times from the next source");
});

test.each([
  ["a.ome.tif", ome()],
  ["a.tif", `ImageJ=1.53\nimages=${PAGES}\nframes=${PAGES}\nfinterval=0.25\n`],
])("a stack that is cut off is said by its pages, not by its metadata again: %s", async (name, text) => {
  const { notes, leftOut } = await timesOf(name, described(text), 16);
  expect(leftOut).toHaveLength(1);
  expect(notes.filter((note) => note.includes("describes"))).toEqual([]);
});

test("the first page of a Micro-Manager stack lost its metadata: the others keep theirs", async () => {
  const record = (page: number) => {
    const time = new Date(START_MS + 250 * page).toISOString().replace("T", " ").replace("Z", " +0000");
    return JSON.stringify({ "ElapsedTime-ms": 250 * page, ReceivedTime: time, FrameIndex: page, ChannelIndex: 0 });
  };
  const { ms } = await timesOf("a.tif", (page) => (page === 0 ? [] : [[51123, 2, textValues(record(page))]]));
  expect(ms).toEqual([undefined, 250, 500, 750, 1000]);
});

test.each([
  ["F25:1", [0, 40, 80], 1],
  ["F30000:1001", [0, 33.367, 66.733], 1],
  ["F0:0", [0, 1000, 2000], 2],
])("the frame rate %s of Y4M gives the time between its frames", async (rate, expected, lines) => {
  const directory = temporaryDirectory();
  const path = join(directory, "a.y4m");
  const frame = Buffer.concat([Buffer.from("FRAME\n"), Buffer.alloc(8 * 4)]);
  writeFileSync(path, Buffer.concat([Buffer.from(`YUV4MPEG2 W8 H4 ${rate} Ip Cmono\n`), frame, frame, frame]));
  const { pages } = await listPages(path);
  const file = { directory, name: "a.y4m", modifiedUs: 5e12, version: "" };
  const found = await new CaptureTimes().of(file, pages);
  const first = found.pages[0]?.takenAtUs ?? 0;
  expect(found.pages.map(({ takenAtUs }) => (takenAtUs - first) / 1000)).toEqual(expected);
  // None was taken after the file was written, and without a date all of them are guesses.
  expect(found.pages.map(({ source }) => source)).toEqual(["file", "file", "file"]);
  expect(found.pages.at(-1)?.takenAtUs).toBe(5e12);
  expect(found.notes).toHaveLength(lines);
});
