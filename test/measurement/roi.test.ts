import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Failure } from "../../src/failure/failure.ts";
import { formatRoiManifest, parseRoiManifest, readRoiManifest } from "../../src/measurement/roi.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const ONE = { label: "130A_N", flip: true, coords: [12, 34], size: [74, 181] };
const manifest = (changes: object) => JSON.stringify({ ROI_130A_N: { ...ONE, ...changes }, image_angle: -0.2 });

describe("a good ROI manifest", () => {
  it("is read as angle and rectangles, keys without ROI left alone", () => {
    const text = JSON.stringify({
      chip: "x",
      ROI_130A_N: ONE,
      my_ROI: { ...ONE, label: "b", flip: false },
      image_angle: 0,
    });
    const { imageAngle, rois, json } = parseRoiManifest(text, "m.json");
    expect(imageAngle).toBe(0);
    expect(rois).toEqual([
      { label: "130A_N", flip: true, y: 12, x: 34, height: 74, width: 181 },
      { label: "b", flip: false, y: 12, x: 34, height: 74, width: 181 },
    ]);
    expect(json).toBe(text);
  });

  it("is written in the established form and read back the same", () => {
    const rois = [{ label: "130A_N", flip: true, y: 12, x: 34, height: 74, width: 181 }];
    const text = formatRoiManifest({ imageAngle: -0.2, rois });
    expect(JSON.parse(text)).toEqual({ ROI_130A_N: ONE, image_angle: -0.2 });
    expect(text.startsWith('{\n "ROI_130A_N": {\n  "label": "130A_N",\n  "flip": true,\n  "coords": [\n   12,')).toBe(
      true,
    );
    expect(parseRoiManifest(text, "m").rois).toEqual(rois);
  });

  it("has a hash of its content, whatever its spelling", () => {
    const spaced = JSON.stringify(JSON.parse(manifest({})), null, 4);
    expect(parseRoiManifest(spaced, "a").sha256).toBe(parseRoiManifest(manifest({}), "b").sha256);
    expect(parseRoiManifest(manifest({ flip: false }), "c").sha256).not.toBe(parseRoiManifest(spaced, "a").sha256);
  });
});

describe("a bad ROI manifest is refused with the ROI and the field", () => {
  it.each([
    ["text", "these are no ROIs", /not JSON/],
    ["a list", "[]", /expected one JSON object/],
    ["no ROI at all", '{"image_angle": 0}', /no ROI in it/],
    [
      "no angle",
      JSON.stringify({ ROI_130A_N: ONE }),
      /image_angle: expected degrees as a number, -360 to 360, got nothing/,
    ],
    ["an angle of more than a turn", JSON.stringify({ ROI_130A_N: ONE, image_angle: 400 }), /image_angle: .*got 400/],
    ["zero size", manifest({ size: [0, 181] }), /ROI_130A_N\.size: .* got \[0,181\]/],
    ["negative size", manifest({ size: [74, -1] }), /ROI_130A_N\.size/],
    ["size missing", manifest({ size: undefined }), /ROI_130A_N\.size: .* got nothing/],
    ["half pixels", manifest({ coords: [1.5, 2] }), /ROI_130A_N\.coords/],
    ["coordinates as text", manifest({ coords: ["1", "2"] }), /ROI_130A_N\.coords/],
    ["flip as text", manifest({ flip: "yes" }), /ROI_130A_N\.flip: expected true or false, got "yes"/],
    ["label missing", manifest({ label: 7 }), /ROI_130A_N\.label: expected a name, got 7/],
    ["an ROI that is a number", '{"ROI_a": 3, "image_angle": 0}', /ROI_a: expected an object, got 3/],
    [
      "two ROIs of one label",
      JSON.stringify({ ROI_1: ONE, ROI_2: ONE, image_angle: 0 }),
      /label "130A_N" is used by two ROIs/,
    ],
    [
      "one key twice",
      `{"ROI_1": ${JSON.stringify(ONE)}, "ROI_1": ${JSON.stringify(ONE)}, "image_angle": 0}`,
      /"ROI_1" appears twice/,
    ],
  ])("%s", (_, text, expected) => {
    try {
      parseRoiManifest(text, "lab/ROI_manifest.json");
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      const failure = error as Failure;
      expect(failure.code).toBe("rois.invalid");
      expect(failure.message).toMatch(expected);
      expect(failure.message).toContain("lab/ROI_manifest.json: ");
      expect(failure.hint).toBeTruthy();
      return;
    }
    expect.fail("was accepted");
  });

  it("a missing file is told from a bad one", async () => {
    const directory = temporaryDirectory("phorest-roi-");
    await expect(readRoiManifest(join(directory, "none.json"))).rejects.toMatchObject({ code: "rois.missing" });
    const path = join(directory, "bad.json");
    writeFileSync(path, "{");
    await expect(readRoiManifest(path)).rejects.toMatchObject({ code: "rois.invalid" });
  });
});
