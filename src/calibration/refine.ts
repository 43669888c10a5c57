// From a pose that is right to a few micrometres to one that is right to a fraction of a pixel: labels give places in
// both directions, the upper and lower edges of gratings along one of them; a robust fit takes them all together.
import type { Chip } from "../chip/layout.ts";
import { EDGE_REACH_UM, EDGE_WEIGHT, gratingEdges, outermost, overhang } from "./edges.ts";
import { coarseStep, expectedLabels } from "./identity.ts";
import { type FoundLabel, type LabelPatterns, labelMiddle, searchLabel } from "./label-search.ts";
import { fitPose, type Lens, type Pose, type Sighting } from "./pose.ts";
import { columnSides, SIDES_WEIGHT } from "./sides.ts";
import type { View } from "./view.ts";

export interface Refined {
  readonly pose: Pose;
  /** Labels expected in the picture, as found with the final pose. */
  readonly labels: readonly FoundLabel[];
  /** Labels that were used and agree with each other. */
  readonly used: readonly FoundLabel[];
  /** Labels that look right but lie elsewhere. */
  readonly outliers: readonly string[];
  /** Root mean square distance of the used labels from the fit, px; NaN without labels. */
  readonly labelResidualPx: number;
  /** The same of the gratings' edges, about what they all reach beyond their boxes. */
  readonly edgeResidualPx: number;
  /**
   * By how much gratings reach beyond their boxes, upwards and downwards alike, px: not 0 when the scale is wrong. From edges
   * that face no other grating where there are enough of them, because blur closes narrow gaps.
   */
  readonly overhangPx: number;
  /** Edges that agree, and those that are well inside the picture. */
  readonly edges: number;
  readonly edgesExpected: number;
  /** Edges that were seen elsewhere. */
  readonly edgesOff: number;
  /** Sides of a few gratings each that agree along the chip's x, those that do not, and what they leave, px. */
  readonly sides: number;
  readonly sidesOff: number;
  readonly sidesResidualPx: number;
}

/** A label found with at least this likeness is a sighting. */
export const LEAST_LIKENESS = 0.55;
/** Sharper than the coarse search: samples down a glyph. */
const FINE_ROWS = 35;
const LARGE_LABEL_ROWS = 60;
/**
 * A lens is allowed for when a straight fit leaves more than this, px, and enough is seen to determine it: many labels, or some
 * and the sides of gratings from all over the picture.
 */
const LENS = {
  residualPx: 0.2,
  labels: 8,
  sightings: 24,
  gain: 0.7,
  more: 0.85,
  beside: { labels: 3, sides: 6, gain: 0.5 },
} as const;
/** What a label that does not go along with a fit counts, px², and an edge or sides as a share of that. */
const OUTLIER = 0.1;
/** With few labels one that bends less is texture rather than a lens. */
const LEAST_BENT = 0.003;
/** Lenses that bend more, as a share of the distance from the middle at the picture's corner, are not believed. */
const MOST_BENT = 0.016;
/** The same of pixels that are not square and of tilts. */
const MOST_ASKEW = 0.012;

/**
 * Refines a pose by labels and edges; `reachUm` is how far labels may be from where the pose puts them. Where lines are bent
 * by the lens, the pose says how.
 */
export function refinePose(view: View, patterns: LabelPatterns, chip: Chip, start: Pose, reachUm: number): Refined {
  const straight = refineAs(view, patterns, chip, start, reachUm);
  const seen = straight.used.length + straight.outliers.length;
  const { labelResidualPx, edgeResidualPx, sidesResidualPx } = straight;
  const worst =
    Math.max(labelResidualPx || 0, edgeResidualPx || 0, sidesResidualPx) + straight.outliers.length + straight.sidesOff;
  const sides = straight.sides + straight.sidesOff;
  const needed = sides >= LENS.beside.sides ? LENS.beside.labels : LENS.labels;
  if (!(worst > LENS.residualPx) || seen < needed || 2 * seen + straight.edgesExpected + sides < LENS.sightings)
    return straight;
  const { width, height } = view.picture;
  const radiusPx = Math.hypot(width, height) / 2;
  const none = { middle: { x: width / 2, y: height / 2 }, radiusPx, radial: 0, shift: { x: 0, y: 0 } };
  const askew = { aspect: 0, shear: 0, tilt: { x: 0, y: 0 } };
  let best = straight;
  for (const [i, lens] of [none, { ...none, askew }].entries()) {
    const bent = refineAs(view, patterns, chip, { ...straight.pose, lens }, reachUm);
    const few = bent.used.length < LENS.labels;
    if (bent.used.length < Math.max(needed, straight.used.length) || !isCredible(bent.pose.lens, few)) continue;
    const gain = few ? LENS.beside.gain : best !== straight && i > 0 ? LENS.more : LENS.gain;
    if (misfit(bent) < gain * misfit(best)) best = bent;
  }
  return best;
}

/** Whether a lens bends no more than lenses do, and, where few labels tell it, more than texture does. */
function isCredible(lens: Lens | undefined, few: boolean): boolean {
  if (lens === undefined) return false;
  const { radiusPx, radial, shift, askew = { aspect: 0, shear: 0, tilt: { x: 0, y: 0 } } } = lens;
  const lensLike = Math.max(Math.abs(radial), Math.hypot(shift.x, shift.y)) / radiusPx;
  const { aspect, shear, tilt } = askew;
  const skewed = Math.max(Math.abs(aspect), Math.abs(shear), Math.hypot(tilt.x, tilt.y)) / radiusPx;
  if (lensLike > MOST_BENT || skewed > MOST_ASKEW) return false;
  return !few || Math.max(Math.abs(radial) / radiusPx, skewed) >= LEAST_BENT;
}

/** What a fit leaves: squares of residuals weighted as in it, px²; a label that does not go along, which may be none, counts little. */
function misfit(refined: Refined): number {
  const { used, outliers, labelResidualPx, edgeResidualPx, edges, edgesOff, sides, sidesOff, sidesResidualPx } =
    refined;
  return (
    2 * used.length * (labelResidualPx || 0) ** 2 +
    OUTLIER * outliers.length +
    EDGE_WEIGHT * (edges * (edgeResidualPx || 0) ** 2 + OUTLIER * edgesOff) +
    SIDES_WEIGHT * (sides * sidesResidualPx ** 2 + OUTLIER * sidesOff)
  );
}

function refineAs(view: View, patterns: LabelPatterns, chip: Chip, start: Pose, reachUm: number): Refined {
  let pose = start;
  let labels: FoundLabel[] = [];
  let edges: Sighting[] = [];
  let edgesExpected = 0;
  let sides: Sighting[] = [];
  let fit = fitPose([], pose);
  const reaches = [reachUm, Math.max(8, reachUm / 3), 6];
  for (const [round, reach] of reaches.entries()) {
    const rows = round === 0 ? undefined : FINE_ROWS;
    labels = expectedLabels(view, pose, chip.labels).flatMap((label) => {
      const large = label.height > 200 ? LARGE_LABEL_ROWS : rows;
      const one = searchLabel(
        view,
        patterns,
        pose,
        label,
        Math.max(reach, 2 / pose.pxPerUm),
        coarseStep(label, pose, large),
      );
      return one === undefined ? [] : [one];
    });
    const edgeReach = Math.max(round === 0 ? EDGE_REACH_UM : 8, 2 / pose.pxPerUm);
    const seen = gratingEdges(view, chip, pose, edgeReach);
    edges = seen.edges;
    edgesExpected = seen.expected;
    const known = labelSightings(labels);
    // Without labels there is nothing to be refined that would be believed.
    sides = known.length === 0 ? [] : columnSides(view, chip, pose, edgeReach);
    const sightings = [...known, ...edges, ...sides];
    fit = fitPose(sightings, pose);
    if (fit === undefined) break;
    pose = fit.pose;
  }
  const found = labels.filter(({ likeness }) => likeness >= LEAST_LIKENESS);
  const residuals = fit?.residuals ?? [];
  const outliers = new Set(fit?.outliers ?? []);
  const used = found.filter(({ label }) => !outliers.has(label.label));
  const usedResiduals = found.flatMap(({ label }, i) => (outliers.has(label.label) ? [] : [residuals[i] ?? 0]));
  const reach = overhang(pose, edges, outliers);
  const edgeResiduals = edges.flatMap(({ name }, i) => (outliers.has(name) ? [] : [residuals[found.length + i] ?? 0]));
  const sidesResiduals = sides.flatMap(({ name }, i) =>
    outliers.has(name) ? [] : [residuals[found.length + edges.length + i] ?? 0],
  );
  return {
    pose,
    labels,
    used,
    outliers: found.filter(({ label }) => outliers.has(label.label)).map(({ label }) => label.label),
    labelResidualPx: rootMeanSquare(usedResiduals),
    edgeResidualPx: Math.sqrt(Math.max(0, rootMeanSquare(edgeResiduals) ** 2 - reach ** 2)),
    overhangPx: outermost(view, chip, pose) ?? reach,
    edges: edgeResiduals.length,
    edgesExpected,
    edgesOff: edges.length - edgeResiduals.length,
    sides: sidesResiduals.length,
    sidesOff: sides.length - sidesResiduals.length,
    sidesResidualPx: sidesResiduals.length === 0 ? 0 : rootMeanSquare(sidesResiduals),
  };
}

/** Labels as sightings of their middles. */
export function labelSightings(labels: readonly FoundLabel[]): Sighting[] {
  return labels
    .filter(({ likeness }) => likeness >= LEAST_LIKENESS)
    .map(({ label, picture }) => ({ name: label.label, chip: labelMiddle(label), picture, weight: 1 }));
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
