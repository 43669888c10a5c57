// Light along lines across gratings: where it rises and falls is where a grating begins and ends.
import { samplePatches } from "../analysis/correlate.ts";
import type { Chip } from "../chip/layout.ts";
import { latticeOf, vertex } from "./lattice.ts";
import { direction, type Point, type Pose, toPicture } from "./pose.ts";
import type { View } from "./view.ts";

/**
 * Strips on both sides of an edge that are compared, µm: no wider than half the gap to the next grating, so that
 * the contrast falls off alike on both sides of the edge.
 */
export const STRIP_UM = 22;
/** Smallest step of light at an edge, as a share of the mean light. */
const LEAST_STEP = 0.015;

/** Width of the dark gaps between gratings, µm. */
export function gapOf(chip: Chip): Point {
  const lattice = latticeOf(chip);
  if (lattice === undefined) return { x: STRIP_UM, y: STRIP_UM };
  return { x: lattice.pitch.x - lattice.box.x, y: lattice.pitch.y - lattice.box.y };
}

/** Means across a box of every grating, along one of the chip's directions, each divided by its own mean. */
export function profilesOf(
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
export class Profile {
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
