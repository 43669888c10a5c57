// Metadata that say something else than the file they are about, or that say nothing of the time: each is named in a line.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { framesOf } from "../../../src/analysis/frames.ts";
import { CaptureTimes } from "../../../src/image/times/capture-times.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { grayPicture } from "../picture-writers.ts";
import { type StackField, textValues, writeStack } from "../stack-writer.ts";

const [WIDTH, HEIGHT] = [30, 20];
const USE = "phorest uses the times: check that they are of this series";

const stack = (pages: number, fields?: (page: number) => StackField[]) =>
  writeStack(
    Array.from({ length: pages }, () => grayPicture(WIDTH, HEIGHT, 16, 1)),
    fields === undefined ? {} : { fields },
  );

/** The lines about files, and where their times are from. */
async function told(paths: readonly string[]) {
  const lines: string[] = [];
  const frames = await framesOf(paths, {}, new CaptureTimes(), (line) => lines.push(line));
  return { lines, sources: frames.map(({ timeSource }) => timeSource) };
}

async function ofOme(pixels: string, pages = 3) {
  const path = join(temporaryDirectory(), "series.ome.tif");
  const plane = (t: number) => `<Plane TheC="0" TheZ="0" TheT="${t}" DeltaT="${t}"/>`;
  const xml =
    `<OME><Image ID="Image:0"><AcquisitionDate>2026-03-04T10:00:00Z</AcquisitionDate><Pixels DimensionOrder="XYCZT" SizeC="1" SizeZ="1" ` +
    `${pixels}><TiffData/>${Array.from({ length: pages }, (_, t) => plane(t)).join("")}</Pixels></Image></OME>`;
  writeFileSync(
    path,
    stack(pages, (page) => (page === 0 ? [[270, 2, textValues(xml)]] : [])),
  );
  const { lines } = await told([path]);
  return lines.map((line) => line.replace("series.ome.tif: ", ""));
}

describe("OME-XML", () => {
  const size = `SizeX="${WIDTH}" SizeY="${HEIGHT}"`;
  it.each([
    [`${size} SizeT="3" Type="uint16"`, []],
    [`${size} SizeT="3"`, []],
    [`${size} SizeT="3" Type="complex"`, []],
    [`${size} SizeT="3" Type="uint8"`, [`the OME-XML says pixels of type uint8, but the image has uint16; ${USE}`]],
    [`${size} SizeT="3" Type="int16"`, [`the OME-XML says pixels of type int16, but the image has uint16; ${USE}`]],
    [`${size} SizeT="3" Type="float"`, [`the OME-XML says pixels of type float, but the image has uint16; ${USE}`]],
    [`SizeX="64" SizeY="20" SizeT="3"`, [`the OME-XML says 64 × 20 px, but the image has 30 × 20 px; ${USE}`]],
    [`${size} SizeT="5"`, ["the OME-XML describes 5 images, the file has 3"]],
    [`${size} SizeT="2"`, [expect.stringMatching(/^the OME-XML says nothing about 1 page of 3: 3/), expect.anything()]],
  ])("with %s", async (pixels, lines) => {
    expect(await ofOme(pixels)).toEqual(lines);
  });
});

describe("metadata.txt", () => {
  const nameOf = (frame: number) => `img_${String(frame).padStart(9, "0")}_Default_000.tif`;
  const at = (frame: number) => ({ "ElapsedTime-ms": 100 * frame, ReceivedTime: "2026-03-04 10:00:00.000 +0000" });

  async function ofMetadata(members: Readonly<Record<string, unknown>>, frames = 3) {
    const directory = join(temporaryDirectory(), "Pos0");
    mkdirSync(directory);
    const paths = Array.from({ length: frames }, (_, frame) => join(directory, nameOf(frame)));
    for (const path of paths) writeFileSync(path, stack(1));
    writeFileSync(join(directory, "metadata.txt"), JSON.stringify(members));
    const times = await told(paths);
    return { ...times, lines: times.lines.map((line) => line.replace(`${nameOf(0)}: `, "")) };
  }
  const images = (count: number, one: (frame: number) => object) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, frame) => [
        `Metadata-Pos0/${nameOf(frame)}`,
        { FileName: `Pos0/${nameOf(frame)}`, FrameIndex: frame, Width: WIDTH, Height: HEIGHT, ...one(frame) },
      ]),
    );

  it("without any time is named, and the next source counts", async () => {
    const { lines, sources } = await ofMetadata({ Summary: {}, ...images(3, () => ({})) });
    expect(sources).toEqual(["file", "file", "file"]);
    expect(lines).toEqual([
      "metadata.txt has no time for any of the 3 images that it describes; phorest takes the times from the next source",
      expect.stringMatching(/^no capture time found; phorest guesses it from the time of modification/),
    ]);
  });

  it("without some times is named with an example, and these are guessed", async () => {
    const { lines, sources } = await ofMetadata(images(3, (frame) => (frame === 1 ? {} : at(frame))));
    expect(sources).toEqual(["micro-manager", "file", "micro-manager"]);
    expect(lines).toContain(
      `metadata.txt has no time for 1 image, for example ${nameOf(1)}; phorest guesses it from the others`,
    );
  });

  it.each(["GRAY8", "GRAY16", "RGB32"])("with pixels of %s in 16-bit files", async (PixelType) => {
    const { lines } = await ofMetadata(images(3, (frame) => ({ ...at(frame), PixelType })));
    expect(lines.filter((line) => line.includes("type"))).toEqual(
      PixelType === "GRAY8" ? [`metadata.txt says pixels of type uint8, but the image has uint16; ${USE}`] : [],
    );
  });
});
