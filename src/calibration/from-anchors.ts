// Calibrates from rough points: gratings named by hand select one of the lattice's poses. by-features.ts handles printed labels
// alone.

import type { Chip, ChipBox } from "../chip/chip.ts";
import { gratingHalves } from "../chip/layout.ts";
import { Failure } from "../failure/failure.ts";
import type { Picture } from "../image/picture.ts";
import { readOtherwise } from "./cross-check.ts";
import { gratingEdges } from "./edges.ts";
import { findSites } from "./grating-sites.ts";
import { labelScore, rankHypotheses, sameIdentity } from "./identity.ts";
import type { LabelPatterns } from "./label-search.ts";
import { latticeOf } from "./lattice.ts";
import { type Doubtful, latticesByLevel, type Search } from "./locate.ts";
import { type Point, type Pose, toPicture } from "./pose.ts";
import { fitPose } from "./pose-fit.ts";
import { refinePose } from "./refine.ts";
import { sidewaysOffset } from "./sides.ts";
import { View } from "./view.ts";

/** A grating, one of its halves, or a printed label, and its rough position in the picture, px. */
export interface Anchor {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  /** Point of its box: the corner that is top left in the picture (default), or the centre. */
  readonly at?: "corner" | "middle";
}

/** Maximum error of an anchor, as a share of the lattice's pitch; beyond it, the anchor could mean the next grating. */
const ROUGH = 0.45;
/** If another pose fits the anchors nearly as well as the best, the result is ambiguous. */
const AS_GOOD = { factor: 1.6, pitchShare: 0.08 } as const;
const REACH_UM = 20;

/**
 * Returns the pose of a chip from its lattice in the picture and at least two anchors. Failure usage.invalid for unknown ones.
 */
export function locateByAnchors(
  picture: Picture,
  chips: readonly Chip[],
  anchors: readonly Anchor[],
  patterns: LabelPatterns,
): Search {
  const known = chips.filter((chip) => anchors.every(({ label }) => boxOf(chip, label) !== undefined));
  if (known.length === 0) {
    const strange = anchors.find(({ label }) => !chips.some((chip) => boxOf(chip, label) !== undefined));
    const types = chips.map(({ type }) => type).join(", ");
    throw new Failure(
      "usage.invalid",
      strange === undefined
        ? "no chip has all of these labels"
        : `there is no grating or label "${strange.label}" on ${types}`,
      { hint: "use names of gratings, such as 052A, or printed labels, such as D-Left" },
    );
  }
  const view = new View(picture);
  let doubt: Doubtful = { reason: "no lattice of gratings found in the image", lattice: undefined };
  let leastOff = Number.POSITIVE_INFINITY;
  for (const fits of latticesByLevel(
    view,
    known.map(latticeOf).filter((one) => one !== undefined),
  )) {
    for (const fit of fits) {
      const [sites] = findSites(view, fit);
      if (sites === undefined) continue;
      const { chip } = fit.lattice;
      const pitch = Math.min(fit.lattice.pitch.x, fit.lattice.pitch.y) * fit.pxPerUm;
      const ranked = rankHypotheses(view, patterns, sites)
        .map((hypothesis) => ({ hypothesis, off: distanceOf(chip, hypothesis.pose, anchors) }))
        .sort((a, b) => a.off - b.off);
      const [best] = ranked;
      if (best === undefined) continue;
      if (best.off > ROUGH * pitch) {
        if (best.off >= leastOff) continue;
        leastOff = best.off;
        doubt = {
          reason: `the anchors are ${best.off.toFixed(0)} px away from these gratings in the lattice`,
          lattice: { chipType: chip.type, pxPerUm: fit.pxPerUm, angleDegrees: best.hypothesis.pose.angleDegrees },
        };
        continue;
      }
      const rivals = ranked.filter(
        ({ off, hypothesis }) =>
          off < AS_GOOD.factor * best.off + AS_GOOD.pitchShare * pitch && !sameIdentity(best.hypothesis, hypothesis),
      );
      const score = labelScore(best.hypothesis.labels);
      if (rivals.some(({ hypothesis }) => labelScore(hypothesis.labels) > score - 0.3)) {
        const reason =
          "identity ambiguous: the anchors also fit the chip mirrored or rotated; name gratings of different rows and columns";
        return {
          doubt: {
            reason,
            lattice: { chipType: chip.type, pxPerUm: fit.pxPerUm, angleDegrees: best.hypothesis.pose.angleDegrees },
          },
        };
      }
      const settled = settle(view, patterns, chip, best.hypothesis.pose);
      const otherwise = readOtherwise(view, chip, patterns, settled);
      if (otherwise !== undefined) return { doubt: otherwise };
      const anchorsOffPx = distanceOf(chip, settled.pose, anchors);
      return { found: { ...settled, chip, margin: Number.NaN, anchorsOffPx } };
    }
  }
  return { doubt };
}

/** Refines by labels and edges; without labels, only the gratings' sides give the position along their rows. */
function settle(view: View, patterns: LabelPatterns, chip: Chip, start: Pose) {
  let refined = refinePose(view, patterns, chip, start, REACH_UM);
  if (refined.used.length > 0) return refined;
  for (let round = 0; round < 2; round++) {
    const offset = sidewaysOffset(view, chip, refined.pose, Math.max(REACH_UM, 3 / refined.pose.pxPerUm)) ?? 0;
    const moved = toPicture(refined.pose, { x: offset, y: 0 });
    const pose = { ...refined.pose, x: moved.x, y: moved.y };
    const edges = gratingEdges(view, chip, pose, { reachUm: 8, insetUm: 0 }).edges;
    // Edges do not determine the position along the rows, so the centre of the chip is held in place.
    const held = {
      name: "middle",
      chip: { x: 0, y: 0 },
      picture: { x: pose.x, y: pose.y },
      along: { x: 1, y: 0 },
      kind: "guess",
      weight: 1,
    } as const;
    refined = { ...refined, pose: fitPose([...edges, held], pose)?.pose ?? pose };
  }
  return refined;
}

/** Returns the box of a grating, a half of one, or a printed label. */
function boxOf(chip: Chip, label: string): ChipBox | undefined {
  return (
    chip.gratings.find((one) => one.label === label) ??
    gratingHalves(chip).find((one) => one.label === label) ??
    chip.labels.find((one) => one.label === label)
  );
}

/** Returns the corner of a box that is top left in the picture. */
export function cornerOf(pose: Pose, box: ChipBox): { chip: Point; picture: Point } {
  const corners = [box.x, box.x + box.width].flatMap((x) =>
    [box.y, box.y + box.height].map((y) => ({ chip: { x, y }, picture: toPicture(pose, { x, y }) })),
  );
  return corners.reduce((best, one) => (one.picture.x + one.picture.y < best.picture.x + best.picture.y ? one : best));
}

/** Returns the centre of a box. */
export function middleOf({ x, y, width, height }: ChipBox): Point {
  return { x: x + width / 2, y: y + height / 2 };
}

function distanceOf(chip: Chip, pose: Pose, anchors: readonly Anchor[]): number {
  const distances = anchors.map(({ label, x, y, at }) => {
    const box = boxOf(chip, label);
    if (box === undefined) return Number.POSITIVE_INFINITY;
    const picture = at === "middle" ? toPicture(pose, middleOf(box)) : cornerOf(pose, box).picture;
    return Math.hypot(picture.x - x, picture.y - y);
  });
  return Math.max(...distances);
}
