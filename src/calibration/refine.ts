// From a pose that is right to a few micrometres to one that is right to a fraction of a pixel: labels give places in
// both directions, the upper and lower edges of gratings along one of them and their sides along the other; a robust fit takes
// them all together, the bending of the optics among its unknowns.
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
  /** Labels expected in the picture that are under something brighter than the chip. */
  readonly covered: readonly string[];
  /** Labels that were used and agree with each other. */
  readonly used: readonly FoundLabel[];
  /** Labels that look right but are elsewhere. */
  readonly outliers: readonly string[];
  /** Root mean square distance of the used labels from the fit, px; NaN without labels. */
  readonly labelResidualPx: number;
  /** The same of the gratings' edges, about what they all reach beyond their boxes. */
  readonly edgeResidualPx: number;
  /**
   * By how much gratings reach beyond their boxes, upwards or downwards, px: not 0 when the scale is wrong.
   */
  readonly overhangPx: number;
  /** By how much they reach beyond their boxes sideways, px; undefined where too few sides are seen. */
  readonly sidewaysPx: number | undefined;
  /** Edges that agree, those that were seen, and those that are well inside the picture. */
  readonly edges: number;
  readonly edgesSeen: number;
  readonly edgesExpected: number;
  /** Sides of gratings that agree. */
  readonly sides: number;
  /** Of upper and of lower edges the smaller share that agrees, 0 to 1. */
  readonly edgeShare: number;
  /** Standard deviation of the corner of a grating in view that is least well known, px. */
  readonly openPx: number;
  /** The same from gratings alone, without labels. */
  readonly gratingsOpenPx: number;
  /** What the chip has in common that its drawing has not. */
  readonly deviations: Deviations;
  /** How far a corner of a grating in view moves when one label, edge or side is left out, at most, px. */
  readonly swayPx: number;
  /** What labels, edges and sides in one part of the picture leave in common, the largest of all parts, px. */
  readonly localPx: number;
}

/** A manifest is not written where a grating may be farther off than this, px. */
export const MOST_OFF_PX = 1;

/** Limits in standard deviations, where the optics bend the picture and where nothing shows that they do. */
const SIGMAS = { bent: 3, straight: 2.2 } as const;

/**
 * How far a grating may be off, px: some standard deviations, and what hangs on a single sighting, which may be dirt. The
 * deviations are those of ordinary optics; a picture in which no bend is to be seen comes from better ones.
 */
export function mostOffPx({ openPx, swayPx, pose }: Pick<Refined, "openPx" | "swayPx" | "pose">): number {
  return (isStraight(pose) ? SIGMAS.straight : SIGMAS.bent) * openPx + swayPx;
}

/** A label found with at least this likeness is a sighting. */
export const LEAST_LIKENESS = 0.55;
/** Likeness of a label whose place says nothing, and of one whose place is as certain as it can be. */
const CLEAR = { none: 0.45, full: 0.9 } as const;
/** Higher labels are large ones: uneven light over them moves where they seem to be. */
export const LARGE_UM = 200;
const LARGE_WEIGHT = 0.15;
/** This many small labels determine the pose without large ones. */
const ENOUGH = 2;
/** Sharper than the coarse search: samples down a glyph. */
const FINE_ROWS = 35;
const LARGE_LABEL_ROWS = { coarse: 60, fine: 160 } as const;
/** Rounds of looking and fitting: how many at most, and the move, px, after which another is in vain. */
const ROUNDS = { least: 3, most: 5, still: 0.1 } as const;
/** Sides that tell how wide gratings are. */
const FEWEST_SIDES = 20;
/** Parts of the picture's width and height in which sightings are compared, and how many a part needs to be judged. */
const PARTS = { across: 3, least: 4 } as const;

/**
 * Refines a pose by labels and edges; `reachUm` is how far labels may be from where the pose puts them. The pose says how the
 * optics bend the picture, where there are labels.
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
    // Without labels there is nothing to be refined that would be believed.
    sides = known.length === 0 ? [] : gratingSides(view, chip, pose, edgeReach, edges);
    const before = pose;
    // The first round is straight: what was mistaken may bend a lot.
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

/** µm between the samples with which a label is looked for, coarsely or finely. */
export function labelStep(label: ChipLabel, pose: Pose, fine: boolean): number {
  if (label.height > LARGE_UM) return coarseStep(label, pose, fine ? LARGE_LABEL_ROWS.fine : LARGE_LABEL_ROWS.coarse);
  return coarseStep(label, pose, fine ? FINE_ROWS : undefined);
}

/** Corners of the gratings that are wholly in the picture, which are those that get ROIs. */
function cornersInView(view: View, chip: Chip, pose: Pose): { chip: Point; at: Point }[] {
  return chip.gratings.flatMap((one) => {
    const corners = [one.x, one.x + one.width].flatMap((x) =>
      [one.y, one.y + one.height].map((y) => ({ chip: { x, y }, at: toPicture(pose, { x, y }) })),
    );
    return corners.every(({ at }) => view.holds(at)) ? corners : [];
  });
}

/** How far the second pose shows a corner of a grating in view from where the first does, at most, px. */
function furthestMove(view: View, chip: Chip, from: Pose, to: Pose): number {
  return cornersInView(view, chip, to).reduce((most, { chip: corner, at }) => {
    const off = minus(at, toPicture(from, corner));
    return Math.max(most, Math.hypot(off.x, off.y));
  }, 0);
}

/** The largest standard deviation of a corner; infinite without a grating in view. */
function leastKnown(corners: readonly Point[], openPx: (chip: Point) => number): number {
  if (corners.length === 0) return Number.POSITIVE_INFINITY;
  return corners.reduce((most, corner) => Math.max(most, openPx(corner)), 0);
}

/**
 * The largest median of what sightings in one part of the picture leave in one of the chip's directions, px, those that did not
 * go along among them: a bend that was not understood moves all that is seen in a corner alike.
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

/** How far a sighting is from where pose and deviations put it, px along the chip's x and y. */
function leftOver(pose: Pose, [insetY = 0, insetX = 0, right = 0, down = 0]: Deviations, sighting: Sighting): Point {
  const { x, y } = offsetOf(pose, sighting);
  const { kind, inward = 0 } = sighting;
  if (kind === "label") return { x: x - right, y: y - down };
  return { x: x - inward * insetX, y: y - inward * insetY };
}

/**
 * Labels as sightings of their middles; one that dirt or noise makes less like itself counts less. Large ones, which light from
 * next to moves by a pixel and more, only where there are not two others.
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

/** Root mean square distance of labels from where the pose and their shift put them, weighted as in the fit, px. */
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
