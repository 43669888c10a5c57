// Files with several frames through the whole program: each page is a frame, measured exactly once, with the same numbers as
// the same pictures in separate files; the file is one thing.
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Picture } from "../../src/image/picture.ts";
import { MANIFEST_FILENAME } from "../../src/manifest/manifest.ts";
import { type ConfinedFile, digestOpened, withConfinedFile } from "../../src/system/confined-file.ts";
import { copyInto } from "../../src/system/new-file.ts";
import { writeTiff } from "../image/picture-writers.ts";
import { type StackField, type StackOptions, textValues, writeStack } from "../image/stack-writer.ts";
import { command } from "./commands.ts";
import { type FileSource, fileExperiment, PLACE, query, simulator } from "./file-source.ts";
import { experiment, phorest } from "./program.ts";

const pictures: readonly Picture[] = Array.from({ length: 6 }, (_, at) => simulator.render(at, at * 30));

/** An experiment with files where its source finds them. */
function withFiles(source: FileSource, files: Readonly<Record<string, Uint8Array>>, more = ""): string {
  const directory = fileExperiment(source, more);
  const place = join(directory, PLACE[source]);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(place, name), bytes);
  return directory;
}

const stackOf = (frames: readonly Picture[], options?: StackOptions) => writeStack(frames, options);

const RESULTS = `SELECT r.roi, r.position, r.standard_error, r.quality, r.flags FROM result r JOIN entry e ON e.id = r.entry_id
  ORDER BY e.id, r.roi`;
const RUN = ["run", "--until-idle"];

describe.each<FileSource>(["folder", "file_importer"])("%s", (source) => {
  test("measures every page of a stack as if each were a file of its own", async () => {
    const separate = Object.fromEntries(pictures.map((picture, at) => [`${at}.tif`, writeTiff(picture)]));
    const [stack, files] = [withFiles(source, { "six.tif": stackOf(pictures) }), withFiles(source, separate)];
    for (const directory of [stack, files]) {
      const { code, stderr } = await phorest(RUN, directory);
      expect(code, stderr).toBe(0);
    }
    const entries = query(stack, "SELECT filename, page, status FROM frame ORDER BY entry");
    expect(entries).toEqual(pictures.map((_, page) => ({ filename: "six.tif", page, status: "processed" })));
    expect(query(stack, RESULTS)).toEqual(query(files, RESULTS));
    expect(query(stack, "SELECT count(bytes) AS files, count(sha256) AS hashes FROM entry")).toEqual([
      { files: 1, hashes: 1 },
    ]);
    const { stdout } = await command(["export", "--format", "results-jsonl"], stack);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ image_filename, page }) => [image_filename, page])).toEqual(
      pictures.map((_, page) => ["six.tif", page + 1]),
    );
  });

  test("uses the whole pages of a file that is cut off, and names the rest; when it has grown, measures only the new pages", async () => {
    const directory = withFiles(source, { "cut.tif": stackOf(pictures) });
    const file = join(directory, source === "folder" ? "incoming" : "data", "cut.tif");
    truncateSync(file, Math.round(readFileSync(file).length * 0.6));
    const { stderr } = await phorest(RUN, directory);
    const entries = query<{ page: number; status: string }>(directory, "SELECT page, status FROM frame ORDER BY entry");
    expect(entries).toEqual([0, 1, 2].map((page) => ({ page, status: "processed" })));
    const said = stderr.split("\n").filter((line) => /cut\.tif: /.test(line) && / ERROR /i.test(line));
    expect(said, stderr).toHaveLength(1);
    expect(query(directory, "SELECT count(*) AS n FROM entry WHERE collection_error IS NOT NULL")).toEqual([{ n: 1 }]);
    const isCut = /ALARM +1 file is cut off.*cut\.tif: page 4/;
    expect((await command(["status"], directory)).stdout).toMatch(isCut);

    writeFileSync(file, stackOf(pictures));
    expect((await phorest(RUN, directory)).code).toBe(0);
    const after = query<{ page: number; status: string }>(directory, "SELECT page, status FROM frame ORDER BY entry");
    expect(after).toEqual(pictures.map((_, page) => ({ page, status: "processed" })));
    expect((await command(["status"], directory)).stdout).not.toMatch(/cut off/);
    const verified = await command(["verify"], directory);
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });
});

test("a stack is compressed, copied and moved to the share as one file, when all its pages are measured", async () => {
  const directory = withFiles("folder", { "six.tif": stackOf(pictures) });
  mkdirSync(join(directory, "share"));
  const sections = `
[Paths]
remote_root_dir = "${join(directory, "share")}"
[Sync]
keep_local = false
`;
  const text = readFileSync(join(directory, "config.toml"), "utf8")
    .replace("enable_camera = true", "enable_camera = true\nenable_image_compression = true\nenable_remote_sync = true")
    .replace("[Timing]", "[Timing]\ncompress_interval_seconds = 0.1");
  writeFileSync(join(directory, "config.toml"), text + sections);
  expect((await phorest(["init-remote", "share"], directory)).code).toBe(0);
  const { code, stderr } = await phorest(RUN, directory);
  expect(code, stderr).toBe(0);
  expect(readdirSync(join(directory, "share", "data"))).toContain("six.tif.gz");
  expect(readdirSync(join(directory, "data")).filter((name) => name.includes("six"))).toEqual([]);
  expect(query(directory, "SELECT status, filename, page FROM frame ORDER BY entry")).toEqual(
    pictures.map((_, page) => ({ status: "processed", filename: "six.tif.gz", page })),
  );
  expect(query(directory, "SELECT synced, compressed, further_pages, local_images FROM counter")).toEqual([
    { synced: 1, compressed: 1, further_pages: 5, local_images: 0 },
  ]);
  const verified = await command(["verify"], directory);
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("1 image,")]);
});

test("a changed stack is found by verify once, and all its pages with it", async () => {
  const directory = withFiles("folder", { "six.tif": stackOf(pictures) });
  expect((await phorest(RUN, directory)).code).toBe(0);
  const file = join(directory, "data", "six.tif");
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = 255 - (bytes[bytes.length >> 1] ?? 0);
  writeFileSync(file, bytes);
  const { code, stdout, stderr } = await command(["verify"], directory);
  expect(code, stderr).not.toBe(0);
  expect((stdout + stderr).split("\n").filter((line) => line.includes("six.tif"))).toHaveLength(1);
});

test("channels, planes and positions that are not chosen are counted; the others are measured", async () => {
  const description = "ImageJ=1.53t\nimages=6\nchannels=3\nframes=2\nhyperstack=true\n";
  const fields = (page: number) => (page === 0 ? [[270, 2, [...Buffer.from(`${description}\0`)]] as const] : []);
  const stack = stackOf(pictures, { fields });
  const first = withFiles("folder", { "hyper.tif": stack });
  const { code, stderr } = await phorest(RUN, first);
  expect(code, stderr).toBe(0);
  expect(stderr.match(/left out 4 pages of channels 1 and 2; choose with --channel/g)).toHaveLength(1);
  const rows = () => query(first, "SELECT page FROM entry ORDER BY id");
  expect(rows()).toEqual([{ page: 0 }, { page: 3 }]);
  expect((await command(["status"], first)).stdout).toMatch(/collector .*left out 4 pages of channels 1 and 2/);
  const other = await phorest([...RUN, "--channel", "1"], first);
  expect(other.code).toBe(2);
  expect(other.stderr).toMatch(
    /^--channel is 1, but the frames of this experiment are of channel 0; .*phorest new NAME/,
  );
  expect((await phorest([...RUN, "--channel", "0"], first)).code).toBe(0);
  expect(rows()).toEqual([{ page: 0 }, { page: 3 }]);
  const second = await command(["analyse", "incoming", "--channel", "1", "--jsonl", "-"], first);
  const pages = second.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).page);
  expect(pages, second.stderr).toEqual([2, 5]);
  const none = await command(["analyse", "incoming", "--channel", "7", "--jsonl", "-"], first);
  expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/of channel 7, only of channels 0, 1 and 2/)]);
  for (const words of [
    ["check-rois", "none.tif", "--out", "rois.png"],
    ["calibrate", "none.tif"],
  ]) {
    const { code, stderr } = await command(words, first);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^none\.tif: no such file/)]);
  }
  for (const words of [
    ["check-rois", "incoming", "--out", "rois.png"],
    ["check-rois", "incoming/hyper.tif", "--out", "incoming"],
    ["calibrate", "incoming"],
    ["diff", "incoming", "incoming/hyper.tif", "--out", "diff.png"],
  ]) {
    const { code, stderr } = await command(words, first);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^incoming: it is a directory \(name .*file.*\)$/m)]);
  }
});

test("pages of another size or depth fail or are measured each by itself; names may have a colon", async () => {
  const [one, two] = pictures as [Picture, Picture];
  const small = { ...one, width: 16, height: 12, pixels: one.pixels.slice(0, 16 * 12) };
  const deep = { ...two, bitDepth: 16 as const, pixels: Uint16Array.from(two.pixels, (value) => value * 257) };
  const directory = withFiles("folder", { "a:b.tif": stackOf([one, small, deep]) });
  await phorest(RUN, directory);
  const states = query<{ filename: string; status: string }>(
    directory,
    "SELECT filename, status FROM frame ORDER BY entry",
  );
  expect(states.map(({ filename, status }) => [filename, status])).toEqual([
    ["a:b.tif", "processed"],
    ["a:b.tif", "failed"],
    ["a:b.tif", "processed"],
  ]);
});

test("calibrate takes the page that is asked for", async () => {
  const blank = { ...(pictures[0] as Picture), pixels: new Uint8Array(640 * 480) };
  const directory = withFiles("folder", {
    "two.tif": stackOf([blank, pictures[0] as Picture]),
    "one.tif": writeTiff(pictures[0] as Picture),
  });
  const summary = async (...words: string[]) => {
    const { stdout } = await command(["calibrate", ...words, "--json", "--out", "found"], directory);
    const { files: _, image: _image, ...rest } = JSON.parse(stdout);
    return rest;
  };
  const single = await summary("incoming/one.tif");
  expect(await summary("incoming/two.tif", "--page", "2")).toEqual(single);
  expect(await summary("incoming/two.tif")).not.toEqual(single);
  const beyond = await command(["calibrate", "incoming/two.tif", "--page", "3"], directory);
  expect(beyond.code).not.toBe(0);
  expect(beyond.stderr).toMatch(/page 3|no page|2 pages/);
});

test("check-rois draws the page that is asked for, and says which one of how many it is", async () => {
  const [one, two] = pictures as [Picture, Picture];
  const directory = withFiles("folder", { "two.tif": stackOf([one, two]), "one.tif": writeTiff(two) });
  const draw = (...words: string[]) => command(["check-rois", ...words], directory);
  const single = await draw("incoming/one.tif", "--out", "single.png");
  expect([single.code, single.stderr]).toEqual([0, expect.not.stringContaining("page")]);
  const first = await draw("incoming/two.tif", "--out", "first.png");
  expect(first.stderr).toContain("incoming/two.tif: using page 1 of 2; choose another one with --page");
  const second = await draw("incoming/two.tif", "--page", "2", "--out", "second.png");
  expect(second.stderr).toContain("incoming/two.tif: using page 2 of 2\n");
  const drawn = (name: string) => readFileSync(join(directory, name));
  expect(drawn("second.png").equals(drawn("single.png"))).toBe(true);
  expect(drawn("first.png").equals(drawn("single.png"))).toBe(false);
  for (const [file, page, why] of [
    ["two.tif", "3", "has 2 pages"],
    ["one.tif", "2", "has only one image"],
    ["two.tif", "0", "must be a whole number from 1"],
  ] as const) {
    const { code, stderr } = await draw(`incoming/${file}`, "--page", page, "--out", "none.png");
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  }
});

test("the position of a stack is chosen by the name that Micro-Manager has for it", async () => {
  const record = (position: number) => (page: number) => {
    const json = { PositionIndex: position, PositionName: `Well A${position}`, FrameIndex: page };
    return [[51123, 2, textValues(JSON.stringify(json))] satisfies StackField];
  };
  const [one, two] = pictures as [Picture, Picture];
  const directory = withFiles("folder", {
    "x_MMStack_0.ome.tif": stackOf([one, two], { fields: record(0) }),
    "x_MMStack_1.ome.tif": stackOf([two, one, two], { fields: record(1) }),
  });
  const { code, stderr } = await phorest([...RUN, "--position", "well a1"], directory);
  expect(code, stderr).toBe(0);
  expect(stderr.match(/left out 2 images of position 0 \(Well A0\); choose with --position/g)).toHaveLength(1);
  const rows = query(directory, "SELECT filename, status FROM frame ORDER BY entry");
  expect(rows).toEqual(Array(3).fill({ filename: "x_MMStack_1.ome.tif", status: "processed" }));
  const typo = await command(["analyse", "incoming", "--position", "Wel A1", "--jsonl", "-"], directory);
  expect([typo.code, typo.stderr]).toEqual([2, expect.stringContaining('did you mean "Well A1"?')]);
});

test.each<FileSource>(["folder", "file_importer"])(
  "%s: a later run takes the channel of the first, and refuses another",
  async (source) => {
    const page = (at: number) => [
      [51123, 2, textValues(JSON.stringify({ ChannelIndex: at % 2, FrameIndex: at >> 1 }))] satisfies StackField,
    ];
    const directory = withFiles(source, { "two.tif": stackOf(pictures.slice(0, 6), { fields: page }) });
    const rows = () => query<{ page: number }>(directory, "SELECT page FROM entry ORDER BY id").map((row) => row.page);
    expect((await phorest([...RUN, "--channel", "1", "--limit", "1"], directory)).code).toBe(0);
    expect(rows()).toEqual([1]);
    const other = await phorest([...RUN, "--channel", "0"], directory);
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringMatching(/^--channel is 0, but the frames of this experiment are of channel 1/m),
    ]);
    expect(rows()).toEqual([1]);
    expect((await phorest(RUN, directory)).code).toBe(0);
    expect(rows()).toEqual([1, 3, 5]);
  },
);

test.each([
  [
    "a channel that no image is of",
    { fields: true, count: 4, channel: "7" },
    /no image is of channel 7|it has no channel 7/,
  ],
  [
    "a channel of a stack without channels",
    { fields: false, count: 4, channel: "1" },
    /plain\.tif: it has no channel 1/,
  ],
  [
    "a channel of a single image",
    { fields: false, count: 1, channel: "1" },
    /plain\.tif: the image does not say which channel/,
  ],
])("%s is refused before anything starts", async (_what, { fields, count, channel }, message) => {
  const page = (at: number) => [
    [51123, 2, textValues(JSON.stringify({ ChannelIndex: at % 2, FrameIndex: at >> 1 }))] satisfies StackField,
  ];
  const stack = stackOf(pictures.slice(0, count), fields ? { fields: page } : {});
  for (const source of ["file_importer", "folder"] as const) {
    const directory = withFiles(source, { "plain.tif": stack });
    const { code, stderr } = await phorest([...RUN, "--channel", channel], directory);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(readdirSync(join(directory, PLACE[source]))).toEqual(["plain.tif"]);
    expect(existsSync(join(directory, "data", MANIFEST_FILENAME))).toBe(false);
  }
});

/** Kills the program when it says that the twentieth page is measured: a test that looks on from outside may come too late. */
const ENDS_AFTER_20 = `
const { write } = process.stderr;
let measured = 0;
if (require("node:worker_threads").isMainThread) process.stderr.write = function (text, ...rest) {
  measured += String(text).match(/many\\.tif, page \\d+: measured/g)?.length ?? 0;
  const more = write.call(this, text, ...rest);
  if (measured >= 20) process.kill(process.pid, "SIGKILL");
  return more;
};
`;

test("a program that is killed in the middle of a stack of 125 pages measures each page exactly once", async () => {
  const frames = Array.from({ length: 125 }, (_, at) => pictures[at % pictures.length] as Picture);
  const directory = withFiles("folder", { "many.tif": stackOf(frames) });
  const preload = join(directory, "preload.cjs");
  writeFileSync(preload, ENDS_AFTER_20);
  const killed = await phorest(RUN, directory, { NODE_OPTIONS: `--require ${preload}` });
  expect(killed.signal, killed.stderr).toBe("SIGKILL");
  const before = query<{ n: number }>(directory, "SELECT count(*) AS n FROM outcome")[0]?.n ?? 0;
  expect(before).toBeGreaterThanOrEqual(20);
  expect(before).toBeLessThan(125);
  expect(existsSync(join(directory, "data", "many.tif"))).toBe(true);

  const { code, stderr } = await phorest(RUN, directory);
  expect(code, stderr).toBe(0);
  const pages = query<{ page: number; outcomes: number; status: string }>(
    directory,
    `SELECT e.page, e.status, (SELECT count(*) FROM outcome o WHERE o.entry_id = e.id) AS outcomes FROM entry e ORDER BY e.page`,
  );
  expect(pages).toEqual(frames.map((_, page) => ({ page, status: "processed", outcomes: 1 })));
  const csv = readFileSync(join(directory, "results", "communicating_results.csv"), "utf8")
    .trim()
    .split("\n");
  const rois = simulator.roiManifest().rois.length;
  expect(csv).toHaveLength(125 * rois + 1);
  const names = csv[0]?.split(",") ?? [];
  const measuredPages = csv.slice(1).map((line) => line.split(",")[names.indexOf("page")]);
  expect(new Set(measuredPages).size).toBe(125);
});

test("a stack that was copied and not yet recorded when the program was killed is found with all its pages", async () => {
  const directory = withFiles("folder", {});
  writeFileSync(join(directory, "data", "left.tif"), stackOf(pictures));
  const { code, stderr } = await phorest(RUN, directory);
  expect(code, stderr).toBe(0);
  expect(query(directory, "SELECT page, status FROM frame ORDER BY entry")).toEqual(
    pictures.map((_, page) => ({ page, status: "processed" })),
  );
});

test("a file that takes longer to copy than a capture may take gives signs of progress for each piece", async () => {
  const directory = experiment();
  writeFileSync(join(directory, "large.tif"), Buffer.alloc(3 * 2 ** 20 + 1));
  mkdirSync(join(directory, "data"));
  const signs: string[] = [];
  const copy = (file: ConfinedFile) =>
    copyInto(file, join(directory, "data"), "large.tif", { progress: () => signs.push("copied") });
  const { bytes } = await withConfinedFile(directory, "large.tif", copy);
  expect(bytes).toBe(3 * 2 ** 20 + 1);
  // Four pieces are written and read back.
  expect(signs.length).toBeGreaterThanOrEqual(8);
  const read: string[] = [];
  await withConfinedFile(directory, "large.tif", (file) => digestOpened(file, { progress: () => read.push("read") }));
  expect(read.length).toBeGreaterThanOrEqual(4);
});
