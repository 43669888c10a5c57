// Numbers that cannot be times: they cost the pages that they belong to their times, and nothing else.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listPages } from "../../../src/image/pages.ts";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { plausibleTimes } from "../../../src/image/times/plausible.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture } from "../picture-writers.ts";
import { type StackField, textValues, writeStack } from "../stack-writer.ts";

const PAGES = 3;
const START = "2023-01-02T03:04:05Z";

/** The times of a stack whose fields are `fields`, and its notes. */
async function timesOf(name: string, fields: (page: number) => StackField[]) {
  const directory = temporaryDirectory();
  const pictures = Array.from({ length: PAGES }, (_, at) => grayPicture(8, 6, 16, at));
  writeFileSync(join(directory, name), writeStack(pictures, { fields }));
  const { pages } = await listPages({ directory, path: name });
  const file = { directory, name, modifiedUs: 0, version: "1" };
  const { pages: times } = await new CaptureTimes().of(file, pages);
  return times;
}

const ome = (delta: string) =>
  `<OME><Image><AcquisitionDate>${START}</AcquisitionDate><Pixels SizeT="${PAGES}"><TiffData/>${[0, 1, 2]
    .map((t) => `<Plane TheT="${t}" TheC="0" TheZ="0" DeltaT="${t === 1 ? delta : t}"/>`)
    .join("")}</Pixels></Image></OME>`;
const description = (value: string) => (page: number) =>
  page === 0 ? [[270, 2, textValues(value)] satisfies StackField] : [];
const manager = (page: number) => {
  const record = {
    "ElapsedTime-ms": page === 1 ? 1e30 : page * 1000,
    ReceivedTime: `2023-01-02 03:04:0${5 + page}.000 +0000`,
  };
  return [[51123, 2, textValues(JSON.stringify(record))] satisfies StackField];
};

test.each([
  ["OME-XML", "a.ome.tif", description(ome("1e30"))],
  ["ImageJ", "a.tif", description(`ImageJ=1.53\nimages=${PAGES}\nframes=${PAGES}\nfinterval=1e300\n`)],
  ["Micro-Manager", "a_MMStack.tif", manager],
])("of %s: every page has a time that can be stored and written", async (_name, file, fields) => {
  const times = await timesOf(file, fields);
  expect(times).toHaveLength(PAGES);
  for (const { takenAtUs } of times) expect(new Date(takenAtUs / 1000).getUTCFullYear()).toBeLessThan(2100);
});

test("what is dropped is said, and a hundred years are still possible", () => {
  const relative = plausibleTimes({ us: [0, 3e15, 1e30, Number.NaN], relative: true, notes: ["a"] });
  expect(relative.us).toEqual([0, 3e15, undefined, undefined]);
  expect(relative.notes).toEqual(["a", "the times of 2 pages are impossible and not used"]);
  const whole = { us: [1.7e15, undefined], relative: false, notes: [] };
  expect(plausibleTimes(whole)).toBe(whole);
});
