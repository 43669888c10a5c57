// Refines a pose from a few micrometres to a fraction of a pixel. Labels give positions in both directions, the upper and lower
// edges of gratings in one and their sides in the other. A robust fit combines all of them, with the distortion by the optics
// among its unknowns.
import type { Chip, ChipLabel } from "../chip/chip.ts";
import { upperMedian } from "../measurement/statistics.ts";
import { isCovered } from "./covered.ts";
import { type Deviations, NO_DEVIATIONS } from "./deviations.ts";
import { EDGE_REACH_UM, gratingEdges, gratingSides, isUpper, largerThanBoxes, overhang } from "./edges.ts";
import { coarseStep, expectedLabels } from "./identity.ts";
import { type FoundLabel, type LabelPatterns, labelMiddle, searchLabel } from "./label-search.ts";
import { isStraight, noLens } from "./optics.ts";
import { minus, type Point, type Pose, toPicture } from "./pose.ts";
import { offsetOf } from "./pose-equations.ts";
import { fitPose, type PoseFit } from "./pose-fit.ts";
import type { Sighting } from "./sighting.ts";
import type { View } from "./view.ts";

export interface Refined {
  readonly pose: Pose;
  /** Labels expected in the picture, as found with the final pose. */
  readonly labels: readonly FoundLabel[];
  /** Labels expected in the picture that are covered by something brighter than the chip. */
  readonly covered: readonly string[];
  /** Labels that were used and agree with each other. */
  readonly used: readonly FoundLabel[];
  /** Labels that match but are in a different place. */
  readonly outliers: readonly string[];
  /** Root mean square distance of the used labels from the fit, px; NaN without labels. */
  readonly labelResidualPx: number;
  /** The same for the gratings' edges, relative to their common overhang. */
  readonly edgeResidualPx: number;
  /** How far gratings extend beyond their boxes, upwards or downwards, px: not 0 if the scale is wrong. */
  readonly overhangPx: number;
  /** How far they extend beyond their boxes sideways, px; undefined if too few sides are seen. */
  readonly sidewaysPx: number | undefined;
  /** Number of edges that agree, of those that were seen, and of those that are well inside the picture. */
  readonly edges: number;
  readonly edgesSeen: number;
  readonly edgesExpected: number;
  /** Number of sides of gratings that agree. */
  readonly sides: number;
  /** The smaller of the shares of upper and of lower edges that agree, 0 to 1. */
  readonly edgeShare: number;
  /** Standard deviation of the least certain corner of a grating in view, px. */
  readonly openPx: number;
  /** The same from gratings alone, without labels. */
  readonly gratingsOpenPx: number;
  /** The chip's common deviations from its drawing. */
  readonly deviations: Deviations;
  /** Maximum movement of a corner of a grating in view if one label, edge or side is left out, px. */
  readonly swayPx: number;
  /** Largest common residual of labels, edges and sides in one part of the picture, px. */
  readonly localPx: number;
}

/** A manifest is not written if a grating may be farther off than this, px. */
export const MOST_OFF_PX = 1;

/** Limits in standard deviations, with distortion by the optics and without visible distortion. */
const SIGMAS = { bent: 3, straight: 2.2 } as const;

/**
 * Returns the maximum error of a grating, px: some standard deviations, plus the effect of a single sighting, which may be
 * dirt. The standard deviations are those of ordinary optics; a picture without visible distortion comes from better ones.
 */
export function mostOffPx({ openPx, swayPx, pose }: Pick<Refined, "openPx" | "swayPx" | "pose">): number {
  return (isStraight(pose) ? SIGMAS.straight : SIGMAS.bent) * openPx + swayPx;
}

/** A label found with at least this likeness is a sighting. */
export const LEAST_LIKENESS = 0.55;
/** Likeness of a label whose position is meaningless, and of one whose position is as certain as possible. */
const CLEAR = { none: 0.45, full: 0.9 } as const;
/** Labels higher than this count as large: uneven light over them shifts their apparent position. */
export const LARGE_UM = 200;
const LARGE_WEIGHT = 0.15;
/** This many small labels determine the pose without large ones. */
const ENOUGH = 2;
/** Number of samples along the height of a glyph, finer than in the coarse search. */
const FINE_ROWS = 35;
const LARGE_LABEL_ROWS = { coarse: 60, fine: 160 } as const;
/**
 * Minimum and maximum number of rounds of searching and fitting, and the movement, px, below which another round is pointless.
 */
const ROUNDS = { least: 3, most: 5, still: 0.1 } as const;
/** Minimum number of sides to determine the width of gratings. */
const FEWEST_SIDES = 20;
/**
 * Number of parts of the picture's width and height in which sightings are compared, and the minimum number of sightings in a
 * part.
 */
const PARTS = { across: 3, least: 4 } as const;

/**
 * Refines a pose by labels and edges; `reachUm` is the maximum distance of labels from their position in the pose. If there are
 * labels, the resulting pose includes the distortion by the optics.
 */
export function refinePose(view: View, patterns: LabelPatterns, chip: Chip, start: Pose, reachUm: number): Refined {
  let pose = start;
  let labels: FoundLabel[] = [];
  let covered: string[] = [];
  let known: Sighting[] = [];
  let edges: Sighting[] = [];
  let sides: Sighting[] = [];
  let edgesExpected = 0;
  let fit: PoseFit | undefined;
  for (let round = 0; round < ROUNDS.most; round++) {
    const reach = Math.max(reachUm * 0.6 ** round, 6, 2 / pose.pxPerUm);
    const all = expectedLabels(view, pose, chip.labels).flatMap((label) => {
      const one = searchLabel(view, patterns, pose, label, reach, labelStep(label, pose, round > 0));
      return one === undefined ? [] : [one];
    });
    const place = pose;
    labels = all.filter((one) => !isCovered(view, place, one));
    covered = all.filter((one) => !labels.includes(one)).map(({ label }) => label.label);
    known = labelSightings(labels);
    const edgeReach = Math.max(round === 0 ? EDGE_REACH_UM : 8, 2 / pose.pxPerUm);
    const insetUm = (fit?.deviations[0] ?? 0) / pose.pxPerUm;
    const seen = gratingEdges(view, chip, pose, { reachUm: edgeReach, insetUm });
    [edges, edgesExpected] = [seen.edges, seen.expected];
    // Without labels, no refinement would be trusted.
    sides = known.length === 0 ? [] : gratingSides(view, chip, pose, edgeReach, edges);
    const before = pose;
    // The first round has no distortion: wrong sightings could cause a large one.
    const bent = round > 0 && known.length > 0 ? { lens: pose.lens ?? noLens(view.picture) } : {};
    fit = fitPose([...known, ...edges, ...sides], { ...pose, ...bent });
    if (fit === undefined) break;
    pose = fit.pose;
    if (known.length === 0 && round > 0) break;
    if (round + 1 >= ROUNDS.least && furthestMove(view, chip, before, pose) < ROUNDS.still) break;
  }
  const found = labels.filter(({ likeness }) => likeness >= LEAST_LIKENESS);
  const residuals = fit?.residuals ?? [];
  const outliers = new Set(fit?.outliers ?? []);
  const deviations = fit?.deviations ?? NO_DEVIATIONS;
  const agreeingSides = sides.filter(({ name }) => !outliers.has(name));
  const used = found.filter(({ label }) => !outliers.has(label.label));
  const reach = overhang(pose, edges, outliers);
  const agreeing = edges.filter(({ name }) => !outliers.has(name));
  const edgeResiduals = edges.flatMap(({ name }, i) => (outliers.has(name) ? [] : [residuals[known.length + i] ?? 0]));
  const upper = agreeing.filter(isUpper).length;
  const corners = cornersInView(view, chip, pose).map(({ chip: corner }) => corner);
  return {
    pose,
    labels,
    covered,
    used,
    outliers: found.filter(({ label }) => outliers.has(label.label)).map(({ label }) => label.label),
    labelResidualPx: labelResidual(used, pose, deviations),
    edgeResidualPx: edgeResiduals.length === 0 ? 0 : rootMeanSquare(edgeResiduals),
    overhangPx: largerThanBoxes(view, chip, pose, agreeing, reach),
    edges: agreeing.length,
    edgesSeen: edges.length,
    sides: agreeingSides.length,
    edgesExpected,
    edgeShare: Math.min(upper, agreeing.length - upper) / Math.max(1, edgesExpected / 2),
    openPx: fit === undefined ? Number.POSITIVE_INFINITY : leastKnown(corners, fit.openPx),
    gratingsOpenPx: leastKnown(
      corners,
      fitPose([...edges, ...sides], pose)?.openPx ?? (() => Number.POSITIVE_INFINITY),
    ),
    sidewaysPx: agreeingSides.length < FEWEST_SIDES ? undefined : -(deviations[1] ?? 0),
    deviations,
    swayPx: fit?.swayPx(corners) ?? Number.POSITIVE_INFINITY,
    localPx: localOffset(view, pose, deviations, [...labelSightings(used), ...edges, ...sides]),
  };
}

/** Returns the distance between samples, µm, for a coarse or a fine search for a label. */
export function labelStep(label: ChipLabel, pose: Pose, fine: boolean): number {
  if (label.height > LARGE_UM) return coarseStep(label, pose, fine ? LARGE_LABEL_ROWS.fine : LARGE_LABEL_ROWS.coarse);
  return coarseStep(label, pose, fine ? FINE_ROWS : undefined);
}

/** Returns the corners of the gratings that are completely in the picture, which are those that get ROIs. */
function cornersInView(view: View, chip: Chip, pose: Pose): { chip: Point; at: Point }[] {
  return chip.gratings.flatMap((one) => {
    const corners = [one.x, one.x + one.width].flatMap((x) =>
      [one.y, one.y + one.height].map((y) => ({ chip: { x, y }, at: toPicture(pose, { x, y }) })),
    );
    return corners.every(({ at }) => view.holds(at)) ? corners : [];
  });
}

/** Returns the maximum movement of a corner of a grating in view from the first to the second pose, px. */
function furthestMove(view: View, chip: Chip, from: Pose, to: Pose): number {
  return cornersInView(view, chip, to).reduce((most, { chip: corner, at }) => {
    const off = minus(at, toPicture(from, corner));
    return Math.max(most, Math.hypot(off.x, off.y));
  }, 0);
}

/** Returns the largest standard deviation of a corner; infinite without a grating in view. */
function leastKnown(corners: readonly Point[], openPx: (chip: Point) => number): number {
  if (corners.length === 0) return Number.POSITIVE_INFINITY;
  return corners.reduce((most, corner) => Math.max(most, openPx(corner)), 0);
}

/**
 * Returns the largest median residual in one part of the picture along one of the chip's directions, px, including sightings
 * that did not fit: an unmodelled distortion moves everything in a corner equally.
 */
function localOffset(
  { picture: { width, height } }: View,
  pose: Pose,
  deviations: Deviations,
  sightings: readonly Sighting[],
): number {
  const parts = Array.from({ length: PARTS.across ** 2 }, () => ({ x: [] as number[], y: [] as number[] }));
  for (const sighting of sightings) {
    const { x, y } = sighting.picture;
    const [column, row] = [(x / width) * PARTS.across, (y / height) * PARTS.across].map((at) =>
      Math.max(0, Math.min(PARTS.across - 1, Math.floor(at))),
    ) as [number, number];
    const part = parts[row * PARTS.across + column];
    const off = leftOver(pose, deviations, sighting);
    if (sighting.along?.y !== 1) part?.x.push(off.x);
    if (sighting.along?.x !== 1) part?.y.push(off.y);
  }
  const lists = parts.flatMap(({ x, y }) => [x, y]).filter(({ length }) => length >= PARTS.least);
  return Math.max(0, ...lists.map((list) => Math.abs(upperMedian(list) ?? 0)));
}

/** Returns the distance of a sighting from its position in the pose with deviations, px along the chip's x and y. */
function leftOver(pose: Pose, [insetY = 0, insetX = 0, right = 0, down = 0]: Deviations, sighting: Sighting): Point {
  const { x, y } = offsetOf(pose, sighting);
  const { kind, inward = 0 } = sighting;
  if (kind === "label") return { x: x - right, y: y - down };
  return { x: x - inward * insetX, y: y - inward * insetY };
}

/**
 * Converts labels to sightings of their centres; labels that dirt or noise makes less similar count less. Large labels, which
 * light from the side shifts by a pixel and more, are used only if there are not two others.
 */
export function labelSightings(labels: readonly FoundLabel[]): Sighting[] {
  const clear = labels.filter(({ likeness }) => likeness >= LEAST_LIKENESS);
  const small = clear.filter(({ label }) => label.height <= LARGE_UM);
  return (small.length >= ENOUGH ? small : clear).map(({ label, picture, likeness }) => {
    const share = (likeness - CLEAR.none) / (CLEAR.full - CLEAR.none);
    const weight = Math.min(1, share * share) * (label.height > LARGE_UM ? LARGE_WEIGHT : 1);
    return { name: label.label, chip: labelMiddle(label), picture, kind: "label", weight };
  });
}

/**
 * Returns the root mean square distance of labels from their position in the pose with their shift, weighted as in the fit, px.
 */
function labelResidual(used: readonly FoundLabel[], pose: Pose, deviations: Deviations): number {
  let [sum, weights] = [0, 0];
  for (const sighting of labelSightings(used)) {
    const { x, y } = leftOver(pose, deviations, sighting);
    sum += sighting.weight * (x * x + y * y);
    weights += sighting.weight;
  }
  return Math.sqrt(sum / weights);
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
