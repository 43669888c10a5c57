// From a picture to ROIs that can be written, in whichever way: for the command line and the page alike.
import { resolve } from "node:path";
import type { Chip } from "../chip/chip.ts";
import { Failure } from "../failure/failure.ts";
import type { Picture } from "../image/picture.ts";
import { type RoiManifest, readRoiManifest } from "../measurement/roi.ts";
import { locateByFeatures } from "./by-features.ts";
import { type Anchor, locateByAnchors } from "./from-anchors.ts";
import { readLabelPictures } from "./label-pictures.ts";
import { LabelPatterns } from "./label-search.ts";
import { type Doubtful, locateChip, type Search } from "./locate.ts";
import { type CalibrationFiles, describeCalibration } from "./report.ts";
import { View } from "./view.ts";

/** How the chip is found: by itself, by places of gratings and labels, or by places of printed labels alone. */
export type Way =
  | { readonly type: "auto" }
  | { readonly type: "anchors"; readonly anchors: readonly Anchor[] }
  | { readonly type: "features"; readonly places: readonly Anchor[] };

/** A calibration that can be written, with the picture it was made on; or why there is none. */
export type Calibration = { readonly view: View; readonly described: CalibrationFiles } | { readonly doubt: Doubtful };

const SMALLEST_PX = 100;

/**
 * Finds one of the chips in the picture and lays out its ROIs; `where` names the picture in what is said of it, `before` are the
 * ROIs of the experiment until now.
 * Failure usage.invalid for a picture that is too small and for unknown labels, calibration.uncertain when no ROI is in
 * view.
 */
export function calibratePicture(
  picture: Picture,
  where: string,
  chips: readonly Chip[],
  patterns: LabelPatterns,
  way: Way,
  before?: RoiManifest,
): Calibration {
  if (Math.min(picture.width, picture.height) < SMALLEST_PX) {
    const size = `${picture.width} x ${picture.height} px`;
    throw new Failure("usage.invalid", `${where}: ${size} is too small to show a chip`);
  }
  const search = locate(picture, chips, patterns, way);
  if ("doubt" in search) return search;
  const view = new View(picture);
  const described = describeCalibration(view, patterns, search.found, before);
  if (described.layout.rois.length === 0) {
    const reasons = described.summary.dropped.map(({ reason }) => reason).join("; ");
    throw new Failure("calibration.uncertain", `${where}: the chip was found, but no ROI is visible: ${reasons}`);
  }
  return { view, described };
}

function locate(picture: Picture, chips: readonly Chip[], patterns: LabelPatterns, way: Way): Search {
  switch (way.type) {
    case "auto":
      return locateChip(picture, chips, patterns);
    case "anchors":
      return locateByAnchors(picture, chips, way.anchors, patterns);
    case "features":
      return locateByFeatures(picture, chips[0] as Chip, way.places, patterns);
    default:
      return way satisfies never;
  }
}

/** The ROIs that an experiment measures now; undefined where it has none that can be read: these are about to be replaced. */
export async function roisUntilNow(path: string): Promise<RoiManifest | undefined> {
  try {
    return await readRoiManifest(path);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** The labels as drawn, or as the pictures of an existing installation show them, which belong to one chip. */
export async function labelPatterns(directory: string | undefined, chips: readonly Chip[]): Promise<LabelPatterns> {
  const [only] = chips;
  const own = directory !== undefined && only !== undefined && chips.length === 1;
  return new LabelPatterns(own ? await readLabelPictures(resolve(directory), only) : new Map());
}

/** Why the chip was not found, and what was seen of it, in words. */
export function uncertaintyText({ reason, lattice }: Doubtful): string {
  if (lattice === undefined) return reason;
  const { chipType, pxPerUm, angleDegrees } = lattice;
  const rest = angleDegrees - 90 * Math.round(angleDegrees / 90);
  return (
    `${reason}; found: a lattice like that of ${chipType}, ${pxPerUm.toFixed(4)} px/µm, ` +
    `rotated by ${rest.toFixed(2)} degrees, or by this plus quarter turns`
  );
}
