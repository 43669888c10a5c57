// What OME-XML, ImageJ and EXIF say about the pages of a file, from small texts and blocks made here.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { listPages } from "../../../src/image/pages.ts";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { filled, oddities } from "../../../src/image/times/fill.ts";
import { imagejPages } from "../../../src/image/times/imagej.ts";
import { omePages } from "../../../src/image/times/ome.ts";
import { readOme } from "../../../src/image/times/ome-xml.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture, pngChunk, writePng } from "../picture-writers.ts";
import { type StackField, textValues, writeStack } from "../stack-writer.ts";

const DATE_US = Date.UTC(2023, 0, 2, 3, 4, 5) * 1000;

function ome(
  inside: string,
  {
    sizes = 'SizeZ="1" SizeC="1" SizeT="3"',
    order = "XYCZT",
    date = "<AcquisitionDate>2023-01-02T03:04:05Z</AcquisitionDate>",
  } = {},
): string {
  return `<?xml version="1.0"?><!-- > --><OME xmlns="http://x"><Image ID="Image:0">${date}<Pixels DimensionOrder="${order}" ${sizes}>${inside}</Pixels></Image></OME>`;
}
const plane = (t: number, delta: string, more = "") =>
  `<Plane TheZ="0" TheC="0" TheT="${t}" DeltaT="${delta}" ${more}/>`;
const elapsed = (us: readonly (number | undefined)[] | undefined) =>
  us?.map((time) => (time === undefined ? undefined : time - DATE_US));

describe("OME-XML", () => {
  it.each([
    ["", 1e6],
    ['DeltaTUnit="s"', 1e6],
    ['DeltaTUnit="ms"', 1e3],
    ['DeltaTUnit="cs"', 1e4],
    ['DeltaTUnit="µs"', 1],
    ['DeltaTUnit="min"', 60e6],
    ['DeltaTUnit="h"', 3600e6],
  ])("dates planes by DeltaT %s", (unit, factor) => {
    const xml = ome(`<TiffData/>${plane(0, "0", unit)}${plane(1, "2.5", unit)}${plane(2, "4", unit)}`);
    expect(elapsed(omePages(readOme(xml), "a.tif", 3)?.us)).toEqual([0, Math.round(2.5 * factor), 4 * factor]);
  });

  it("of a unit that is none of time is named, and the date of the first plane stays", () => {
    const unit = 'DeltaTUnit="fortnight"';
    const stated = omePages(readOme(ome(`<TiffData/>${plane(0, "0", unit)}${plane(1, "1", unit)}`)), "a.tif", 3);
    expect(elapsed(stated?.us)).toEqual([0, undefined, undefined]);
    expect(stated?.notes).toEqual([
      `the OME-XML's time unit "fortnight" is not known; phorest does not use its DeltaT`,
    ]);
  });

  it("names a DeltaT that is no number in decimal digits", () => {
    const stated = omePages(
      readOme(ome(`<TiffData/>${plane(0, "0")}${plane(1, "0x10")}${plane(2, "1.5e1")}`)),
      "a.tif",
      3,
    );
    expect(elapsed(stated?.us)).toEqual([0, undefined, 15e6]);
    expect(stated?.notes).toEqual([`the OME-XML's DeltaT "0x10" is not a number; phorest does not use it`]);
  });

  it("names a date that is not one", () => {
    const date = "<AcquisitionDate>04.03.2026 10:00</AcquisitionDate>";
    const sizes = 'SizeZ="1" SizeC="1" SizeT="2"';
    const stated = omePages(readOme(ome(`<TiffData/>${plane(0, "0")}${plane(1, "1")}`, { date, sizes })), "a.tif", 2);
    expect(stated).toMatchObject({ us: [0, 1e6], relative: true });
    expect(stated?.notes).toEqual(['cannot read the date "04.03.2026 10:00" in the OME-XML']);
  });

  it("uses TimeIncrement where no plane has a time, in the order of the axes", () => {
    const sizes = 'SizeZ="2" SizeC="1" SizeT="2" TimeIncrement="500" TimeIncrementUnit="ms"';
    const times = (order: string) => elapsed(omePages(readOme(ome("<TiffData/>", { sizes, order })), "a.tif", 4)?.us);
    expect(times("XYZCT")).toEqual([0, 0, 5e5, 5e5]);
    expect(times("XYTCZ")).toEqual([0, 5e5, 0, 5e5]);
  });

  it("finds the pages of each file of several, and keeps a gap", () => {
    const data = (t: number, ifd: number, file: string) =>
      `<TiffData FirstT="${t}" IFD="${ifd}" PlaneCount="1"><UUID FileName="${file}">urn:uuid:1</UUID></TiffData>`;
    const xml = ome(data(2, 0, "b.tif") + data(0, 0, "a.tif") + data(1, 1, "b.tif") + plane(0, "0") + plane(2, "9"));
    expect(elapsed(omePages(readOme(xml), "b.tif", 2)?.us)).toEqual([9e6, undefined]);
    expect(elapsed(omePages(readOme(xml), "a.tif", 1)?.us)).toEqual([0]);
  });

  it("says what contradicts the file", () => {
    const planes = [0, 1, 2, 3].map((t) => plane(t, String(t))).join("");
    const xml = ome(`<TiffData/>${planes}`, { sizes: 'SizeZ="1" SizeC="1" SizeT="4"' });
    expect(omePages(readOme(xml), "a.tif", 2)?.notes).toEqual(["the OME-XML describes 4 images, the file has 2"]);
  });

  it("without a zone is UTC and says so; without a date only counts", () => {
    const planes = `<TiffData/>${plane(0, "1")}`;
    const named = omePages(
      readOme(ome(planes, { date: "<AcquisitionDate>2023-01-02T03:04:05</AcquisitionDate>" })),
      "a",
      1,
    );
    expect([named?.us, named?.notes.join()]).toEqual([[DATE_US + 1e6], expect.stringContaining("UTC")]);
    expect(omePages(readOme(ome(planes, { date: "" })), "a", 1)).toMatchObject({ us: [1e6], relative: true });
  });

  it("does not expand entities, and refuses a document type", () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><OME>&a;</OME>';
    expect(() => readOme(bomb)).toThrow("document type");
    expect(
      omePages(readOme(ome(`<TiffData/>${plane(0, "1", 'Note="&amp;&#65; > &lt;/Plane&gt;"')}`)), "a", 1)?.us,
    ).toEqual([DATE_US + 1e6]);
  });

  it.each(["utf8", "utf16le"] as const)("may be in a companion file in %s", async (encoding) => {
    const directory = temporaryDirectory();
    const text = '<OME xmlns="http://x"><BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:2"/></OME>';
    const fields = () => [[270, 2, [...Buffer.from(`${text}\0`)]]] as const;
    const pictures = [1, 2, 3].map((seed) => grayPicture(8, 4, 8, seed));
    writeFileSync(join(directory, "a.ome.tif"), writeStack(pictures, { fields }));
    const data = '<TiffData IFD="0" PlaneCount="3"><UUID FileName="a.ome.tif">urn:uuid:2</UUID></TiffData>';
    const xml = ome(data + plane(0, "0") + plane(1, "0.25") + plane(2, "0.75"));
    writeFileSync(join(directory, "set.companion.ome"), `\ufeff${xml}`, encoding);
    const { pages } = await listPages(join(directory, "a.ome.tif"));
    const file = { directory, name: "a.ome.tif", modifiedUs: 0, version: "" };
    const times = await new CaptureTimes().of(file, pages);
    expect(elapsed(times.pages.map(({ takenAtUs }) => takenAtUs))).toEqual([0, 25e4, 75e4]);
    expect(times.pages[0]?.source).toBe("ome");
  });
});

describe("ImageJ", () => {
  it.each([
    ["finterval=0.25", [0, 25e4, 5e5, 75e4]],
    ["finterval=20\ntunit=ms", [0, 2e4, 4e4, 6e4]],
    ["frames=2\nslices=2\nfinterval=2\ntunit=min", [0, 0, 120e6, 120e6]],
    ["channels=2\nframes=2\nfinterval=1", [0, 0, 1e6, 1e6]],
  ])("counts frames by %j", (text, expected) => {
    expect(imagejPages(`ImageJ=1.53\nimages=4\n${text}\n`, 4)?.us).toEqual(expected);
  });

  it("gives no time without an interval, and none in a unit that is not known", () => {
    expect(imagejPages("ImageJ=1.53\nimages=4\nfps=7\n", 4)).toBeUndefined();
    expect(imagejPages("ImageJ=1.53\nimages=4\nfinterval=0x10\n", 4)).toBeUndefined();
    expect(imagejPages("ImageJ=1.53\nimages=4\nfinterval=2\ntunit=fortnight\n", 4)?.us).toEqual([]);
  });
});

describe("the DateTime of the first page", () => {
  const timesOf = async (description: string, chosen: (page: number) => boolean) => {
    const directory = temporaryDirectory();
    const fields = (page: number): StackField[] =>
      page > 0
        ? []
        : [
            [270, 2, textValues(description)],
            [306, 2, textValues("2023:01:02 03:04:05")],
          ];
    const pictures = [1, 2, 3, 4, 5, 6].map((seed) => grayPicture(8, 4, 8, seed));
    writeFileSync(join(directory, "a.tif"), writeStack(pictures, { fields }));
    const { pages } = await listPages(join(directory, "a.tif"));
    const file = { directory, name: "a.tif", modifiedUs: 0, version: "" };
    const times = await new CaptureTimes().of(
      file,
      pages.filter(({ index }) => chosen(index)),
    );
    return elapsed(times.pages.map(({ takenAtUs }) => takenAtUs));
  };
  const imagej = "ImageJ=1.53\nimages=6\nchannels=2\nframes=3\nfinterval=0.5\n";
  const planes = [0.5, 1, 1.5, 2, 2.5, 3].map((delta, t) => plane(t, String(delta))).join("");
  const relative = ome(`<TiffData/>${planes}`, { sizes: 'SizeZ="1" SizeC="1" SizeT="6"', date: "" });
  it.each([
    ["ImageJ", imagej, (page: number) => page % 2 === 1, [0, 5e5, 1e6]],
    ["ImageJ, later pages", imagej, (page: number) => page > 3, [1e6, 1e6]],
    ["OME-XML", relative, (page: number) => page > 3, [2e6, 25e5]],
    ["nothing else", "", (page: number) => page > 3, [4e6, 5e6]],
  ])("counts for all pages, also without the first one: %s", async (_name, description, chosen, expected) => {
    expect(await timesOf(description, chosen)).toEqual(expected);
  });
});

/** An EXIF block: DateTime in its first directory, the others in a directory of their own. */
function exif(little: boolean, first: string, own: Readonly<Record<number, string>>): Buffer {
  const fields = (tags: readonly [number, string | number][], at: number) => {
    const head = Buffer.alloc(2 + 12 * tags.length + 4);
    const put = (value: number, place: number, size: number) =>
      little ? head.writeUIntLE(value, place, size) : head.writeUIntBE(value, place, size);
    put(tags.length, 0, 2);
    const texts: Buffer[] = [];
    let end = at + head.length;
    tags.forEach(([tag, value], index) => {
      const entry = 2 + 12 * index;
      put(tag, entry, 2);
      const text = typeof value === "number" ? Buffer.alloc(0) : Buffer.from(`${value}\0`);
      put(typeof value === "number" ? 4 : 2, entry + 2, 2);
      put(typeof value === "number" ? 1 : text.length, entry + 4, 4);
      if (typeof value === "number") put(value, entry + 8, 4);
      else if (text.length <= 4) text.copy(head, entry + 8);
      else {
        put(end, entry + 8, 4);
        texts.push(text);
        end += text.length;
      }
    });
    return Buffer.concat([head, ...texts]);
  };
  const header = Buffer.from(little ? "II*\0\x08\0\0\0" : "MM\0*\0\0\0\x08", "latin1");
  const main = (place: number) =>
    fields(
      [
        [306, first],
        [34665, place],
      ],
      8,
    );
  const at = 8 + main(0).length;
  return Buffer.concat([
    header,
    main(at),
    fields(
      Object.entries(own).map(([tag, value]) => [Number(tag), value]),
      at,
    ),
  ]);
}

describe("EXIF", () => {
  const OWN = { 36867: "2023:01:02 03:04:05", 36881: "+01:00", 37521: "125" };
  const JPEG_HEAD = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0]);
  const jpeg = (block: Buffer) => {
    const segment = Buffer.alloc(10);
    segment.write("\xff\xe1", 0, "latin1");
    segment.writeUInt16BE(block.length + 8, 2);
    segment.write("Exif\0\0", 4, "latin1");
    return Buffer.concat([JPEG_HEAD, segment, block, Buffer.from([0xff, 0xda])]);
  };
  const png = (block: Buffer) => {
    const whole = Buffer.from(writePng(grayPicture(4, 4, 8, 1)));
    return Buffer.concat([whole.subarray(0, 33), pngChunk("eXIf", block), whole.subarray(33)]);
  };
  const timeIn = async (name: string, bytes: Buffer) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, name), bytes);
    const { pages, notes } = await new CaptureTimes().of({ directory, name, modifiedUs: 5, version: "" });
    const ofTime = notes.filter((note) => !note.includes("it is a JPEG"));
    return [(pages[0]?.takenAtUs ?? 0) - DATE_US, pages[0]?.source, ofTime.length];
  };

  it.each([true, false])("has the original date with fraction and zone, little endian %s", async (little) => {
    const block = exif(little, "2023:01:09 00:00:00", OWN);
    expect(await timeIn("a.jpg", jpeg(block))).toEqual([-3600e6 + 125e3, "exif", 0]);
    expect(await timeIn("a.png", png(block))).toEqual([-3600e6 + 125e3, "exif", 0]);
    expect(await timeIn("a.jpg.gz", gzipSync(jpeg(block)))).toEqual([-3600e6 + 125e3, "exif", 0]);
    expect(await timeIn("a.png.gz", gzipSync(png(block)))).toEqual([-3600e6 + 125e3, "exif", 0]);
  });

  it("without a zone is UTC and says so", async () => {
    expect(await timeIn("a.jpg", jpeg(exif(true, "2023:01:02 03:04:06", {})))).toEqual([1e6, "exif", 1]);
    expect(await timeIn("a.jpg", jpeg(exif(true, "0000:00:00 00:00:00", { 36867: "    :  :     :  :  " })))).toEqual([
      5 - DATE_US,
      "file",
      1,
    ]);
  });

  it("is read from each page of a TIFF", async () => {
    const directory = temporaryDirectory();
    const pictures = [1, 2].map((seed) => grayPicture(8, 4, 8, seed));
    const date = (page: number) => [...Buffer.from(`2023:01:02 03:04:0${5 + 3 * page}\0`)];
    writeFileSync(join(directory, "a.tif"), writeStack(pictures, { fields: (page) => [[306, 2, date(page)]] }));
    const { pages } = await listPages(join(directory, "a.tif"));
    const times = await new CaptureTimes().of({ directory, name: "a.tif", modifiedUs: 0, version: "" }, pages);
    expect(times.pages.map(({ takenAtUs, source }) => [takenAtUs - DATE_US, source])).toEqual([
      [0, "exif"],
      [3e6, "exif"],
    ]);
  });
});

it("a stack that says nothing is counted by the second up to its time of modification, and says so", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "a.tif"), writeStack([1, 2, 3].map((seed) => grayPicture(8, 4, 8, seed))));
  const { pages } = await listPages(join(directory, "a.tif"));
  const found = await new CaptureTimes().of({ directory, name: "a.tif", modifiedUs: 10e6, version: "" }, pages);
  expect(found.pages.map(({ takenAtUs, source }) => [takenAtUs, source])).toEqual(
    [8e6, 9e6, 10e6].map((us) => [us, "file"]),
  );
  expect(found.notes).toEqual([expect.stringContaining("guesses"), expect.stringContaining("1 s apart")]);
});

describe("some pages of a file", () => {
  it("have their own times, and the others contradict nothing", async () => {
    const directory = temporaryDirectory();
    const text = ome(`<TiffData/>${[0, 1, 2, 3].map((t) => plane(t, String(t * t))).join("")}`, {
      sizes: 'SizeZ="1" SizeC="1" SizeT="4"',
    });
    const fields = () => [[270, 2, [...Buffer.from(`${text}\0`)]]] as const;
    writeFileSync(
      join(directory, "a.ome.tif"),
      writeStack(
        [1, 2, 3, 4].map((seed) => grayPicture(8, 4, 8, seed)),
        { fields },
      ),
    );
    const { pages } = await listPages(join(directory, "a.ome.tif"));
    const file = { directory, name: "a.ome.tif", modifiedUs: 0, version: "" };
    const chosen = pages.filter(({ index }) => index === 1 || index === 2);
    const { pages: times, notes } = await new CaptureTimes().of(file, chosen);
    expect([elapsed(times.map(({ takenAtUs }) => takenAtUs)), notes]).toEqual([[1e6, 4e6], []]);
    writeFileSync(join(directory, "t.csv"), "file,page,elapsed\na.ome.tif,1,0\na.ome.tif,2,10\na.ome.tif,3,30\n");
    const ofTable = await new CaptureTimes({ table: join(directory, "t.csv") }).of(file, chosen);
    expect((ofTable.pages[1]?.takenAtUs ?? 0) - (ofTable.pages[0]?.takenAtUs ?? 0)).toBe(20e6);
  });
});

describe("pages without a time", () => {
  it("lie between their neighbours, or the usual step from them, and are guessed", () => {
    expect(
      filled(
        [undefined, 100, undefined, 300, 400, undefined].map((takenAtUs) =>
          takenAtUs === undefined ? undefined : ({ takenAtUs, source: "ome" } as const),
        ),
        0,
      ).map(({ takenAtUs, source }) => `${takenAtUs} ${source}`),
    ).toEqual(["0 file", "100 ome", "200 file", "300 ome", "400 ome", "500 file"]);
    expect(filled([undefined, undefined], 5e6).map(({ takenAtUs }) => takenAtUs)).toEqual([4e6, 5e6]);
  });

  it("says what is odd, for each channel of its own", () => {
    expect(oddities([1, 3, 2, 2], undefined)).toEqual([
      "the times run backwards at 1 page; phorest orders the images by time",
      "1 page has the same time as the page before",
    ]);
    const places = [0, 1, 0, 1].map((channel) => ({ channel, z: 0, position: 0 }));
    expect(oddities([1, 1, 2, 2], places)).toEqual([]);
  });
});
