// Checks names given by hand against the picture. They may be wrong and still agree with each other: if the picture does not
// confirm them, it is read automatically.

import type { Chip } from "../chip/chip.ts";
import { chipExtent } from "../chip/layout.ts";
import { coarseStep, expectedLabels, labelScore } from "./identity.ts";
import { type LabelPatterns, searchLabel } from "./label-search.ts";
import { latticeOf } from "./lattice.ts";
import { type Doubtful, locateChip } from "./locate.ts";
import { minus, type Pose, toPicture } from "./pose.ts";
import type { Refined } from "./refine.ts";
import type { View } from "./view.ts";

/** Minimum shares of the expected labels and gratings' edges that are seen; below them the picture is read automatically. */
const BORNE_OUT = { labels: 0.8, edges: 0.6 } as const;
/** Distance of a chip corner, px and share of the shorter side of a grating, above which two poses differ. */
const APART = { px: 3, share: 0.25 } as const;

/** Minimum advantage in labels' score elsewhere; one label is worth about 0.5. */
const CLEARLY = 0.8;

/**
 * Returns a doubt if the picture certainly shows the chip in a different position from the names given by hand; undefined if it
 * confirms them, or shows nothing certain: then the user knows better.
 */
export function readOtherwise(
  view: View,
  chip: Chip,
  patterns: LabelPatterns,
  { pose, labels, used, edges, edgesExpected }: Refined,
): Doubtful | undefined {
  if (labels.length === 0) return undefined;
  const borneOut = used.length >= BORNE_OUT.labels * labels.length && edges >= BORNE_OUT.edges * edgesExpected;
  if (borneOut && !isReadBetterNearby(view, chip, patterns, pose, labelScore(used))) return undefined;
  const search = locateChip(view.picture, [chip], patterns);
  if ("doubt" in search) return undefined;
  const { found } = search;
  const [grating] = chip.gratings;
  const side = Math.min(grating?.width ?? 0, grating?.height ?? 0) * found.pose.pxPerUm;
  if (furthestApart(chip, pose, found.pose) <= Math.max(APART.px, APART.share * side)) return undefined;
  const read = found.used.map(({ label }) => label.label).slice(0, 4);
  return {
    reason: `the given names contradict the printed labels: with --auto, phorest finds ${read.join(", ")} elsewhere in the image`,
    lattice: { chipType: chip.type, pxPerUm: found.pose.pxPerUm, angleDegrees: found.pose.angleDegrees },
  };
}

/**
 * Whether the labels fit better with the chip moved by a column or a row. If only a part of the chip is in view, names that are
 * all one column off contradict only the labels that they leave unexplained.
 */
function isReadBetterNearby(view: View, chip: Chip, patterns: LabelPatterns, pose: Pose, score: number): boolean {
  const { x, y } = latticeOf(chip)?.pitch ?? { x: 0, y: 0 };
  const ways = [
    { x, y: 0 },
    { x: -x, y: 0 },
    { x: 0, y },
    { x: 0, y: -y },
  ];
  return ways.some((way) => {
    const moved = { ...pose, ...toPicture(pose, way) };
    const found = expectedLabels(view, moved, chip.labels).flatMap((label) => {
      const step = coarseStep(label, moved);
      return searchLabel(view, patterns, moved, label, 2 * step, step) ?? [];
    });
    return labelScore(found) > score + CLEARLY;
  });
}

/** Returns the maximum distance between the corners of the chip in two poses, px. */
function furthestApart(chip: Chip, a: Pose, b: Pose): number {
  const { x, y, width, height } = chipExtent(chip);
  const corners = [x, x + width].flatMap((right) => [y, y + height].map((down) => ({ x: right, y: down })));
  return Math.max(
    ...corners.map((corner) => {
      const off = minus(toPicture(a, corner), toPicture(b, corner));
      return Math.hypot(off.x, off.y);
    }),
  );
}
