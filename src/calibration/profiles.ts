// Samples the light along lines across the edges of gratings: where it rises and falls, a grating begins and ends.
import { samplePatches } from "../analysis/correlate.ts";
import type { Chip } from "../chip/chip.ts";
import { vertex } from "./lags.ts";
import { latticeOf } from "./lattice.ts";
import { localAxes, type Point, type Pose, toPicture } from "./pose.ts";
import type { View } from "./view.ts";

/**
 * Width of the strips compared on both sides of an edge, µm: at most half the gap to the next grating, so that the contrast
 * falls equally on both sides of the edge.
 */
export const STRIP_UM = 22;
/** Minimum step of light at an edge, as a share of the mean light. */
const LEAST_STEP = 0.015;

/** Returns the width of the dark gaps between gratings, µm. */
export function gapOf(chip: Chip): Point {
  const lattice = latticeOf(chip);
  if (lattice === undefined) return { x: STRIP_UM, y: STRIP_UM };
  return { x: lattice.pitch.x - lattice.box.x, y: lattice.pitch.y - lattice.box.y };
}

/** Returns the width compared on both sides of a grating's left or right edge, µm. */
export function sideStrip(chip: Chip, pose: Pose): number {
  return Math.max(Math.min(STRIP_UM, gapOf(chip).x / 2), 1 / pose.pxPerUm);
}

/** Number of samples along an edge, and of the parts into which it is divided if a lens bends it. */
const LINES = 24;
const BENT_PARTS = 4;

/** Edges of boxes: centres on the chip, the length over which light is averaged, and the width compared on both sides, µm. */
export interface EdgeLines {
  readonly middles: readonly Point[];
  /** Upper and lower edges are along the chip's x, left and right ones along its y. */
  readonly lie: "along x" | "along y";
  readonly length: number;
  readonly beyond: number;
  /** Distance between samples across the edge. */
  readonly step: number;
}

/**
 * Returns the light across each edge, towards the chip's larger y (or x), averaged along the edge and divided by its own mean.
 */
export function profilesOf(view: View, pose: Pose, lines: EdgeLines): Profile[] {
  const { middles, lie, length, beyond, step } = lines;
  const parts = pose.lens === undefined ? 1 : BENT_PARTS;
  const columns = LINES / parts;
  const [stepAlong, rows] = [length / LINES, 2 * Math.ceil(beyond / step)];
  const frames = new Float64Array(6 * middles.length * parts);
  let at = 0;
  for (const middle of middles) {
    for (let part = 0; part < parts; part++) {
      const off = length * ((part + 0.5) / parts - 0.5);
      const place = lie === "along x" ? { x: middle.x + off, y: middle.y } : { x: middle.x, y: middle.y + off };
      const { right, down } = localAxes(pose, place);
      const [along, across] = lie === "along x" ? [right, down] : [down, right];
      const { x, y } = toPicture(pose, place);
      const [u, v] = [stepAlong * (columns / 2 - 0.5), step * (rows / 2 - 0.5)];
      frames[at] = x - along.x * u - across.x * v;
      frames[at + 1] = y - along.y * u - across.y * v;
      frames[at + 2] = along.x * stepAlong;
      frames[at + 3] = along.y * stepAlong;
      frames[at + 4] = across.x * step;
      frames[at + 5] = across.y * step;
      at += 6;
    }
  }
  const patches = samplePatches(view.atMost(step * pose.pxPerUm), frames, columns, rows);
  return middles.map((_, i) => {
    const values = new Float64Array(rows);
    let total = 0;
    for (let k = 0; k < rows; k++) {
      let sum = 0;
      for (let part = 0; part < parts; part++) {
        const start = ((i * parts + part) * rows + k) * columns;
        for (let c = 0; c < columns; c++) sum += patches[start + c] as number;
      }
      values[k] = sum / LINES;
      total += sum / LINES;
    }
    const mean = total / rows || 1;
    return new Profile(
      values.map((value) => value / mean),
      step,
    );
  });
}

/** Light along a line, sampled every `sample` µm; positions are µm from its middle. */
export class Profile {
  readonly values: Float64Array;
  private readonly middle: number;
  private readonly sample: number;
  private readonly sums: Float64Array;

  constructor(values: Float64Array, sample: number) {
    this.values = values;
    this.sample = sample;
    this.middle = (values.length * sample) / 2;
    this.sums = new Float64Array(values.length + 1);
    values.forEach((value, i) => {
      this.sums[i + 1] = (this.sums[i] as number) + value;
    });
  }

  /** Returns the mean light of the strip after a position minus that of the strip before it. */
  step(place: number, strip: number): number {
    return this.mean(place, place + strip) - this.mean(place - strip, place);
  }

  /**
   * Returns the offset within `reach` of `around` with the highest `contrast`; undefined if it is at the end of the range, or
   * faint.
   */
  brightest(contrast: (offset: number) => number, reach: number, around = 0): number | undefined {
    const steps = Math.max(2, Math.floor(reach / this.sample));
    const valueAt = (at: number) => contrast(around + at * this.sample);
    let best = { at: 0, value: Number.NEGATIVE_INFINITY };
    for (let at = -steps; at <= steps; at++) {
      const value = valueAt(at);
      if (value > best.value) best = { at, value };
    }
    if (Math.abs(best.at) === steps || !(best.value > LEAST_STEP)) return undefined;
    return around + (best.at + vertex(valueAt(best.at - 1), best.value, valueAt(best.at + 1))) * this.sample;
  }

  /**
   * Returns how dark a strip of `width` around a position is, compared with the darker of its two neighbours of width `strip`.
   */
  gap(place: number, width: number, strip: number): number {
    const [left, right] = [place - width / 2, place + width / 2];
    return Math.min(this.mean(left - strip, left), this.mean(right, right + strip)) - this.mean(left, right);
  }

  private mean(from: number, to: number): number {
    return ((this.upTo(to) - this.upTo(from)) * this.sample) / (to - from);
  }

  private upTo(place: number): number {
    const at = Math.max(0, Math.min(this.values.length, (place + this.middle) / this.sample));
    const i = Math.min(this.values.length - 1, Math.floor(at));
    return (this.sums[i] as number) + (at - i) * (this.values[i] as number);
  }
}
