// Positions against the truth the pictures were made from: the standard error must be the size of the real error.
import { describe, expect, it } from "vitest";
import { analysePicture } from "../../src/analysis/resonance.ts";
import { decodePicture } from "../../src/image/decode.ts";
import { flagNames } from "../../src/measurement/method.ts";
import { readRoiManifest } from "../../src/measurement/roi.ts";
import { medianOf } from "../../src/measurement/statistics.ts";
import { establishedPictures } from "./established-picture.ts";

interface Truth {
  readonly resonance_median: number;
}

const { pictures } = establishedPictures();
const trials = pictures.flatMap((picture) => [0, 10].map((subRois) => ({ id: picture.id, picture, subRois })));

describe("fano positions", () => {
  it.each(trials)("of $id ($subRois sub-ROIs) err by about their standard errors", async ({ id, picture, subRois }) => {
    const truth: Record<string, Truth> = JSON.parse(Buffer.from(picture.bytes("truth.json") ?? []).toString("utf8"));
    const rois = await readRoiManifest(picture.manifestPath);
    const settings = {
      method: "fano",
      subRois,
      sampling: "precise",
      bitDepthScaling: "stretch",
      debug: false,
    } as const;
    const result = analysePicture(await decodePicture(picture.path), rois, settings);
    const errors = rois.rois.map(
      ({ label }, roi) => (result.position[roi] ?? Number.NaN) - (truth[label]?.resonance_median ?? Number.NaN),
    );
    const inErrors = Float64Array.from(errors, (error, roi) => error / (result.standardError[roi] ?? Number.NaN));
    const rms = (values: Iterable<number>) =>
      Math.sqrt(Array.from(values, (value) => value ** 2).reduce((sum, square) => sum + square, 0) / errors.length);
    console.info(
      `${id} fano/${subRois}: error ${rms(errors).toFixed(3)} px rms, ${rms(inErrors).toFixed(2)} standard errors rms, typical standard error ${medianOf(result.standardError).toFixed(3)} px`,
    );
    expect(rms(inErrors)).toBeGreaterThan(0.6);
    expect(rms(inErrors)).toBeLessThan(1.25);
    // Clipped pixels are all that may be wrong with these bands.
    expect(
      Array.from(result.flags, flagNames)
        .flat()
        .filter((flag) => flag !== "saturated"),
    ).toEqual([]);
  });
});
