// What the manifest of an established experiment says of its images, against what the images say themselves.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type ImportOptions, importExperiment } from "../../src/manifest/established-import.ts";
import { grayPicture } from "../image/picture-writers.ts";
import { type StackField, textValues, writeStack } from "../image/stack-writer.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openManifest } from "./experiment.ts";
import { NOON_US } from "./frames.ts";

const DATE_TIME = 306;
const at = (second: number, hour = 10) => `2026:03:04 ${hour}:00:${String(second).padStart(2, "0")}`;
const dated = (...times: readonly string[]): Buffer => {
  const fields = (page: number): StackField[] => [[DATE_TIME, 2, textValues(times[page] ?? "")]];
  return writeStack(
    times.map((_, seed) => grayPicture(20, 10, 8, seed)),
    { fields },
  );
};
const entry = (filename: string, second: number, page?: number) => {
  const timestamp_iso = `2026-03-04T10:00:${String(second).padStart(2, "0")}+00:00`;
  return { entry_timestamp_iso: timestamp_iso, camera_data: { filename, page, filepath: "", timestamp_iso } };
};

async function findingsOf(files: Readonly<Record<string, Buffer>>, manifestText: string, options: ImportOptions = {}) {
  const [source, target] = [temporaryDirectory(), temporaryDirectory()];
  for (const [name, content] of Object.entries(files)) writeFileSync(join(source, name), content);
  writeFileSync(join(source, "metadata_manifest.json"), manifestText);
  const manifest = openManifest(target);
  const summary = await importExperiment(manifest, source, NOON_US, options);
  const times = [...manifest.history.entries()].map(({ capturedAtUs }) => new Date(capturedAtUs / 1000).toISOString());
  return { ...summary, times };
}

const CONTRADICTED = "images with another time in their metadata than in the manifest, which counts";

it("says which images state another time than the manifest, whose time is kept, and names a time zone", async () => {
  const files = {
    "same.tif": dated(at(0)),
    "near.tif": dated(at(19)),
    "far.tif": dated(at(31)),
    "zone.tif": dated(at(30, 12)),
    // Also under the name of an own capture, which is dated by its name.
    "image_20260304_100040_000000_cam0.tif": dated(at(40, 12)),
  };
  const seconds = [0, 10, 20, 30, 40];
  const manifest = JSON.stringify(Object.keys(files).map((name, index) => entry(name, seconds[index] ?? 0)));
  const { findings, times } = await findingsOf(files, manifest);
  expect(findings).toEqual([
    {
      kind: CONTRADICTED,
      count: 3,
      first: "far.tif: the manifest says 2026-03-04T10:00:20.000000Z, its EXIF 2026-03-04T10:00:31.000000Z",
    },
  ]);
  expect(times).toEqual(seconds.map((second) => `2026-03-04T10:00:${String(second).padStart(2, "0")}.000Z`));
  const { findings: ofZone } = await findingsOf(files, JSON.stringify([entry("zone.tif", 30)]));
  expect(ofZone.find(({ kind }) => kind === CONTRADICTED)?.first).toMatch(
    /its EXIF 2026-03-04T12:00:30\.000000Z, 2 h later: probably another time zone$/,
  );
});

it("compares the pages of a stack, with an entry for the file and with one for each page", async () => {
  const files = { "stack.tif": dated(at(0), at(1), at(59)) };
  expect((await findingsOf(files, JSON.stringify([entry("stack.tif", 30)]))).findings).toMatchObject([
    { kind: CONTRADICTED, count: 1, first: expect.stringContaining("stack.tif: the manifest") },
  ]);
  const ofPages = JSON.stringify([1, 2, 3].map((page) => entry("stack.tif", page - 1, page)));
  expect((await findingsOf(files, ofPages)).findings).toMatchObject([
    { kind: CONTRADICTED, count: 1, first: expect.stringContaining("stack.tif, page 3: the manifest") },
  ]);
});

it("says which pages have lost their entry, only where entries are damaged", async () => {
  const files = { "stack.tif": dated(at(0), at(1), at(2), at(3)) };
  const pages = [1, 2, 3, 4].map((page) => JSON.stringify(entry("stack.tif", page - 1, page)));
  const damaged = `[${pages.join(",\n").replace('"page":2', '"page":')}]`;
  const torn = await findingsOf(files, damaged);
  expect(torn.added).toBe(3);
  expect(torn.findings).toMatchObject([
    { kind: "entries torn or damaged, left out", count: 1 },
    { kind: expect.stringMatching(/^pages that no usable entry names/), count: 1, first: "stack.tif, page 2" },
  ]);
  expect((await findingsOf(files, `[${pages.slice(1).join()}]`)).findings).toEqual([]);
});

it.each([null, 0, -1, 2.5, "3", undefined])(
  "an entry of a stack with the page %j is left out, and its page is named",
  async (page) => {
    const files = { "stack.tif": dated(at(0), at(1), at(2)) };
    const entries = [1, 2, 3].map((one) => {
      const { camera_data, ...rest } = entry("stack.tif", one - 1, one);
      return { ...rest, camera_data: { ...camera_data, page: one === 2 ? page : one } };
    });
    const { findings, added, times } = await findingsOf(files, JSON.stringify(entries));
    expect(added).toBe(2);
    expect(times).toEqual(["2026-03-04T10:00:00.000Z", "2026-03-04T10:00:02.000Z"]);
    expect(findings).toMatchObject([
      page === undefined
        ? { kind: expect.stringMatching(/^entries without a page/), count: 1, first: "stack.tif" }
        : {
            kind: "entries not usable, left out",
            count: 1,
            first: expect.stringContaining("entry 2: camera_data.page"),
          },
      { kind: expect.stringMatching(/^pages that no usable entry names/), count: 1, first: "stack.tif, page 2" },
    ]);
  },
);

it("several entries without a page do not move the times of their stack: the file dates it", async () => {
  const files = { "stack.tif": dated(at(0), at(1), at(2)) };
  const entries = [0, 1, 2].map((second) => entry("stack.tif", second));
  const { findings, times, added, pending } = await findingsOf(files, JSON.stringify(entries));
  expect([added, pending]).toEqual([3, 3]);
  expect(times).toEqual([0, 1, 2].map((second) => `2026-03-04T10:00:0${second}.000Z`));
  expect(findings).toMatchObject([
    { kind: "entries with another time for an image than a later entry has, left out", count: 2 },
    { kind: expect.stringMatching(/^stacks with several entries that do not say which page/), count: 1 },
  ]);
});

it.each([{ channel: 1 }, { position: "Pos1" }])(
  "says that %j has no effect where entries state their pages",
  async (pages) => {
    const files = { "stack.tif": dated(at(0), at(1)), "other.tif": dated(at(5), at(6)) };
    const entries = ["stack.tif", "other.tif"].flatMap((name, of) =>
      [1, 2].map((page) => entry(name, 5 * of + page - 1, page)),
    );
    const { added, findings } = await findingsOf(files, JSON.stringify(entries), { pages });
    expect([added, findings]).toEqual([
      4,
      [{ kind: expect.stringMatching(/has no effect on them$/), count: 2, first: "stack.tif" }],
    ]);
  },
);

it("a channel that no stack has imports nothing; pages of other channels are counted", async () => {
  const description = "ImageJ=1.53t\nimages=4\nchannels=2\nframes=2\nhyperstack=true\n";
  const fields = (page: number): StackField[] => (page === 0 ? [[270, 2, textValues(description)]] : []);
  const pictures = [1, 2, 3, 4].map((seed) => grayPicture(20, 10, 8, seed));
  const files = { "stack.tif": writeStack(pictures, { fields }) };
  const manifest = JSON.stringify([entry("stack.tif", 0)]);
  await expect(findingsOf(files, manifest, { pages: { channel: 5 } })).rejects.toMatchObject({
    code: "usage.invalid",
    message: expect.stringContaining("it has no channel 5, only channels 0 and 1"),
  });
  const { added, findings } = await findingsOf(files, manifest, { pages: { channel: 1 } });
  expect(added).toBe(2);
  expect(findings).toMatchObject([
    {
      kind: "stacks of several channels, z planes or positions",
      first: "stack.tif: left out 2 pages of channel 0; choose with --channel",
    },
  ]);
});
