// A series of pictures of one ROI, measured by tracking as a run does it: the first ones make the reference.

import { type AnalysisSettings, methodSettings } from "../../src/analysis/settings.ts";
import { emptyReference, trackPicture } from "../../src/analysis/tracking.ts";
import type { Picture } from "../../src/image/picture.ts";
import type { RoiManifest } from "../../src/measurement/roi.ts";

const REFERENCES = 16;

export const trackingSettings = (
  darkLevel: AnalysisSettings["darkLevel"],
  bitDepthScaling: AnalysisSettings["bitDepthScaling"] = "stretch",
): AnalysisSettings => ({
  ...methodSettings("tracking", { subRois: 0, jointLine: "gaussian", referenceFrames: REFERENCES, darkLevel }),
  sampling: "precise",
  bitDepthScaling,
  debug: false,
});

export interface Followed {
  /** px, from the mean of the reference's frames. */
  readonly shift: number;
  readonly claimed: number;
  readonly flags: number;
}

/** `frames` frames after those of the reference; `nth` counts from 0 in either part. */
export function followed(
  rois: RoiManifest,
  settings: AnalysisSettings,
  frames: number,
  pictureOf: (isReference: boolean, nth: number) => Picture,
): Followed[] {
  let reference = emptyReference(rois);
  let start = 0;
  for (let nth = 0; nth < REFERENCES; nth++) {
    const { result, reference: grown } = trackPicture(pictureOf(true, nth), rois, settings, reference);
    start += (result.position[0] as number) / REFERENCES;
    reference = grown ?? reference;
  }
  return Array.from({ length: frames }, (_, nth) => {
    const { result } = trackPicture(pictureOf(false, nth), rois, settings, reference);
    return {
      shift: (result.position[0] as number) - start,
      claimed: result.standardError[0] as number,
      flags: result.flags[0] as number,
    };
  });
}
