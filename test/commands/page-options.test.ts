// A rule of all commands that read an image: a channel, z plane, position or page that the image does not have is wrong use. It is
// refused with what the image has, and nothing is written.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, test } from "vitest";
import { encodeFailure } from "../../src/failure/failure.ts";
import { grayPicture } from "../image/picture-writers.ts";
import { textValues, writeStack } from "../image/stack-writer.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runHere } from "./command-table.ts";

const ROIS = { image_angle: 0, ROI_A: { label: "A", flip: false, coords: [30, 30], size: [15, 37] } };
const IMAGES = {
  "stack.ome.tif": [
    6,
    '<OME><Image Name="Well A3"><Pixels DimensionOrder="XYCZT" SizeC="2" SizeT="3"><TiffData/></Pixels></Image></OME>',
  ],
  "plain.tif": [1, ""],
  "img_channel001_position000_time000000000_z000.tif": [1, ""],
} as const;
const NAMED = "img_channel001_position000_time000000000_z000.tif";

describe("an image that does not have what is chosen", () => {
  let directory: string;
  let commands: Readonly<Record<string, readonly string[]>>;
  beforeAll(() => {
    directory = temporaryDirectory();
    const at = (name: string) => join(directory, name);
    writeFileSync(at("rois.json"), JSON.stringify(ROIS));
    for (const [name, [pages, xml]] of Object.entries(IMAGES)) {
      const fields = (page: number) => (page === 0 && xml !== "" ? [[270, 2, textValues(xml)] as const] : []);
      writeFileSync(
        at(name),
        writeStack(
          Array.from({ length: pages }, () => grayPicture(60, 60, 8, 1)),
          { fields },
        ),
      );
    }
    commands = {
      "check-rois": ["--rois", at("rois.json"), "--out", at("out.png")],
      calibrate: ["--out", at("out.png")],
      analyse: ["--rois", at("rois.json"), "--out", at("out.png")],
    };
  });

  const ONE = ["check-rois", "calibrate"];
  const ALL = [...ONE, "analyse"];
  it.each([
    [ALL, "stack.ome.tif --channel 5", /(?:it has no|no image is of) channel 5, only (?:of )?channels 0 and 1 /],
    [ALL, "stack.ome.tif --z 1", /z plane 1, only (?:of )?z plane 0 /],
    [ALL, "stack.ome.tif --position 3", /position 3, only (?:of )?position 0/],
    [ALL, "stack.ome.tif --position nowhere", /position "nowhere", .*Well A3/],
    [ONE, "stack.ome.tif --page 9", /--page 9: .* has 6 pages$/],
    [ONE, "stack.ome.tif --page 1 --channel 1", /--page 1 is of channel 0, not of channel 1 \(give only one of/],
    [ONE, "stack.ome.tif --page 2 --position nowhere", /position "nowhere"/],
    [ONE, "plain.tif --page 2", /--page 2: .* has only one image$/],
    [
      ALL,
      "plain.tif --channel 1",
      /plain\.tif: the image does not say which channel it is of \(leave --channel \(Camera\.channel\) out\)/,
    ],
    [ALL, "plain.tif --position Pos1", /plain\.tif: the image does not say which position it is of/],
    [ALL, `${NAMED} --channel 0`, /no image is of channel 0, only of channel 1 /],
    [ONE, "rois.json --channel 1", /rois\.json: not an image/],
  ])("%j refuse %s", async (names, words, refusal) => {
    const [image = "", ...options] = words.split(" ");
    for (const name of names) {
      const { failure, stderr, stdout } = await runHere([
        name,
        join(directory, image),
        ...(commands[name] ?? []),
        ...options,
      ]);
      expect(stderr.trimEnd().split("\n").at(-1), name).toMatch(refusal);
      if (image !== "rois.json") expect(encodeFailure(failure).code, name).toBe("usage.invalid");
      expect(stdout, name).toBe("");
    }
    expect(existsSync(join(directory, "out.png"))).toBe(false);
  });

  it("is measured or drawn if page and channel agree", async () => {
    for (const words of ["stack.ome.tif --page 2 --channel 1", "plain.tif --channel 0", `${NAMED} --channel 1`]) {
      const [image = "", ...options] = words.split(" ");
      const out = ["--rois", join(directory, "rois.json"), "--out", join(directory, "drawn.png")];
      expect((await runHere(["check-rois", join(directory, image), ...out, ...options])).stderr, words).toMatch(
        /drew 1 ROI/,
      );
    }
  });

  it("is refused by its page number where FILE#PAGE names it", async () => {
    const stack = join(directory, "stack.ome.tif");
    const { failure, stderr } = await runHere(["diff", `${stack}#1`, `${stack}#7`]);
    expect(stderr).toMatch(/#7: .* has 6 pages$/m);
    expect(encodeFailure(failure).code).toBe("usage.invalid");
  });
});

test("options that choose a page need an image", async () => {
  const keep = ["check-rois", "--keep", "A"];
  for (const words of [keep, ["calibrate", "--from", "run"]])
    for (const option of ["--page", "--channel", "--z", "--position"])
      expect((await runHere([...words, option, "1"])).stderr).toBe(`${option} needs an image file\n`);
});
