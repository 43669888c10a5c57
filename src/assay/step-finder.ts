// Finds the first step of an experiment: a change of level that many ROIs share, such as an injection without a marker.
// It uses only the frames so far, in order of capture, so a live run and a later analysis find the same step.
//
// It compares the level after a frame with the straight line through the two stretches before it. All three are medians, so
// outliers and bubbles of a few frames do not count, and a drift is not a step.
import { medianOf } from "../measurement/statistics.ts";
import { robustDeviation } from "./frame-noise.ts";

/** Number of frames after a step that confirm it. */
export const CONFIRMING_FRAMES = 11;
const MIDDLE = (CONFIRMING_FRAMES - 1) / 2;
/** Maximum number of frames in each of the two stretches before it. */
const MOST_BEFORE = 20;
const FEWEST_BEFORE = 3;
/** Number of frames before the noise can be estimated. */
const FEWEST_FRAMES = 12;
/** Noise and drift are estimated again whenever the number of frames has doubled, up to this many. */
const MOST_FOR_NOISE = 192;
/** Maximum number of ROIs; more add no information. */
const MOST_ROIS = 32;
/** Ratio of the variance of a median to that of a mean, for normal noise. */
const MEDIAN_VARIANCE = Math.PI / 2;
/** Quantile of the ROIs: the step must be visible in a quarter of them. */
const QUANTILE = 0.75;
/** That quantile of absolute values of normal noise. */
const USUAL = 1.15;
/** Standard deviations that chance does not reach in one curve. */
const SURE = 5.5;
/** Smallest deviation that counts, however many ROIs share it. */
const LEAST = 2.5;
/** Correction, in frames, because a noise estimate from few frames is uncertain. */
const UNCERTAIN = 6;
/** Smaller noise is rounding of numbers, px. */
const LEAST_NOISE = 1e-4;
/** A frame belongs to the step from this share of its size on. */
const ONSET = 0.4;
const ROUNDS = 3;

/** The curve of one ROI without its drift. */
interface Series {
  readonly roi: number;
  /** Measured positions; NaN if there is none. */
  px: Float64Array;
  /** The same without the drift. */
  level: Float64Array;
  /** Current estimate of the drift, px per frame. */
  slope: number;
  /** Frame-to-frame noise, px. */
  noise: number;
}

export class StepFinder {
  #series: readonly Series[] = [];
  #count = 0;
  #noiseOf = 0;
  #limit = SURE;

  /**
   * Adds the positions of all ROIs in the next frame, px, NaN if there is none. Returns the index of the first frame after a
   * step, once one is confirmed.
   */
  add(position: ArrayLike<number>): number | undefined {
    if (this.#count === 0) this.#series = seriesOf(position.length);
    for (const one of this.#series) append(one, this.#count, position[one.roi] ?? Number.NaN);
    this.#count += 1;
    const count = this.#count;
    if (count < FEWEST_FRAMES) return undefined;
    const isFirst = this.#noiseOf === 0;
    if (isFirst || (count === 2 * this.#noiseOf && count <= MOST_FOR_NOISE)) this.#findNoise();
    const last = count - CONFIRMING_FRAMES;
    for (let split = isFirst ? 1 : last; split <= last; split += 1) {
      const found = split < 2 * FEWEST_BEFORE ? undefined : this.#stepAt(split);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #findNoise(): void {
    const count = this.#count;
    this.#noiseOf = count;
    const differences = this.#series.map((one) => {
      const px = one.px.subarray(0, count);
      one.slope = slopeOf(px);
      for (let at = 0; at < count; at += 1) one.level[at] = (px[at] as number) - one.slope * at;
      const steps = px.subarray(1).map((value, at) => value - (px[at] as number));
      one.noise = Math.max(LEAST_NOISE, robustDeviation(steps) / Math.SQRT2);
      return steps.map((step) => Math.min(SURE, Math.abs(step - one.slope) / one.noise) ** 2);
    });
    // Checks whether the ROIs' errors are independent: the energy of a frame then hardly varies from frame to frame.
    const energy = Float64Array.from({ length: count - 1 }, (_, at) => {
      const finite = differences.map((of) => of[at] as number).filter(Number.isFinite);
      return finite.reduce((sum, one) => sum + one, 0) / finite.length;
    });
    const alike = (robustDeviation(energy) / medianOf(energy)) ** 2 / 2;
    const sure = SURE * (1 + UNCERTAIN / count);
    const limit = USUAL + sure * alike ** 0.25;
    this.#limit = Number.isFinite(limit) ? Math.min(sure, Math.max(LEAST, limit)) : sure;
  }

  #stepAt(split: number): number | undefined {
    const half = Math.min(MOST_BEFORE, split >> 1);
    const lines = this.#series.map(({ level }) => lineBefore(level, split, half));
    const ahead = 0.5 + (0.5 * CONFIRMING_FRAMES) / half;
    const error = Math.sqrt(MEDIAN_VARIANCE * (1 / CONFIRMING_FRAMES + ((1 + ahead) ** 2 + ahead ** 2) / half));
    const size = this.#shared(({ level }, i) => {
      const after = medianOf(level.subarray(split, split + CONFIRMING_FRAMES));
      return after - levelAt(lines[i] as Line, split + MIDDLE);
    });
    if (!(size > this.#limit * error)) return undefined;
    const off = (frame: number) =>
      this.#shared(({ level }, i) => (level[frame] as number) - levelAt(lines[i] as Line, frame));
    const enough = Math.max(this.#limit, ONSET * size);
    for (let frame = split; frame < split + CONFIRMING_FRAMES - 1; frame += 1) {
      if (off(frame) > enough && off(frame + 1) > enough) return frame;
    }
    return split + MIDDLE;
  }

  /** Returns the value that a quarter of the ROIs exceed, in multiples of the noise. */
  #shared(of: (series: Series, index: number) => number): number {
    const sizes = this.#series.map((one, i) => Math.abs(of(one, i)) / one.noise).filter(Number.isFinite);
    return sizes.sort((a, b) => a - b)[Math.floor(QUANTILE * (sizes.length - 1))] ?? Number.NaN;
  }
}

interface Line {
  readonly at: number;
  readonly value: number;
  readonly slope: number;
}

/** Returns the line through the medians of the two stretches of `half` frames before a frame. */
function lineBefore(level: Float64Array, split: number, half: number): Line {
  const early = medianOf(level.subarray(split - 2 * half, split - half));
  const late = medianOf(level.subarray(split - half, split));
  return { at: split - half + (half - 1) / 2, value: late, slope: (late - early) / half };
}

const levelAt = ({ at, value, slope }: Line, frame: number): number => value + slope * (frame - at);

/**
 * Returns the drift per frame, from the medians of the two halves. Iterates, because the halves scatter more while they contain
 * a drift.
 */
function slopeOf(px: Float64Array): number {
  const half = px.length >> 1;
  let slope = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const level = px.map((value, at) => value - slope * at);
    const rest = (medianOf(level.subarray(-half)) - medianOf(level.subarray(0, half))) / (px.length - half);
    if (!Number.isFinite(rest)) break;
    slope += rest;
  }
  return slope;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;
const ROOM = 64;

/**
 * Selects at most MOST_ROIS of `count` ROIs, spread over all of them without a fixed period, because halves of gratings
 * alternate.
 */
function seriesOf(count: number): Series[] {
  const chosen = new Set<number>();
  for (let i = 0; chosen.size < Math.min(count, MOST_ROIS); i += 1) {
    chosen.add(count <= MOST_ROIS ? i : Math.floor(((i * GOLDEN) % 1) * count));
  }
  const series = { px: new Float64Array(ROOM), level: new Float64Array(ROOM), slope: 0, noise: Number.NaN };
  return Array.from(chosen, (roi) => ({ ...series, roi, px: series.px.slice(), level: series.level.slice() }));
}

function append(series: Series, at: number, px: number): void {
  if (at === series.px.length) {
    series.px = doubled(series.px);
    series.level = doubled(series.level);
  }
  series.px[at] = px;
  series.level[at] = px - series.slope * at;
}

function doubled(values: Float64Array): Float64Array {
  const more = new Float64Array(2 * values.length);
  more.set(values);
  return more;
}
