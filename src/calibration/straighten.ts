// A lattice's scale and angle are right to some tenths of a percent: too little for labels far from the middle of a sparse chip.
// The gratings' own edges tell them better, whichever grating is which.
import type { Chip } from "../chip/chip.ts";
import { EDGE_REACH_UM, gratingEdges, gratingSides } from "./edges.ts";
import { latticeOf } from "./lattice.ts";
import { direction, type Pose, toPicture } from "./pose.ts";
import { fitPose } from "./pose-fit.ts";
import { gapOf } from "./profiles.ts";
import { sidewaysOffset } from "./sides.ts";
import type { Sighting } from "./sighting.ts";
import type { View } from "./view.ts";

/** Edges that must agree, at least and as a share of those that should be in view. */
const AGREE = { least: 6, share: 0.5 } as const;
/** Boxes of sparse gratings are laid wrong by as much as this along x. */
const MOST_SIDEWAYS_UM = 80;

/**
 * Improves poses that put the same gratings in the same places and differ in which is which, by the edges of gratings where
 * the first of them puts these. Poses stay as they are where too few edges are to be seen; where the gratings' sides are seen
 * elsewhere as well, there are as many again, moved there.
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

/** The pose on the edges near it, and on others half a cell or less along x where these look more like the sides of gratings. */
function onEdges(view: View, chip: Chip, start: Pose): Pose[] {
  const once = fitEdges(view, chip, start);
  if (once === undefined) return [];
  return sideways(view, chip, once).flatMap((pose) => fitEdges(view, chip, pose) ?? []);
}

function fitEdges(view: View, chip: Chip, pose: Pose): Pose | undefined {
  const reachUm = Math.max(EDGE_REACH_UM, 2 / pose.pxPerUm);
  const { edges, expected } = gratingEdges(view, chip, pose, { reachUm, insetUm: 0 });
  // Only what edges do not tell stays as it was.
  const asItWas = edges.map(({ name, chip: at }): Sighting => {
    return { name: `${name} as it was`, chip: at, picture: toPicture(pose, at), kind: "guess", weight: 1 };
  });
  const fit = fitPose([...edges, ...gratingSides(view, chip, pose, reachUm, edges), ...asItWas], pose);
  if (fit === undefined) return undefined;
  const agree = edges.filter(({ name }) => !fit.outliers.includes(name)).length;
  return agree < Math.max(AGREE.least, AGREE.share * expected) ? undefined : fit.pose;
}

/**
 * The pose moved along x by what the sides of all gratings together tell: wide gaps leave much open there. Nearby, and, where
 * bands were taken for boxes, wherever in a cell.
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
