// Where the edges of gratings lie in a picture: upper and lower ones singly, left and right ones of all together.
import { samplePatches } from "../analysis/correlate.ts";
import type { Chip, ChipBox } from "../chip/layout.ts";
import { latticeOf, vertex } from "./lattice.ts";
import { direction, type Point, type Pose, type Sighting, toPicture } from "./pose.ts";
import type { View } from "./view.ts";

const MOST_EDGES = 250;
/**
 * Strips on both sides of an edge that are compared, µm: no wider than half the gap to the next grating, so that
 * the contrast falls off alike on both sides of the edge.
 */
const STRIP_UM = 22;
export const EDGE_REACH_UM = 16;
const UPPER = "upper";
const LOWER = "lower";
/** Smallest step of light at an edge, as a share of the mean light. */
const LEAST_STEP = 0.015;
/** An edge's place is less certain than a label's: speckle, and light that ends unevenly. */
export const EDGE_WEIGHT = 0.25;
/** Edges that face no grating needed to judge the gratings' size by these alone. */
const FEWEST_OUTER = 6;

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

/** Median distance by which upper edges lie too high and lower ones too low. */
export function overhang(pose: Pose, edges: readonly Sighting[], outliers: ReadonlySet<string>): number {
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
export function outermost(view: View, chip: Chip, pose: Pose): number | undefined {
  const { edges } = gratingEdges(view, chip, pose, EDGE_REACH_UM, true);
  const mostOff = Math.max(4, 1 / pose.pxPerUm) * pose.pxPerUm;
  const near = edges.filter(({ chip: at, picture }) => {
    const there = toPicture(pose, at);
    return Math.hypot(picture.x - there.x, picture.y - there.y) < mostOff;
  });
  return near.length < FEWEST_OUTER ? undefined : overhang(pose, near, new Set());
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
