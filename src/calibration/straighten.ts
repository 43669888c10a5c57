// A lattice's scale and angle are right to some tenths of a percent: too little for labels far from the middle of a sparse chip.
// The gratings' own edges tell them better, whichever grating is which.
import type { Chip } from "../chip/layout.ts";
import { EDGE_REACH_UM, gratingEdges } from "./edges.ts";
import { direction, type Pose, toPicture } from "./pose.ts";
import { fitPose, type Sighting } from "./pose-fit.ts";
import { gapOf } from "./profiles.ts";
import { columnSides, sidewaysOffset } from "./sides.ts";
import type { View } from "./view.ts";

/** Weight of where a pose puts gratings already: only what edges do not tell stays as it was. */
const AS_IT_WAS = 0.01;
/** Edges that must agree, at least and as a share of those that should be in view. */
const AGREE = { least: 6, share: 0.5 } as const;
const ROUNDS = 2;
/** Boxes of sparse gratings are laid wrong by as much as this along x. */
const MOST_SIDEWAYS_UM = 80;

/**
 * Improves poses that put the same gratings in the same places and differ in which is which, by the edges of gratings where
 * the first of them puts these. Poses stay as they are where too few edges are to be seen.
 */
export function straighten<T extends { readonly pose: Pose }>(view: View, chip: Chip, poses: readonly T[]): T[] {
  const [first] = poses;
  if (first === undefined) return [];
  const better = onEdges(view, chip, first.pose);
  if (better === undefined) return [...poses];
  const scale = better.pxPerUm / first.pose.pxPerUm;
  const turn = better.angleDegrees - first.pose.angleDegrees;
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
        x: better.x + scale * moved.x,
        y: better.y + scale * moved.y,
      },
    };
  });
}

function onEdges(view: View, chip: Chip, start: Pose): Pose | undefined {
  const reachUm = Math.max(EDGE_REACH_UM, 2 / start.pxPerUm);
  let pose = start;
  for (let round = 0; round < ROUNDS; round++) {
    const { edges, expected } = gratingEdges(view, chip, pose, reachUm);
    const asItWas = edges.map(({ name, chip: at }): Sighting => {
      return { name: `${name} as it was`, chip: at, picture: toPicture(pose, at), weight: AS_IT_WAS };
    });
    const fit = fitPose([...edges, ...columnSides(view, chip, pose, reachUm), ...asItWas], pose);
    if (fit === undefined) return undefined;
    const agree = edges.filter(({ name }) => !fit.outliers.includes(name)).length;
    if (agree < Math.max(AGREE.least, AGREE.share * expected)) return undefined;
    pose = round === 0 ? sideways(view, chip, fit.pose) : fit.pose;
  }
  return pose;
}

/** The pose moved along x by what the sides of all gratings together tell: wide gaps leave much open there. */
function sideways(view: View, chip: Chip, pose: Pose): Pose {
  const reachUm = Math.min(MOST_SIDEWAYS_UM, gapOf(chip).x / 2);
  if (reachUm <= EDGE_REACH_UM) return pose;
  const offset = sidewaysOffset(view, chip, pose, reachUm);
  if (offset === undefined) return pose;
  const { x, y } = direction(pose, { x: offset * pose.pxPerUm, y: 0 });
  return { ...pose, x: pose.x + x, y: pose.y + y };
}
