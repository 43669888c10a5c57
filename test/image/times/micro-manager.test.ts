// Micro-Manager's metadata.txt: read in pieces, torn, growing, of both versions.
import { appendFileSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { JsonMembers } from "../../../src/image/times/json-members.ts";
import { imageRecord, seriesOf, summaryRecord } from "../../../src/image/times/micro-manager.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture, writeTiff } from "../picture-writers.ts";

const START_US = Date.UTC(2024, 4, 3, 10, 0, 0) * 1000;
const MODIFIED_US = 1_000_000_000_000_000;

const frameKey = (frame: number, more: object) =>
  `"FrameKey-${frame}-0-0": ${JSON.stringify({ Frame: frame, "ElapsedTime-ms": 250 * frame, ...more })}`;
const nameOf = (frame: number) => `img_${String(frame).padStart(9, "0")}_Default_000.tif`;
const summary = (more: object = {}) =>
  `"Summary": ${JSON.stringify({ StartTime: "2024-05-03 12:00:00.000 +0200", ...more })}`;

/** Writes images of one byte: what is not in metadata.txt is not read from them. */
function series(
  frames: number,
  text: string,
): { directory: string; file: (frame: number) => Parameters<CaptureTimes["of"]>[0] } {
  const directory = temporaryDirectory();
  for (let frame = 0; frame < frames; frame++) writeFileSync(join(directory, nameOf(frame)), "x");
  writeFileSync(join(directory, "metadata.txt"), text);
  return { directory, file: (frame) => ({ directory, name: nameOf(frame), modifiedUs: MODIFIED_US, version: "1" }) };
}

const ofOne = async (times: CaptureTimes, file: Parameters<CaptureTimes["of"]>[0]) => {
  const { pages, notes } = await times.of(file);
  return { elapsedMs: ((pages[0]?.takenAtUs ?? 0) - START_US) / 1000, source: pages[0]?.source, notes };
};

describe("members of a long JSON object", () => {
  const TEXT =
    '{\n"a": {"b": "} \\" ]", "c": [1, {"d": 2}]},\n"number": 5, "text": "e: {",\n"f": {"g": null}}\n, "h": {}';

  it.each([1, 2, 7, 1000])("are the same in pieces of %i bytes", (size) => {
    const members = new JsonMembers();
    const found: [string, unknown][] = [];
    for (let at = 0; at < TEXT.length; at += size) {
      for (const { key, value } of members.feed(Buffer.from(TEXT.slice(at, at + size)))) {
        found.push([key, JSON.parse(value.toString())]);
      }
    }
    // Also what stands behind an end that came too early.
    expect(found).toEqual([
      ["a", { b: '} " ]', c: [1, { d: 2 }] }],
      ["f", { g: null }],
      ["h", {}],
    ]);
    expect(members.torn).toBe(false);
  });

  it("leave out what is too long, and take the next one", () => {
    const members = new JsonMembers();
    const piece = Buffer.alloc(1024 * 1024, "x");
    const pieces = [Buffer.from('{"a": {"b": "'), ...new Array(20).fill(piece), Buffer.from('"}, "c": {}}')];
    const keys = pieces.flatMap((one) => [...members.feed(one)].map(({ key }) => key));
    expect(keys).toEqual(["c"]);
    expect(members.tooLong).toBe(1);
  });
});

describe("metadata.txt", () => {
  it("of 1.4 is used up to where it is torn; a gap stays a gap", async () => {
    const entries = [0, 1, 4].map((frame) =>
      frameKey(frame, { FileName: nameOf(frame), Time: "2024-05-03 12:00:00 +0200" }),
    );
    const { file } = series(6, `{\n${[summary(), ...entries].join(",\n")},\n"FrameKey-5-0-0": {"ElapsedTi`);
    const times = new CaptureTimes();
    expect(await ofOne(times, file(4))).toMatchObject({ elapsedMs: 1000, source: "micro-manager" });
    expect(await ofOne(times, file(1))).toMatchObject({ elapsedMs: 250 });
    const { source, notes } = await ofOne(times, file(5));
    expect(source).toBe("file");
    expect(notes.join()).toContain("guesses");
  });

  it.each([
    ["UTF-16, little-endian", "\ufeff", false],
    ["UTF-16, big-endian", "\ufeff", true],
    ["UTF-16, big-endian, without a mark", "", true],
  ])("is read as %s, also where it grew", async (_name, mark, high) => {
    const encoded = (text: string) => {
      const bytes = Buffer.from(text, "utf16le");
      return high ? bytes.swap16() : bytes;
    };
    const { directory, file } = series(2, "");
    const path = join(directory, "metadata.txt");
    const more = encoded(`,\n${frameKey(1, { FileName: nameOf(1), Comment: "Größe" })}}`);
    writeFileSync(
      path,
      Buffer.concat([
        encoded(`${mark}{${[summary(), frameKey(0, { FileName: nameOf(0) })].join()}`),
        more.subarray(0, 3),
      ]),
    );
    const times = new CaptureTimes();
    expect(await ofOne(times, file(0))).toMatchObject({ elapsedMs: 0, source: "micro-manager", notes: [] });
    appendFileSync(path, more.subarray(3));
    expect(await ofOne(times, file(1))).toMatchObject({ elapsedMs: 250, source: "micro-manager", notes: [] });
  });

  it("says once that it is torn", async () => {
    const { file } = series(
      2,
      `{${[summary(), frameKey(0, { FileName: nameOf(0) }), frameKey(1, { FileName: nameOf(1) })].join()}, "F`,
    );
    const times = new CaptureTimes();
    expect((await ofOne(times, file(0))).notes).toEqual([
      `${nameOf(0)}: metadata.txt ends in the middle of an image; phorest uses what comes before`,
    ]);
    expect((await ofOne(times, file(1))).notes).toEqual([]);
  });

  it("without names of files belongs to the images by frame, slice and channel", async () => {
    const key = (t: number, c: number, name: string, ms: number) =>
      `"FrameKey-${t}-${c}-0": ${JSON.stringify({ Channel: name, "ElapsedTime-ms": ms })}`;
    const { directory } = series(0, `{${[summary(), key(3, 0, "Cy5", 700), key(3, 1, "My_DAPI", 740)].join()}}`);
    const times = new CaptureTimes();
    const file = { directory, name: "img_000000003_My_DAPI_000.tif", modifiedUs: 0, version: "" };
    expect(await ofOne(times, file)).toMatchObject({ elapsedMs: 740, source: "micro-manager" });
  });

  it.each([
    ["ChannelIndex", { ChannelIndex: 1 }],
    ["FrameIndex", { Frame: 7, FrameIndex: 7 }],
    ["SliceIndex", { Slice: 2 }],
  ])("whose %s contradicts the key of the image says so once", async (name, more) => {
    const entry = (frame: number) => frameKey(frame, { FileName: nameOf(frame), ...(frame > 0 ? more : {}) });
    const { file } = series(3, `{${[summary(), entry(0), entry(1), entry(2)].join()}}`);
    const times = new CaptureTimes();
    const said = [];
    for (const frame of [0, 1, 2]) said.push(...(await ofOne(times, file(frame))).notes);
    const value = Object.values(more).at(-1);
    expect(said).toEqual([
      `${nameOf(0)}: metadata.txt: 2 images have other numbers in the metadata than in the key (first: FrameKey-1-0-0 with ${name} ${value}); phorest uses those of the key`,
    ]);
  });

  it("is read on where it grew, and from the start where it was replaced", async () => {
    const { directory, file } = series(3, `{${summary()},\n${frameKey(0, { FileName: nameOf(0) })}`);
    const times = new CaptureTimes();
    const path = join(directory, "metadata.txt");
    expect((await ofOne(times, file(1))).source).toBe("file");
    appendFileSync(path, `,\n${frameKey(1, { FileName: nameOf(1) })}\n}\n`);
    expect(await ofOne(times, file(1))).toMatchObject({ elapsedMs: 250, source: "micro-manager" });
    truncateSync(path, 0);
    appendFileSync(path, `{${frameKey(9, { FileName: nameOf(1), ReceivedTime: "2024-05-03 10:00:05.500 +0000" })}}`);
    expect(await ofOne(times, file(1))).toMatchObject({ elapsedMs: 5500 });
  });

  it("that is a link is not used unless links are", async () => {
    const { directory } = series(1, "{}");
    const other = join(directory, "Pos1");
    mkdirSync(other);
    writeFileSync(join(directory, "elsewhere.txt"), `{${summary()},${frameKey(1, { FileName: "a.tif" })}}`);
    symlinkSync(join(directory, "elsewhere.txt"), join(other, "metadata.txt"));
    writeFileSync(join(other, "a.tif"), "x");
    const file = { directory: other, name: "a.tif", modifiedUs: 0, version: "" };
    const refused = await ofOne(new CaptureTimes(), file);
    expect([refused.source, refused.notes.join()]).toEqual(["file", expect.stringContaining("symbolic link")]);
    expect(await ofOne(new CaptureTimes(), { ...file, followLinks: true })).toMatchObject({ elapsedMs: 250 });
  });

  it("without any date keeps the differences between separate images", async () => {
    const { directory } = series(
      3,
      `{${[0, 1, 2].map((frame) => frameKey(frame, { FileName: nameOf(frame) })).join()}}`,
    );
    const files = [0, 1, 2].map((frame) => {
      return { directory, name: nameOf(frame), modifiedUs: MODIFIED_US - 60e6 * frame, version: "1" };
    });
    const times = new CaptureTimes();
    const found = await times.ofFirstPages(files);
    const us = files.map((file) => found.get(file)?.takenAtUs ?? 0);
    expect(us.map((time) => time - (us[0] ?? 0))).toEqual([0, 250_000, 500_000]);
    expect((await times.of(files[2]!)).pages).toEqual([{ takenAtUs: us[2], source: "file" }]);
  });

  it("that lacks images has them placed between their neighbours, guessed, and one line says how many", async () => {
    const entries = [0, 2].map((frame) => frameKey(frame, { FileName: nameOf(frame) }));
    const { file } = series(4, `{${[summary(), ...entries].join()}}`);
    const files = [0, 1, 2, 3].map(file);
    const times = new CaptureTimes();
    const said: string[] = [];
    const found = await times.ofFirstPages(files, [], (line) => said.push(line));
    const shown = files.map((one) => [((found.get(one)?.takenAtUs ?? 0) - START_US) / 1000, found.get(one)?.source]);
    expect(shown).toEqual([
      [0, "micro-manager"],
      [250, "file"],
      [500, "micro-manager"],
      [750, "file"],
    ]);
    expect(said).toEqual([
      `metadata.txt has no time for 2 images, for example ${nameOf(1)}; phorest guesses it from the others`,
    ]);
    expect((await times.of(file(1))).pages).toEqual([found.get(files[1]!)]);
  });

  it("says what it has more than the directory, and less", async () => {
    const { directory } = series(
      2,
      `{${[summary(), ...[1, 2, 3].map((frame) => frameKey(frame, { FileName: nameOf(frame) }))].join()}}`,
    );
    expect(await new CaptureTimes().compare([0, 1].map((frame) => join(directory, nameOf(frame))))).toEqual([
      `metadata.txt describes 2 images that are not there: ${nameOf(2)}, ${nameOf(3)}`,
      `metadata.txt has no time for 1 image: ${nameOf(0)}`,
    ]);
  });

  it("says that images have the same time, and finds compressed ones", async () => {
    const entry = (name: string, ms: number) => `"FrameKey-0-0-0": {"FileName": "${name}", "ElapsedTime-ms": ${ms}}`;
    const { directory } = series(0, `{${[summary(), entry("a.tif", 5), entry("b.tif", 5), entry("c.tif", 6)].join()}}`);
    const files = ["a.tif", "b.tif.gz", "c.tif"].map((name) => ({ directory, name, modifiedUs: 0, version: "1" }));
    const said: string[] = [];
    const times = new CaptureTimes();
    await times.ofFirstPages(files, [], (line) => said.push(line));
    expect(said).toEqual(["1 image has the same time as another one, for example b.tif.gz"]);
    // A watched directory is looked at again and again.
    await times.ofFirstPages(files, [], (line) => said.push(line));
    expect(said).toHaveLength(1);
  });

  it.each([
    ["a note of 4 March\n", "is not JSON as Micro-Manager writes it"],
    ["<html></html>", "is not JSON as Micro-Manager writes it"],
  ])("that is %j is named once, as what it is, with the times that are guessed instead", async (text, problem) => {
    const { file } = series(2, text);
    const lines: string[] = [];
    await new CaptureTimes().ofFirstPages([file(0), file(1)], [], (line) => lines.push(line));
    expect(lines.filter((line) => line.includes("metadata.txt"))).toEqual([expect.stringContaining(problem)]);
    expect(lines.filter((line) => line.includes("no capture time found"))).toHaveLength(1);
  });

  it("that is of images of another size says so once", async () => {
    const text = `{${summary()},${[0, 1].map((frame) => frameKey(frame, { FileName: nameOf(frame), Width: 512, Height: 512 })).join()}}`;
    const { directory, file } = series(2, text);
    for (const frame of [0, 1]) writeFileSync(join(directory, nameOf(frame)), writeTiff(grayPicture(30, 20, 8, 1)));
    const lines: string[] = [];
    const times = new CaptureTimes();
    await times.ofFirstPages([file(0), file(1)], [], (line) => lines.push(line));
    await times.ofFirstPages([file(0), file(1)], [], (line) => lines.push(line));
    expect(lines).toEqual([
      `${nameOf(0)}: metadata.txt says 512 × 512 px, but the image has 30 × 20 px; phorest uses the times: check that they are of this series`,
    ]);
  });

  it("is read without the numbers that are not JSON", async () => {
    const text = `{${summary()},"FrameKey-0-0-0": {"FileName": "${nameOf(0)}", "ElapsedTime-ms": 1.5, "Z": NaN, "Y": [-Infinity]}}`;
    const { file } = series(1, text);
    expect(await ofOne(new CaptureTimes(), file(0))).toMatchObject({ elapsedMs: 1.5 });
  });
});

describe("the start of a series", () => {
  const record = (received: string | undefined, elapsedMs: number | undefined) =>
    imageRecord({ ReceivedTime: received ?? null, "ElapsedTime-ms": elapsedMs ?? null });
  const start = (StartTime?: string) => summaryRecord(StartTime === undefined ? {} : { StartTime });

  it("is StartTime where the first image agrees, else what the first image says", () => {
    const image = record("2024-05-03 12:00:00.730 +0200", 700);
    expect(seriesOf(image, start("2024-05-03 12:00:00.000 +0200")).startUs).toBe(START_US);
    expect(seriesOf(image, start()).startUs).toBe(START_US + 30_000);
    const other = seriesOf(image, start("2024-05-03 11:59:50.000 +0200"));
    expect(other.startUs).toBe(START_US + 30_000);
    expect(other.notes.join()).toContain("10.0 s");
  });

  it("has a zone only where one is written, also as NDTiff cuts it off", () => {
    expect(seriesOf(record("2022-12-28 17:04:24 -", 0), undefined).hasZone).toBe(false);
    expect(seriesOf(record("2022-12-28 17:04:24 -0000", 0), undefined).hasZone).toBe(true);
  });

  it("reads values that 2.0 wraps", () => {
    const wrapped = imageRecord({
      "ElapsedTime-ms": { PropVal: 12.5, PropType: "Double" },
      receivedTime: "2024-05-03 12:00:00",
    });
    expect([wrapped.elapsedUs, wrapped.received?.us]).toEqual([12_500, START_US + 7200e6]);
  });
});
