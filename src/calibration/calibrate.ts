// Calibrates a picture: finds the chip in any of the supported ways and lays out its ROIs, for the command line and the page.
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

/** How the chip is found: automatically, from places of gratings and labels, or from places of printed labels alone. */
export type Way =
  | { readonly type: "auto" }
  | { readonly type: "anchors"; readonly anchors: readonly Anchor[] }
  | { readonly type: "features"; readonly places: readonly Anchor[] };

/** A calibration that can be written, with the picture it was made on, or the reason why there is none. */
export type Calibration = { readonly view: View; readonly described: CalibrationFiles } | { readonly doubt: Doubtful };

const SMALLEST_PX = 100;

/**
 * Finds one of the chips in the picture and lays out its ROIs. `where` names the picture in messages; `before` are the previous
 * ROIs of the experiment. Failure usage.invalid for a picture that is too small and for unknown labels, calibration.uncertain
 * if no ROI is in view.
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

/**
 * Returns the current ROIs of an experiment; undefined if there are none that can be read. That is no error, because they are
 * about to be replaced.
 */
export async function roisUntilNow(path: string): Promise<RoiManifest | undefined> {
  try {
    return await readRoiManifest(path);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Returns the label patterns: drawn ones, or the pictures of an existing installation, which belong to one chip. */
export async function labelPatterns(directory: string | undefined, chips: readonly Chip[]): Promise<LabelPatterns> {
  const [only] = chips;
  const own = directory !== undefined && only !== undefined && chips.length === 1;
  return new LabelPatterns(own ? await readLabelPictures(resolve(directory), only) : new Map());
}

/** Returns a text that says why the chip was not found, and what was seen of it. */
export function uncertaintyText({ reason, lattice }: Doubtful): string {
  if (lattice === undefined) return reason;
  const { chipType, pxPerUm, angleDegrees } = lattice;
  const rest = angleDegrees - 90 * Math.round(angleDegrees / 90);
  return (
    `${reason}; found: a lattice like that of ${chipType}, ${pxPerUm.toFixed(4)} px/µm, ` +
    `rotated by ${rest.toFixed(2)} degrees, or by this plus quarter turns`
  );
}
