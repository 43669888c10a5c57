// Computes the ROIs from the pose of a chip: which halves of gratings are completely in view, their labels, and why others were
// left out.
import { samplePatches } from "../analysis/correlate.ts";
import type { Chip, Grating, GratingHalf } from "../chip/chip.ts";
import { gratingHalves } from "../chip/layout.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";
import { upperMedian } from "../measurement/statistics.ts";
import { direction, fromAligned, type Point, type Pose, toAligned, toPicture, wrapDegrees } from "./pose.ts";
import type { View } from "./view.ts";

/** Gratings without ROIs and the reason. */
interface Dropped {
  readonly reason: string;
  readonly gratings: readonly string[];
}

export interface RoiLayout extends Pick<RoiManifest, "imageAngle" | "rois"> {
  readonly dropped: readonly Dropped[];
  /**
   * Whether the halves of a mirrored chip exchange their names, because `_N` is the lower half in the aligned picture. They do
   * not if the bands show that the bow-ties are mirrored too: then the upper half is the one to be reversed.
   */
  readonly halvesExchanged: boolean;
}

/** Distance of ROIs from the edge of the picture, so that interpolation at their edges stays inside too. */
const MARGIN_PX = 2;

/**
 * Returns the ROIs of a chip, with edges rounded to whole px, so that rounding moves a corner by at most half a pixel and
 * halves meet. A grating gets all of its ROIs or none. Halves are named as in `before`, the previous ROIs of the same chip,
 * because bands could decide differently from one picture to the next.
 */
export function layOutRois(
  view: View,
  chip: Chip,
  pose: Pose,
  before?: Pick<RoiManifest, "imageAngle" | "rois">,
): RoiLayout {
  const { width, height } = view.picture;
  const open = pose.mirrored && chip.halves === "rows";
  const halvesExchanged = open && (lowerWasN(before, pose) ?? !bowTiesMirrored(view, chip, pose));
  const halves = gratingHalves(chip);
  const outside = new Set<string>();
  const cut = new Set<string>();
  const placed = halves.map((half): Roi => {
    const box = toAligned(pose, { width, height }, halvesExchanged ? otherHalf(halves, half) : half);
    const [x, y] = [Math.round(box.x), Math.round(box.y)];
    const size = { height: Math.round(box.y + box.height) - y, width: Math.round(box.x + box.width) - x };
    const roi = { label: half.label, flip: half.flip, y, x, ...size };
    if (roi.height < 1 || roi.width < 1) outside.add(half.grating);
    const within = ({ x, y }: Point) =>
      x >= MARGIN_PX && y >= MARGIN_PX && x <= width - MARGIN_PX && y <= height - MARGIN_PX;
    const corners = [roi.x, roi.x + roi.width].flatMap((x) => [roi.y, roi.y + roi.height].map((y) => ({ x, y })));
    if (!corners.every((corner) => within(fromAligned(pose.angleDegrees, view.picture, corner))))
      outside.add(half.grating);
    else if (!corners.every(within)) cut.add(half.grating);
    return roi;
  });
  const rois = placed.filter((_, i) => !outside.has(halves[i]?.grating ?? "") && !cut.has(halves[i]?.grating ?? ""));
  const dropped = [
    { reason: "not completely in the image", gratings: [...outside] },
    {
      reason: "outside the image after rotating it upright; set Camera.camera_transform so that images are upright",
      gratings: [...cut].filter((grating) => !outside.has(grating)),
    },
  ].filter(({ gratings }) => gratings.length > 0);
  return { imageAngle: Number(pose.angleDegrees.toFixed(5)), rois, dropped, halvesExchanged };
}

function otherHalf(halves: readonly GratingHalf[], half: GratingHalf): GratingHalf {
  return halves.find((one) => one.grating === half.grating && one.flip !== half.flip) ?? half;
}

/** A chip rotated by more than this, degrees, has been inserted again. */
const SAME_WAY_UP = 45;

/**
 * Whether `_N` was the lower half of gratings; undefined if the previous ROIs do not show it for a chip in this orientation.
 */
function lowerWasN(before: Pick<RoiManifest, "imageAngle" | "rois"> | undefined, pose: Pose): boolean | undefined {
  if (before === undefined || Math.abs(wrapDegrees(before.imageAngle - pose.angleDegrees)) > SAME_WAY_UP)
    return undefined;
  const upper = new Map(before.rois.filter(({ flip }) => !flip).map(({ label, y }) => [label, y]));
  const pairs = before.rois.flatMap(({ label, y }) => {
    const other = label.endsWith("_N") ? upper.get(`${label.slice(0, -1)}S`) : undefined;
    return other === undefined ? [] : [y > other];
  });
  return pairs.length === 0 ? undefined : 2 * pairs.filter(Boolean).length > pairs.length;
}

/**
 * Minimum shift of bands between the halves of a grating, as a share of its width, to distinguish the halves: for bands near
 * the middle of their halves it shows the effect of the sample, not which half is which.
 */
const LEAST_SHIFT = 0.075;
/** The same in standard deviations of the mean shift. */
const LEAST_SIGNIFICANCE = 2.5;

/** Whether bands are clearly further right in the halves that the chip file calls lower, as on a chip seen unmirrored. */
function bowTiesMirrored(view: View, chip: Chip, pose: Pose): boolean {
  const shifts = chip.gratings.flatMap((grating) => {
    const [upper, lower] = [0, 0.5].map((share) => bandPlace(view, pose, grating, share));
    return upper === undefined || lower === undefined ? [] : [lower - upper];
  });
  if (shifts.length === 0) return false;
  const middle = upperMedian(shifts) ?? 0;
  const spread = upperMedian(shifts.map((shift) => Math.abs(shift - middle))) ?? 0;
  return middle > Math.max(LEAST_SHIFT, (LEAST_SIGNIFICANCE * 1.4826 * spread) / Math.sqrt(shifts.length));
}

/** Returns the centre of the light of half a grating along the chip's x, 0 to 1; undefined if it is not in the picture. */
function bandPlace(view: View, pose: Pose, grating: Grating, share: number): number | undefined {
  const [columns, rows] = [32, 4];
  const step = { x: (0.9 * grating.width) / columns, y: (0.4 * grating.height) / rows };
  const start = toPicture(pose, {
    x: grating.x + 0.05 * grating.width + step.x / 2,
    y: grating.y + (share + 0.05) * grating.height + step.y / 2,
  });
  const [right, down] = [direction(pose, { x: step.x, y: 0 }), direction(pose, { x: 0, y: step.y })];
  const s = pose.pxPerUm;
  const frame = Float64Array.of(start.x, start.y, s * right.x, s * right.y, s * down.x, s * down.y);
  const patch = samplePatches(view.atMost(Math.min(step.x, step.y) * s), frame, columns, rows);
  const profile = Array.from({ length: columns }, (_, x) =>
    Array.from({ length: rows }, (__, y) => patch[y * columns + x] as number).reduce((sum, value) => sum + value, 0),
  );
  const least = Math.min(...profile);
  const light = profile.reduce((sum, value) => sum + value - least, 0);
  if (!(light > 0)) return undefined;
  return profile.reduce((sum, value, x) => sum + (value - least) * x, 0) / light / columns;
}
