// From a pose that is right to a few micrometres to one that is right to a fraction of a pixel: labels give places in
// both directions, the upper and lower edges of gratings along one of them; a robust fit takes them all together.
import { samplePatches } from "../analysis/correlate.ts";
import type { Chip, ChipBox } from "../chip/layout.ts";
import { coarseStep, expectedLabels } from "./identity.ts";
import { type FoundLabel, type LabelPatterns, labelMiddle, searchLabel } from "./label-search.ts";
import { latticeOf, vertex } from "./lattice.ts";
import { direction, fitPose, type Point, type Pose, type Sighting, toPicture } from "./pose.ts";
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
}

/** A label found with at least this likeness is a sighting. */
export const LEAST_LIKENESS = 0.55;
/** Sharper than the coarse search: samples down a glyph. */
const FINE_ROWS = 35;
const LARGE_LABEL_ROWS = 60;
const MOST_EDGES = 250;
/**
 * Strips on both sides of an edge that are compared, µm: no wider than half the gap to the next grating, so that
 * the contrast falls off alike on both sides of the edge.
 */
const STRIP_UM = 22;
const EDGE_REACH_UM = 16;
const UPPER = "upper";
const LOWER = "lower";
/** Smallest step of light at an edge, as a share of the mean light. */
const LEAST_STEP = 0.015;
/** An edge's place is less certain than a label's: speckle, and light that ends unevenly. */
const EDGE_WEIGHT = 0.25;

/** Edges that face no grating needed to judge the gratings' size by these alone. */
const FEWEST_OUTER = 6;

/** A lens is allowed for when a straight fit leaves more than this, px, and enough is seen to determine it. */
const LENS = { residualPx: 0.2, labels: 8, sightings: 24, gain: 0.7 } as const;
/** What a label that does not go along with a fit counts, px². */
const OUTLIER = 0.1;
/** Lenses that bend more, as a share of the distance from the middle at the picture's corner, are not believed. */
const MOST_BENT = 0.016;

/**
 * Refines a pose by labels and edges; `reachUm` is how far labels may be from where the pose puts them. Where lines are bent
 * by the lens, the pose says how.
 */
export function refinePose(view: View, patterns: LabelPatterns, chip: Chip, start: Pose, reachUm: number): Refined {
  const straight = refineAs(view, patterns, chip, start, reachUm);
  const seen = straight.used.length;
  const worst = Math.max(straight.labelResidualPx, straight.edgeResidualPx) + straight.outliers.length;
  if (!(worst > LENS.residualPx) || seen < LENS.labels - 2 || 2 * seen + straight.edgesExpected < LENS.sightings)
    return straight;
  const { width, height } = view.picture;
  const radiusPx = Math.hypot(width, height) / 2;
  const lens = { middle: { x: width / 2, y: height / 2 }, radiusPx, radial: 0, shift: { x: 0, y: 0 } };
  const bent = refineAs(view, patterns, chip, { ...straight.pose, lens }, reachUm);
  const { radial = 0, shift = { x: 0, y: 0 } } = bent.pose.lens ?? {};
  const most = MOST_BENT * radiusPx;
  if (Math.abs(radial) > most || Math.hypot(shift.x, shift.y) > most) return straight;
  return bent.used.length >= Math.max(LENS.labels, straight.used.length) && misfit(bent) < LENS.gain * misfit(straight)
    ? bent
    : straight;
}

/** What a fit leaves: squares of residuals weighted as in it, px²; a label that does not go along, which may be none, counts little. */
function misfit({ used, outliers, labelResidualPx, edgeResidualPx, edges }: Refined): number {
  return 2 * used.length * labelResidualPx ** 2 + EDGE_WEIGHT * edges * edgeResidualPx ** 2 + OUTLIER * outliers.length;
}

function refineAs(view: View, patterns: LabelPatterns, chip: Chip, start: Pose, reachUm: number): Refined {
  let pose = start;
  let labels: FoundLabel[] = [];
  let edges: Sighting[] = [];
  let edgesExpected = 0;
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
    const seen = gratingEdges(view, chip, pose, Math.max(round === 0 ? EDGE_REACH_UM : 8, 2 / pose.pxPerUm));
    edges = seen.edges;
    edgesExpected = seen.expected;
    const sightings = [...labelSightings(labels), ...edges];
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
  };
}

/** Median distance by which upper edges lie too high and lower ones too low. */
function overhang(pose: Pose, edges: readonly Sighting[], outliers: ReadonlySet<string>): number {
  const down = direction(pose, { x: 0, y: 1 });
  const beyond = edges.flatMap(({ name, chip, picture }) => {
    if (outliers.has(name)) return [];
    const { x, y } = toPicture(pose, chip);
    const below = (picture.x - x) * down.x + (picture.y - y) * down.y;
    return [name.startsWith(UPPER) ? -below : below];
  });
  return beyond.sort((a, b) => a - b)[beyond.length >> 1] ?? 0;
}

/** The overhang of edges at the chip's rim and at missing gratings; undefined where few of them are in view. */
function outermost(view: View, chip: Chip, pose: Pose): number | undefined {
  const { edges } = gratingEdges(view, chip, pose, EDGE_REACH_UM, true);
  const mostOff = Math.max(4, 1 / pose.pxPerUm) * pose.pxPerUm;
  const near = edges.filter(({ chip: at, picture }) => {
    const there = toPicture(pose, at);
    return Math.hypot(picture.x - there.x, picture.y - there.y) < mostOff;
  });
  return near.length < FEWEST_OUTER ? undefined : overhang(pose, near, new Set());
}

/** Labels as sightings of their middles. */
export function labelSightings(labels: readonly FoundLabel[]): Sighting[] {
  return labels
    .filter(({ likeness }) => likeness >= LEAST_LIKENESS)
    .map(({ label, picture }) => ({ name: label.label, chip: labelMiddle(label), picture, weight: 1 }));
}

/**
 * Where the upper and lower edges of gratings in view lie, along the chip's y; only those that face no other grating with
 * `outer`.
 */
export function gratingEdges(
  view: View,
  chip: Chip,
  pose: Pose,
  reachUm: number,
  outer = false,
): { edges: Sighting[]; expected: number } {
  const { width, height } = view.picture;
  const stripUm = Math.max(outer ? STRIP_UM : Math.min(STRIP_UM, gapOf(chip).y / 2), 1 / pose.pxPerUm);
  const margin = stripUm + reachUm;
  const facing = outer ? outerEdges(chip) : undefined;
  const inView = chip.gratings.filter(
    (one) =>
      (facing?.has(one.label) ?? true) &&
      [one.x, one.x + one.width].every((x) =>
        [one.y - margin, one.y + one.height + margin].every((y) => {
          const at = toPicture(pose, { x, y });
          return at.x >= 1 && at.y >= 1 && at.x <= width - 1 && at.y <= height - 1;
        }),
      ),
  );
  const every = Math.ceil(inView.length / MOST_EDGES);
  const gratings = inView.filter((_, i) => i % every === 0);
  const [first] = gratings;
  if (first === undefined) return { edges: [], expected: 0 };
  const stepY = Math.max(2, 0.7 / pose.pxPerUm);
  const columns = 24;
  const stepX = (0.9 * first.width) / columns;
  const rows = Math.ceil((first.height + 2 * margin) / stepY);
  const profiles = profilesOf(
    view,
    pose,
    gratings,
    { x: 0.05 * first.width, y: -margin },
    { x: stepX, y: stepY },
    columns,
    rows,
  );
  const edges = gratings.flatMap((grating, i) => {
    const profile = new Profile(profiles.subarray(i * rows, (i + 1) * rows), stepY);
    return [0, first.height].flatMap((edge): Sighting[] => {
      if (facing?.get(grating.label)?.includes(edge) === false) return [];
      const sign = edge === 0 ? 1 : -1;
      const offset = profile.brightest((at) => sign * profile.step(margin + edge + at, stripUm), reachUm);
      if (offset === undefined) return [];
      const chipPoint = { x: grating.x + grating.width / 2, y: grating.y + edge };
      const picture = toPicture(pose, { x: chipPoint.x, y: chipPoint.y + offset });
      return [
        {
          name: `${edge === 0 ? UPPER : LOWER} edge of ${grating.label}`,
          chip: chipPoint,
          picture,
          along: { x: 0, y: 1 },
          weight: EDGE_WEIGHT,
        },
      ];
    });
  });
  return { edges, expected: 2 * gratings.length };
}

const knownOuter = new WeakMap<Chip, ReadonlyMap<string, readonly number[]>>();

/** By grating: those of its two edges (0 and its height) beyond which there is no other grating nearby. */
function outerEdges(chip: Chip): ReadonlyMap<string, readonly number[]> {
  const known = knownOuter.get(chip);
  if (known !== undefined) return known;
  const outer = new Map<string, readonly number[]>();
  for (const one of chip.gratings) {
    const above = (other: ChipBox) => one.y - other.y - other.height;
    const below = (other: ChipBox) => other.y - one.y - one.height;
    const beside = chip.gratings.filter(
      (other) => other !== one && other.x < one.x + one.width && other.x + other.width > one.x,
    );
    const isFree = (gap: (other: ChipBox) => number) =>
      beside.every((other) => gap(other) < 0 || gap(other) >= 2 * STRIP_UM);
    const free = [...(isFree(above) ? [0] : []), ...(isFree(below) ? [one.height] : [])];
    if (free.length > 0) outer.set(one.label, free);
  }
  knownOuter.set(chip, outer);
  return outer;
}

/**
 * How far the gratings in view lie from where the pose puts them along the chip's x, µm: from their left and right edges,
 * all together, because a single one shows little light there. undefined when they are not to be seen.
 */
export function sidewaysOffset(view: View, chip: Chip, pose: Pose, reachUm: number): number | undefined {
  const { width, height } = view.picture;
  const stripUm = Math.max(Math.min(STRIP_UM, gapOf(chip).x / 2), 1 / pose.pxPerUm);
  const margin = stripUm + reachUm;
  const gratings = chip.gratings.filter((one) =>
    [one.x - margin, one.x + one.width + margin].every((x) =>
      [one.y, one.y + one.height].every((y) => {
        const at = toPicture(pose, { x, y });
        return at.x >= 1 && at.y >= 1 && at.x <= width - 1 && at.y <= height - 1;
      }),
    ),
  );
  const [first] = gratings;
  if (first === undefined || gratings.length < 2) return undefined;
  const step = Math.max(1, 0.6 / pose.pxPerUm);
  const columns = 24;
  const rows = Math.ceil((first.width + 2 * margin) / step);
  // The same sampling with the chip's axes exchanged: rows of a patch go along x.
  const profiles = profilesOf(
    view,
    pose,
    gratings,
    { x: -margin, y: 0.05 * first.height },
    { x: step, y: (0.9 * first.height) / columns },
    columns,
    rows,
    true,
  );
  const together = new Float64Array(rows);
  for (let k = 0; k < rows; k++) {
    const values = gratings.map((_, i) => profiles[i * rows + k] as number).sort((a, b) => a - b);
    together[k] = values[values.length >> 1] as number;
  }
  const profile = new Profile(together, step);
  const [left, right] = [margin, margin + first.width];
  return profile.brightest((at) => profile.step(left + at, stripUm) - profile.step(right + at, stripUm), reachUm);
}

/** Width of the dark gaps between gratings, µm. */
function gapOf(chip: Chip): Point {
  const lattice = latticeOf(chip);
  if (lattice === undefined) return { x: STRIP_UM, y: STRIP_UM };
  return { x: lattice.pitch.x - lattice.box.x, y: lattice.pitch.y - lattice.box.y };
}

/** Means across a box of every grating, along one of the chip's directions, each divided by its own mean. */
function profilesOf(
  view: View,
  pose: Pose,
  gratings: readonly Point[],
  corner: Point,
  step: Point,
  columns: number,
  rows: number,
  alongX = false,
): Float64Array {
  const scaled = (v: Point) => {
    const turned = direction(pose, v);
    return { x: turned.x * pose.pxPerUm, y: turned.y * pose.pxPerUm };
  };
  const right = scaled(alongX ? { x: 0, y: step.y } : { x: step.x, y: 0 });
  const down = scaled(alongX ? { x: step.x, y: 0 } : { x: 0, y: step.y });
  const frames = new Float64Array(6 * gratings.length);
  gratings.forEach(({ x, y }, i) => {
    const start = toPicture(pose, { x: x + corner.x + step.x / 2, y: y + corner.y + step.y / 2 });
    frames.set([start.x, start.y, right.x, right.y, down.x, down.y], 6 * i);
  });
  const across = alongX ? step.x : step.y;
  const patches = samplePatches(view.atMost(across * pose.pxPerUm), frames, columns, rows);
  const profiles = new Float64Array(gratings.length * rows);
  for (let i = 0; i < gratings.length; i++) {
    let total = 0;
    for (let k = 0; k < rows; k++) {
      let sum = 0;
      for (let c = 0; c < columns; c++) sum += patches[(i * rows + k) * columns + c] as number;
      profiles[i * rows + k] = sum / columns;
      total += sum / columns;
    }
    const mean = total / rows || 1;
    for (let k = 0; k < rows; k++) profiles[i * rows + k] = (profiles[i * rows + k] as number) / mean;
  }
  return profiles;
}

/** Light along a line, sampled every `sample` µm. */
class Profile {
  private readonly values: Float64Array;
  private readonly sample: number;
  private readonly sums: Float64Array;

  constructor(values: Float64Array, sample: number) {
    this.values = values;
    this.sample = sample;
    this.sums = new Float64Array(values.length + 1);
    values.forEach((value, i) => {
      this.sums[i + 1] = (this.sums[i] as number) + value;
    });
  }

  /** Mean light of the strip behind a place minus that of the strip before it. */
  step(place: number, strip: number): number {
    return this.mean(place, place + strip) - this.mean(place - strip, place);
  }

  /** The offset within `reach` where `contrast` is highest; undefined when that is at the end of the range, or faint. */
  brightest(contrast: (offset: number) => number, reach: number): number | undefined {
    const steps = Math.max(2, Math.floor(reach / this.sample));
    let best = { at: 0, value: Number.NEGATIVE_INFINITY };
    for (let at = -steps; at <= steps; at++) {
      const value = contrast(at * this.sample);
      if (value > best.value) best = { at, value };
    }
    if (Math.abs(best.at) === steps || !(best.value > LEAST_STEP)) return undefined;
    const [before, after] = [contrast((best.at - 1) * this.sample), contrast((best.at + 1) * this.sample)];
    return (best.at + vertex(before, best.value, after)) * this.sample;
  }

  private mean(from: number, to: number): number {
    return ((this.upTo(to) - this.upTo(from)) * this.sample) / (to - from);
  }

  private upTo(place: number): number {
    const at = Math.max(0, Math.min(this.values.length, place / this.sample));
    const i = Math.min(this.values.length - 1, Math.floor(at));
    return (this.sums[i] as number) + (at - i) * (this.values[i] as number);
  }
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
