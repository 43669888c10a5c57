// Writes the results of a calibration: the established ROI manifest, a file with everything measured, two pictures to judge it
// by, and a summary.
import { join } from "node:path";
import { analysePicture } from "../analysis/resonance.ts";
import { drawRois } from "../figures/roi-picture.ts";
import { type FrameResult, flagNames } from "../measurement/method.ts";
import { formatRoiManifest, parseRoiManifest, type Roi, type RoiManifest } from "../measurement/roi.ts";
import { ensureDirectory, sweepPartials, writeTogether } from "../system/files.ts";
import { edgeWidth } from "./edge-width.ts";
import type { LabelPatterns } from "./label-search.ts";
import type { Located } from "./locate.ts";
import { direction, type Pose, toAligned } from "./pose.ts";
import { LEAST_LIKENESS, MOST_OFF_PX, mostOffPx } from "./refine.ts";
import { layOutRois, type RoiLayout } from "./roi-layout.ts";
import type { View } from "./view.ts";

/** The summary of a calibration; lengths in px of the picture. */
export interface CalibrationSummary {
  readonly chip_type: string;
  /** Degrees; the established orientation is 0, not mirrored. */
  readonly image_angle: number;
  readonly mirrored: boolean;
  readonly orientation: string;
  readonly px_per_um: number;
  /**
   * Position of the chip's origin in the aligned picture: aligned = offset + px_per_um · chip (y of the chip negated if
   * mirrored).
   */
  readonly offset: readonly [x: number, y: number];
  readonly label_residual_px: number | null;
  readonly edge_residual_px: number | null;
  /** Standard deviation of the least certain corner of a grating in view; null without labels. */
  readonly corner_uncertainty_px: number | null;
  /** Advantage over the next best identity; null if it was given by hand. */
  readonly margin: number | null;
  readonly labels: readonly LabelSummary[];
  readonly labels_not_agreeing: readonly string[];
  /** Labels covered by something far brighter than the chip, such as boxes drawn into a picture. */
  readonly labels_covered: readonly string[];
  /** Common shift of all labels against the gratings, along the chip's axes in the picture. */
  readonly label_shift_px: readonly [x: number, y: number];
  /** How much lower the gratings are than their boxes, equally above and below; and how much narrower, if that is visible. */
  readonly grating_inset_px: readonly [x: number, y: number];
  readonly rois: number;
  readonly dropped: RoiLayout["dropped"];
  readonly without_resonance: readonly string[];
  readonly saturated: readonly string[];
  /** Width of the light's rise at the edge of a printed stroke; null if no label is in view. */
  readonly edge_width_px: number | null;
  /** Notes for the user. */
  readonly notes: readonly string[];
}

interface LabelSummary {
  readonly label: string;
  /** Centre of the label in the picture. */
  readonly found_at: readonly [x: number, y: number];
  readonly likeness: number;
  readonly used: boolean;
}

export interface CalibrationFiles {
  readonly summary: CalibrationSummary;
  readonly layout: RoiLayout;
  readonly located: Located;
}

/** Lays out the ROIs and computes the summary; `before` are the previous ROIs of the same experiment. */
export function describeCalibration(
  view: View,
  patterns: LabelPatterns,
  located: Located,
  before?: RoiManifest,
): CalibrationFiles {
  const { picture } = view;
  const { chip, pose, labels, used, outliers, covered } = located;
  const [insetY = 0, insetX = 0, shiftX = 0, shiftY = 0] = located.deviations;
  const layout = layOutRois(view, chip, pose, before);
  const flags = layout.rois.length === 0 ? undefined : measured(view, layout);
  const flagged = (...names: string[]) =>
    layout.rois
      .filter((_, i) => flagNames(flags?.flags[i] ?? 0).some((flag) => names.includes(flag)))
      .map(({ label }) => label);
  const origin = toAligned(pose, picture, { x: 0, y: 0, width: 0, height: 0 });
  const notes: string[] = [];
  if (pose.mirrored) notes.push("the image is mirrored compared to those of the established cameras");
  if (layout.halvesExchanged) notes.push("_N is the lower half in the aligned image, as in established images");
  const few = used.length < 2;
  if (few)
    notes.push(
      `only ${used.length} labels are visible, so the position along the rows comes from the edges of the gratings`,
    );
  if (covered.length > 0) notes.push(`labels ${covered.join(", ")} are covered and were not used`);
  if (located.anchorsOffPx !== undefined)
    notes.push(`the named positions are up to ${located.anchorsOffPx.toFixed(0)} px away from the positions found`);
  const off = mostOffPx(located);
  if (Number.isFinite(off) && off > MOST_OFF_PX)
    notes.push(`positions of gratings may be off by about ${off.toFixed(1)} px, because little of the chip is visible`);
  const summary: CalibrationSummary = {
    chip_type: chip.type,
    image_angle: layout.imageAngle,
    mirrored: pose.mirrored,
    orientation: orientationOf(pose),
    px_per_um: rounded(pose.pxPerUm, 6),
    offset: [rounded(origin.x, 2), rounded(origin.y, 2)],
    label_residual_px: orNull(located.labelResidualPx),
    edge_residual_px: orNull(located.edgeResidualPx),
    corner_uncertainty_px: orNull(located.openPx),
    margin: orNull(located.margin),
    labels: labels.map(({ label, picture: at, likeness }) => {
      return {
        label: label.label,
        found_at: [rounded(at.x, 2), rounded(at.y, 2)],
        likeness: rounded(likeness, 3),
        used: used.some((one) => one.label === label),
      };
    }),
    labels_not_agreeing: outliers,
    labels_covered: covered,
    label_shift_px: [rounded(shiftX, 3), rounded(shiftY, 3)],
    grating_inset_px: [rounded(insetX, 3), rounded(insetY, 3)],
    rois: layout.rois.length,
    dropped: layout.dropped,
    without_resonance: flagged("low_contrast", "not_converged"),
    saturated: flagged("saturated"),
    edge_width_px: orNull(edgeWidth(view, patterns, pose, used)),
    notes,
  };
  return { summary, layout, located };
}

/** Age after which a temporary file counts as abandoned, ms; a newer one may belong to another calibration. */
const ABANDONED_MS = 600_000;

/**
 * Writes the four files of a calibration into `directory`, all or none, the ROI manifest last; `manifestName` is that
 * file's name. Returns their paths.
 */
export async function writeCalibration(
  view: View,
  { summary, layout, located }: CalibrationFiles,
  directory: string,
  manifestName: string,
): Promise<string[]> {
  const manifest = formatRoiManifest(layout);
  const doubtful = new Set([...summary.without_resonance, ...summary.saturated]);
  const labels = labelBoxes(view, located);
  const unseen = new Set(summary.labels.filter(({ used }) => !used).map(({ label }) => label));
  const files: [string, string | Uint8Array][] = [
    ["Grating_locations.png", await drawRois(view.picture, layout, doubtful)],
    [
      "Label_locations.png",
      await drawRois(view.picture, { imageAngle: layout.imageAngle, rois: labels }, unseen, "above"),
    ],
    ["CalculatedImageFeatures.json", `${JSON.stringify(summary, null, 1)}\n`],
    [manifestName, manifest],
  ];
  await ensureDirectory(directory);
  sweepPartials(directory, ABANDONED_MS);
  const paths = files.map(([name, bytes]): [string, string | Uint8Array] => [join(directory, name), bytes]);
  await writeTogether(paths);
  return paths.map(([path]) => path);
}

/** Returns the labels in view as boxes of the aligned picture, where they were found. */
export function labelBoxes(view: View, { pose, labels }: Located): Roi[] {
  const { lens: _, ...straight } = pose;
  return labels.map(({ label, picture, likeness }) => {
    const expected = toAligned(pose, view.picture, label);
    const middle = toAligned({ ...straight, x: picture.x, y: picture.y }, view.picture, {
      x: 0,
      y: 0,
      width: 0,
      height: 0,
    });
    const found = likeness >= LEAST_LIKENESS;
    const [width, height] = [Math.round(expected.width), Math.round(expected.height)];
    const x = Math.round(found ? middle.x - expected.width / 2 : expected.x);
    const y = Math.round(found ? middle.y - expected.height / 2 : expected.y);
    return { label: label.label, flip: false, x, y, width, height };
  });
}

function measured(view: View, layout: RoiLayout): FrameResult {
  const settings = {
    method: "gaussian",
    subRois: 10,
    sampling: "precise",
    bitDepthScaling: "fixed",
    debug: false,
  } as const;
  return analysePicture(view.picture, parseRoiManifest(formatRoiManifest(layout), "the new ROI manifest"), settings);
}

/**
 * Describes the orientation of the chip in words, relative to a picture in which the printed labels can be read. Established
 * cameras flip it top to bottom: that is the usual picture.
 */
export function orientationOf(pose: Pick<Pose, "angleDegrees" | "mirrored">): string {
  const { x, y } = direction(pose, { x: 1, y: 0 });
  const onItsSide = Math.abs(y) > Math.abs(x);
  const turned = onItsSide ? `turned by 90° ${y < 0 ? "counterclockwise" : "clockwise"}` : undefined;
  if (pose.mirrored) return turned ?? (x > 0 ? "upright" : "turned by 180°");
  if (turned !== undefined) return `flipped top to bottom, then ${turned}`;
  return x > 0 ? "flipped top to bottom" : "flipped left to right";
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function orNull(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : rounded(value, 3);
}
