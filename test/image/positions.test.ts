// Stacks of several positions or channels in one directory: one of them is the series, chosen by number or by name.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { framesOf } from "../../src/analysis/frames.ts";
import { FileImporter } from "../../src/cameras/file-importer.ts";
import { Folder } from "../../src/cameras/folder.ts";
import type { Source } from "../../src/cameras/frame.ts";
import type { TakenFile } from "../../src/cameras/grown-file.ts";
import type { PageChoice } from "../../src/image/chosen-pages.ts";
import { framesOfFile } from "../../src/image/frames-of-file.ts";
import { positionOfName } from "../../src/image/image-axes.ts";
import { isPictureName } from "../../src/image/picture-name.ts";
import { CaptureTimes } from "../../src/image/times/capture-times.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { grayPicture } from "./picture-writers.ts";
import { type StackField, textValues, writeStack } from "./stack-writer.ts";

type Fields = (page: number) => StackField[];

const put = (directory: string, name: string, pages: number, fields?: Fields): string => {
  const pictures = Array.from({ length: pages }, () => grayPicture(4, 4, 8, 1));
  writeFileSync(join(directory, name), writeStack(pictures, fields === undefined ? {} : { fields }));
  return join(directory, name);
};

const record =
  (position: number, name: string, channel = 0): Fields =>
  (page) => {
    const json = {
      ChannelIndex: channel,
      SliceIndex: 0,
      FrameIndex: page,
      PositionIndex: position,
      PositionName: name,
    };
    return [[51123, 2, textValues(JSON.stringify({ ...json, "ElapsedTime-ms": 100 * page }))]];
  };

const ome =
  (images: readonly string[]): Fields =>
  (page) => {
    const xml = images.map((image) => `<Image ${image}><Pixels SizeT="2"><TiffData/></Pixels></Image>`).join("");
    return page === 0 ? [[270, 2, textValues(`<OME>${xml}</OME>`)]] : [];
  };

const staged =
  (label: string): Fields =>
  (page) => {
    const xml = `<OME><Image Name="s"><StageLabel Name="${label}"/><Pixels SizeT="9"><TiffData/></Pixels></Image></OME>`;
    return page === 0 ? [[270, 2, textValues(xml)]] : [];
  };

/** How other programs write two positions, "Pos0" and "Pos1" or other names, with their pages. */
const WAYS: readonly [string, string, string, (directory: string) => string[]][] = [
  [
    "Micro-Manager's metadata",
    "Well A3",
    "Well A4",
    (directory) => [
      put(directory, "x_MMStack_a.ome.tif", 2, record(0, "Well A3")),
      put(directory, "x_MMStack_b.ome.tif", 3, record(1, "Well A4")),
    ],
  ],
  [
    "names that number them",
    "Pos0",
    "pos1",
    (directory) => [put(directory, "x_MMStack_Pos0.ome.tif", 2), put(directory, "x_MMStack_Pos1.ome.tif", 3)],
  ],
  [
    "names without a number",
    "1-Pos_000_000",
    "1-Pos_000_001",
    (directory) => [
      put(directory, "x_MMStack_1-Pos_000_000.ome.tif", 2),
      put(directory, "x_MMStack_1-Pos_000_001.ome.tif", 3),
    ],
  ],
  [
    "names of files with OME-XML of their own image alone",
    "Pos0",
    "Pos1",
    (directory) => [
      put(directory, "x_MMStack_Pos0.ome.tif", 2, ome(['Name="x"'])),
      put(directory, "x_MMStack_Pos1.ome.tif", 3, ome(['Name="x"'])),
    ],
  ],
  [
    "places on the stage in OME-XML, each file with its own",
    "Left",
    "right",
    (directory) => [
      put(directory, "x_0.ome.tif", 2, staged("Left")),
      put(directory, "x_1.ome.tif", 3, staged("Right")),
    ],
  ],
];

const chosen = async (paths: readonly string[], choice: PageChoice) => {
  const said: string[] = [];
  const frames = await framesOf(paths, choice, new CaptureTimes(), (line) => said.push(line));
  const shown = frames.map(({ path, failure }) => (failure === undefined ? paths.indexOf(path) : failure.message));
  return { frames: shown, said: said.filter((line) => line.includes("left out")) };
};

describe.each(WAYS)("two positions by %s", (_way, first, second, write) => {
  it("are two series: without a choice the first one, else the one of that number or name", async () => {
    const directory = temporaryDirectory();
    const paths = write(directory);
    const ofFirst = await chosen(paths, {});
    expect(ofFirst.frames).toEqual([0, 0]);
    expect(ofFirst.said).toHaveLength(1);
    expect(ofFirst.said[0]).toMatch(/left out 3 images of position 1.*; choose with --position$/);
    const ofSecond = await chosen(paths, { position: 1 });
    expect(ofSecond.frames).toEqual([1, 1, 1]);
    expect(ofSecond.said[0]).toMatch(/left out 2 images of position 0/);
    expect((await chosen(paths, { position: first })).frames).toEqual([0, 0]);
    expect((await chosen(paths, { position: second })).frames).toEqual([1, 1, 1]);
  });

  it("are refused together where neither is chosen, with the name that may be meant", async () => {
    const paths = write(temporaryDirectory());
    await expect(chosen(paths, { position: 7 })).rejects.toThrow(
      "no image is of position 7, only of positions 0 and 1",
    );
    const typed = `${second.slice(0, -1)}x`;
    await expect(chosen(paths, { position: typed })).rejects.toMatchObject({
      message: expect.stringContaining(`no image is of position "${typed}"`),
      hint: expect.stringContaining("did you mean"),
    });
  });

  it("are taken one of them by the folder and the importer", async () => {
    for (const position of [undefined, 1, first]) {
      const directory = temporaryDirectory();
      write(directory);
      const pages = { position };
      const importer = new FileImporter({ dataDir: directory, pages, isKnown: () => false });
      const folder = watching(directory, pages, new Set());
      const wanted = position === 1 ? 3 : 2;
      for (const source of [importer, folder]) expect(await pagesTaken(source, directory)).toEqual([wanted]);
      const [line] = folder.leftOut();
      expect(line).toMatch(position === 1 ? /left out 2 images of position 0/ : /left out 3 images of position 1/);
      expect(importer.leftOut()).toEqual([line]);
    }
  });

  it("stay the same series when the folder is watched again", async () => {
    const directory = temporaryDirectory();
    write(directory);
    const taken = new Set<string>();
    await pagesTaken(watching(directory, {}, taken), directory, taken);
    expect(taken.size).toBe(1);
    expect(await pagesTaken(watching(directory, {}, taken), directory)).toEqual([]);
  });
});

function watching(directory: string, pages: PageChoice, taken: ReadonlySet<string>): Folder {
  const noted: TakenFile = { bytes: undefined, modifiedUs: undefined };
  const takenBefore = (name: string) => (taken.has(name) ? noted : undefined);
  return new Folder({ watchDir: directory, stableSeconds: 0, pages, takenBefore });
}

/** The number of frames in each file that a source hands out. */
async function pagesTaken(source: Source, directory: string, names = new Set<string>()): Promise<number[]> {
  await source.open();
  const counts: number[] = [];
  for (;;) {
    const frame = await source.capture(new AbortController().signal);
    if (frame?.file === undefined) break;
    const { name, choice } = frame.file;
    names.add(name);
    const { pages, refused } = await framesOfFile({ directory, path: name }, choice);
    expect(refused).toBeUndefined();
    counts.push(pages?.length ?? 1);
  }
  await source.close();
  return counts;
}

it("a stack that had nothing to say when it was seen first is looked at again when it is complete", async () => {
  const directory = temporaryDirectory();
  let now = 0;
  const takenBefore = () => undefined;
  const folder = new Folder({ watchDir: directory, stableSeconds: 1, takenBefore, nowMs: () => (now += 400) });
  for (const name of ["a.tif", "b.tif"]) writeFileSync(join(directory, name), "");
  await folder.open();
  put(directory, "a.tif", 2, record(0, "A"));
  put(directory, "b.tif", 2, record(1, "B"));
  const next = async () => (await folder.capture(new AbortController().signal))?.file?.name;
  expect([await next(), await next()]).toEqual(["a.tif", undefined]);
  expect(folder.leftOut()).toEqual(["left out 2 images of position 1 (B); choose with --position"]);
  await folder.close();
});

it.each(["btf", "tf2", "tf8"])("stacks whose names end in .%s are stacks, also compressed", async (ending) => {
  const directory = temporaryDirectory();
  const path = put(directory, `x_MMStack_Pos0.ome.${ending}`, 3, record(0, "Pos0"));
  expect((await framesOfFile(path)).pages).toHaveLength(3);
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
  expect((await framesOfFile(`${path}.gz`)).pages).toHaveLength(3);
  expect([path, `${path}.gz`].map((one) => isPictureName(basename(one)))).toEqual([true, true]);
});

it("channels that are spread over files are chosen like those in one file", async () => {
  const directory = temporaryDirectory();
  const paths = [0, 1].map((channel) => put(directory, `c${channel}.tif`, 2, record(0, "Pos0", channel)));
  expect(await chosen(paths, {})).toEqual({
    frames: [0, 0],
    said: [`${directory}: left out 2 images of channel 1; choose with --channel`],
  });
  expect((await chosen(paths, { channel: 1 })).frames).toEqual([1, 1]);
});

it("the channel is the first one of the position that is measured", async () => {
  const directory = temporaryDirectory();
  const paths = [1, 0].map((channel, at) => put(directory, `p${at}.tif`, 2, record(at, `Pos${at}`, channel)));
  expect((await chosen(paths, {})).frames).toEqual([0, 0]);
  expect((await chosen(paths, { position: 1 })).frames).toEqual([1, 1]);
});

it("files that say nothing of positions are measured beside those that do", async () => {
  const directory = mkdtempSync(join(temporaryDirectory(), "both-"));
  const paths = [put(directory, "plain.tif", 1), put(directory, "x.tif", 2, record(3, "Pos3"))];
  expect((await chosen(paths, {})).frames).toEqual([0, 1, 1]);
});

it("an image of OME-XML is found by its name, that of its place on the stage, and Micro-Manager's in it", async () => {
  const directory = temporaryDirectory();
  const xml = (name: string, label: string) =>
    `<Image Name="${name}"><StageLabel Name="${label}"/><Pixels SizeT="1"><TiffData IFD="${label.slice(-1)}"/></Pixels></Image>`;
  const text = `<OME>${xml("x_MMStack_Pos4", "Well A0")}${xml("x_MMStack_Pos5", "Well A1")}</OME>`;
  const path = put(directory, "s.ome.tif", 2, (page) => (page === 0 ? [[270, 2, textValues(text)]] : []));
  for (const position of ["Pos5", "well a1", "x_MMStack_Pos5", 1]) {
    expect(
      (await framesOfFile(path, { position })).pages?.map(({ index }) => index),
      String(position),
    ).toEqual([1]);
  }
  const { refused } = await framesOfFile(path, { position: "Well B1" });
  expect(refused).toMatchObject({ hint: 'did you mean "Well A1"?' });
});

it.each([
  ["Series_1_MMStack_Pos0.ome.tif", { name: "Pos0", number: 0 }],
  ["Series_1_MMStack_Pos12_3.ome.tif", { name: "Pos12", number: 12 }],
  ["x_MMStack_1-Pos_000_001.ome.tif", { name: "1-Pos_000_001", number: undefined }],
  ["x_MMStack_Well A3.tif.gz", { name: "Well A3", number: undefined }],
  ["x_MMStack_Pos2.ome.tf8", { name: "Pos2", number: 2 }],
  ["x_MMStack.ome.tif", undefined],
  ["x_MMStack_1.ome.tif", undefined],
  ["Pos0.tif", undefined],
])("the name %s says the position", (name, position) => {
  expect(positionOfName(name)).toEqual(position);
});

it("a file of a series whose metadata are in the first file of it, a TIFF as well, is read by these", async () => {
  const directory = temporaryDirectory();
  const files = ["first.ome.tif", "second.ome.tif"];
  const image = (file: string, at: number) =>
    `<Image Name="Well A${at}"><AcquisitionDate>2026-03-04T10:00:0${at}Z</AcquisitionDate><Pixels SizeT="2">` +
    `<TiffData PlaneCount="2"><UUID FileName="${file}"/></TiffData>` +
    `<Plane TheT="0" DeltaT="0"/><Plane TheT="1" DeltaT="0.5"/></Pixels></Image>`;
  const [first, second] = [
    `<OME>${files.map(image).join("")}</OME>`,
    '<OME><BinaryOnly MetadataFile="first.ome.tif"/></OME>',
  ];
  const paths = files.map((name, at) =>
    put(directory, name, 2, (page) => (page === 0 ? [[270, 2, textValues([first, second][at] ?? "")]] : [])),
  );
  expect((await chosen(paths, {})).frames).toEqual([0, 0]);
  const frames = await framesOf(paths, { position: "Well A1" }, new CaptureTimes(), () => undefined);
  const start = Date.UTC(2026, 2, 4, 10, 0, 1) * 1000;
  expect(frames.map(({ path, takenAtUs, timeSource }) => [path, takenAtUs - start, timeSource])).toEqual([
    [paths[1], 0, "ome"],
    [paths[1], 5e5, "ome"],
  ]);
});

it("pages that were added one by one, each as an image of its own without a name, are a series in time", async () => {
  const xml = (name: (at: number) => string) =>
    `<OME>${[0, 1, 2].map((at) => `<Image Name="${name(at)}"><Pixels><TiffData IFD="${at}"/></Pixels></Image>`).join("")}</OME>`;
  const described = (text: string) => (page: number) =>
    page === 0 ? [[270, 2, textValues(text)] satisfies StackField] : [];
  const directory = temporaryDirectory();
  const series = put(directory, "x_MMStack_Pos1.ome.tif", 3, described(xml((at) => `Image${at}`)));
  const { pages, leftOut } = await framesOfFile(series);
  expect(pages?.map(({ index, position }) => [index, position])).toEqual([0, 1, 2].map((page) => [page, 1]));
  expect(leftOut).toEqual([expect.stringContaining("phorest treats the pages as a time series")]);
  const wells = put(directory, "wells.ome.tif", 3, described(xml((at) => `Well A${at}`)));
  expect((await framesOfFile(wells)).pages).toHaveLength(1);
});

describe("separate images of Micro-Manager 2.0, whose coordinates are a member of their own", () => {
  const CHANNELS = [0, 1];
  const nameOf = (channel: number, time: number) => `img_channel00${channel}_position000_time00000000${time}_z000.tif`;

  /** Two channels of three images each; `coordinates`: what the Coords- members say; the others never name a channel. */
  function acquisition(coordinates: ((channel: number, time: number) => object) | undefined, nameIn = nameOf) {
    const directory = temporaryDirectory();
    const metadata: Record<string, object> = { Summary: { StartTime: "2026-03-04 10:00:00.125 +0100" } };
    const paths = [0, 1, 2].flatMap((time) =>
      CHANNELS.map((channel) => {
        const name = nameIn(channel, time);
        if (coordinates !== undefined) metadata[`Coords-Default/${name}`] = coordinates(channel, time);
        metadata[`Metadata-Default/${name}`] = { "ElapsedTime-ms": 1000 * time + channel, PositionName: "Well A3" };
        return put(directory, name, 1);
      }),
    );
    writeFileSync(join(directory, "metadata.txt"), JSON.stringify(metadata));
    return paths;
  }

  const byChannel = (channel: number, time: number) => ({ FrameIndex: time, SliceIndex: 0, ChannelIndex: channel });
  const plain = (channel: number, time: number) => `${time}_${channel}.tif`;

  it.each([
    ["the coordinates say the channel", byChannel, nameOf],
    ["only the coordinates say it", byChannel, plain],
    ["the coordinates do not say it, the names do", () => ({ FrameIndex: 0 }), nameOf],
    ["there are none, the names say it", undefined, nameOf],
  ])("one channel is the series: %s", async (_, coordinates, nameIn) => {
    for (const channel of CHANNELS) {
      const paths = acquisition(coordinates, nameIn);
      const { frames, said } = await chosen(paths, { channel });
      expect(frames).toHaveLength(3);
      expect(said).toContainEqual(expect.stringMatching(`left out 3 images of channel ${1 - channel}`));
    }
    const { said } = await chosen(acquisition(coordinates, nameIn), {});
    expect(said).toContainEqual(expect.stringMatching("left out 3 images of channel 1; choose with --channel"));
  });
});

describe("several directories that are measured together", () => {
  const position = (name: string, images: number, record?: (frame: number) => Record<string, unknown>) => {
    const directory = join(mkdtempSync(join(temporaryDirectory(), "s-")), name);
    mkdirSync(directory);
    const names = Array.from({ length: images }, (_, frame) => `img_${String(frame).padStart(9, "0")}_Default_000.tif`);
    const members = names.map((file, frame) => [
      `Metadata-${name}/${file}`,
      { FileName: file, FrameIndex: frame, ...record?.(frame) },
    ]);
    if (record !== undefined)
      writeFileSync(join(directory, "metadata.txt"), JSON.stringify(Object.fromEntries(members)));
    return names.map((file) => put(directory, file, 1));
  };
  const of = (index: number) => (frame: number) => ({
    ...{ PositionIndex: index, PositionName: `Pos${index}`, "ElapsedTime-ms": 100 * frame },
    ReceivedTime: "2026-03-04 10:00:00.000 +0000",
  });
  const told = async (paths: readonly string[], choice: PageChoice = {}) => {
    const lines: string[] = [];
    const frames = await framesOf(paths, choice, new CaptureTimes(), (line) => lines.push(line));
    return { paths: frames.map(({ path }) => path), lines };
  };

  it("are one series: of two positions one is measured", async () => {
    const [first, second] = [position("Pos0", 2, of(0)), position("Pos1", 3, of(1))];
    const ofFirst = await told([...first, ...second]);
    expect(ofFirst.paths).toEqual(first);
    expect(ofFirst.lines).toEqual(["left out 3 images of position 1 (Pos1); choose with --position"]);
    expect((await told([...first, ...second], { position: 1 })).paths).toEqual(second);
    expect((await told([...first, ...second], { position: "Pos1" })).paths).toEqual(second);
    await expect(told([...first, ...second], { position: 2 })).rejects.toThrow(
      /of position 2, only of positions 0 and 1/,
    );
  });

  it("are said to be one series where nothing tells them apart", async () => {
    const [first, second] = [position("a", 2), position("b", 1)];
    const both = await told([...first, ...second]);
    expect(both.paths).toEqual([...first, ...second]);
    expect(both.lines.filter((line) => line.includes("one series"))).toEqual([
      expect.stringMatching(
        /^the images of 2 directories \(.*\) are measured as one series; to keep them apart, name one at a time$/,
      ),
    ]);
    expect((await told(first)).lines.join()).not.toContain("one series");
  });
});
