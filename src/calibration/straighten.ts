// Improves a lattice's scale and angle, which are only accurate to some tenths of a percent: too little for labels far from the
// middle of a sparse chip. Uses the gratings' own edges, without knowing which grating is which.
import type { Chip } from "../chip/chip.ts";
import { EDGE_REACH_UM, gratingEdges, gratingSides } from "./edges.ts";
import { latticeOf } from "./lattice.ts";
import { direction, type Pose, toPicture } from "./pose.ts";
import { fitPose } from "./pose-fit.ts";
import { gapOf } from "./profiles.ts";
import { sidewaysOffset } from "./sides.ts";
import type { Sighting } from "./sighting.ts";
import type { View } from "./view.ts";

/** Minimum number of edges that must agree, and their share of those that should be in view. */
const AGREE = { least: 6, share: 0.5 } as const;
/** Maximum error of the boxes of sparse gratings along x. */
const MOST_SIDEWAYS_UM = 80;

/**
 * Improves poses that have the same gratings in the same places but identify them differently, using the edges of gratings at
 * the positions of the first pose. Poses do not change if too few edges are visible. If the sides of gratings are also visible
 * at other positions, adds as many poses, moved there.
 */
export function straighten<T extends { readonly pose: Pose }>(view: View, chip: Chip, poses: readonly T[]): T[] {
  const [first] = poses;
  if (first === undefined) return [];
  const better = onEdges(view, chip, first.pose);
  if (better.length === 0) return [...poses];
  return better.flatMap((straight) => {
    const scale = straight.pxPerUm / first.pose.pxPerUm;
    const turn = straight.angleDegrees - first.pose.angleDegrees;
    return poses.map((one) => {
      const { pose } = one;
      const away = { x: pose.x - first.pose.x, y: pose.y - first.pose.y };
      const moved = direction({ angleDegrees: turn, mirrored: false }, away);
      return {
        ...one,
        pose: {
          ...pose,
          pxPerUm: pose.pxPerUm * scale,
          angleDegrees: pose.angleDegrees + turn,
          x: straight.x + scale * moved.x,
          y: straight.y + scale * moved.y,
        },
      };
    });
  });
}

/**
 * Returns the pose fitted to the edges near it, and to others half a cell or less along x if these look more like the sides of
 * gratings.
 */
function onEdges(view: View, chip: Chip, start: Pose): Pose[] {
  const once = fitEdges(view, chip, start);
  if (once === undefined) return [];
  return sideways(view, chip, once).flatMap((pose) => fitEdges(view, chip, pose) ?? []);
}

function fitEdges(view: View, chip: Chip, pose: Pose): Pose | undefined {
  const reachUm = Math.max(EDGE_REACH_UM, 2 / pose.pxPerUm);
  const { edges, expected } = gratingEdges(view, chip, pose, { reachUm, insetUm: 0 });
  // Only what edges do not determine stays unchanged.
  const asItWas = edges.map(({ name, chip: at }): Sighting => {
    return { name: `${name} as it was`, chip: at, picture: toPicture(pose, at), kind: "guess", weight: 1 };
  });
  const fit = fitPose([...edges, ...gratingSides(view, chip, pose, reachUm, edges), ...asItWas], pose);
  if (fit === undefined) return undefined;
  const agree = edges.filter(({ name }) => !fit.outliers.includes(name)).length;
  return agree < Math.max(AGREE.least, AGREE.share * expected) ? undefined : fit.pose;
}

/**
 * Returns the pose moved along x to fit the sides of all gratings together, because wide gaps leave much uncertain there:
 * nearby, and, in case bands were mistaken for boxes, anywhere in a cell.
 */
function sideways(view: View, chip: Chip, pose: Pose): Pose[] {
  const nearUm = Math.min(MOST_SIDEWAYS_UM, gapOf(chip).x / 2);
  if (nearUm <= EDGE_REACH_UM) return [pose];
  const pitch = latticeOf(chip)?.pitch.x ?? 0;
  const near = sidewaysOffset(view, chip, pose, nearUm) ?? 0;
  const far = sidewaysOffset(view, chip, pose, pitch / 2) ?? sidewaysOffset(view, chip, pose, pitch / 4) ?? near;
  return [near, ...(Math.abs(far - near) > nearUm ? [far] : [])].map((offset) => {
    const { x, y } = direction(pose, { x: offset * pose.pxPerUm, y: 0 });
    return { ...pose, x: pose.x + x, y: pose.y + y };
  });
}
