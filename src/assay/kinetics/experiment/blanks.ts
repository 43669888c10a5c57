// Chooses which blank of an experiment is subtracted from which cycle, and computes its effect on the errors. A blank must have
// the timing of the cycle and be quiet; the nearest in time is used.
import { medianOf } from "../../../measurement/statistics.ts";
import type { CurveCycle } from "../curve-set.ts";
import type { PlannedCycle } from "./cycles.ts";

/** A blank whose frame-to-frame noise exceeds the quietest by this factor is left out. */
const NOISIER = 3;
/** Allowed difference of a blank's switch times, frames. */
const OFF_FRAMES = 1.5;
/** Minimum length of a blank relative to the cycle. */
const LONG_ENOUGH = 0.9;
/** Share of the noise that comes from the blank if the errors are unknown: blank and sample are then taken as equally noisy. */
const HALF = Math.SQRT1_2;

/** How noisy a blank is, and where it is used. */
export interface BlankUse {
  readonly cycle: number;
  /** Median over the curves of the noise from frame to frame, px. */
  readonly noise: number;
  readonly isQuiet: boolean;
  /** The cycles that it is subtracted from. */
  readonly subtractedFrom: readonly number[];
}

/** The blank for each cycle of samples: its index in the plan, or undefined. */
export interface BlankChoice {
  readonly ofSample: readonly (number | undefined)[];
  readonly uses: readonly BlankUse[];
}

/** Chooses the blanks. `noises`: for each blank, the noise of each curve. */
export function chooseBlanks(
  samples: readonly PlannedCycle[],
  blanks: readonly PlannedCycle[],
  noises: readonly (readonly number[])[],
  intervalS: number,
): BlankChoice {
  const typical = noises.map((list) => medianOf(Float64Array.from(list.filter(Number.isFinite))));
  const least = typical.reduce((min, noise) => (noise < min ? noise : min), Number.POSITIVE_INFINITY);
  const isQuiet = typical.map((noise) => noise <= NOISIER * least);
  const ofSample = samples.map((sample) => {
    let best: number | undefined;
    blanks.forEach((blank, at) => {
      if (isQuiet[at] !== true || !isAlike(sample, blank, intervalS)) return;
      if (best === undefined || apart(sample, blank) < apart(sample, blanks[best] as PlannedCycle)) best = at;
    });
    return best;
  });
  const uses = blanks.map((blank, at) => ({
    cycle: blank.cycle,
    noise: typical[at] as number,
    isQuiet: isQuiet[at] === true,
    subtractedFrom: samples.filter((_sample, which) => ofSample[which] === at).map(({ cycle }) => cycle),
  }));
  return { ofSample, uses };
}

const startOf = ({ injections }: PlannedCycle): number => injections[0]?.startUs ?? 0;
const apart = (one: PlannedCycle, other: PlannedCycle): number => Math.abs(startOf(one) - startOf(other));

function isAlike(sample: PlannedCycle, blank: PlannedCycle, intervalS: number): boolean {
  const switches = (cycle: PlannedCycle) =>
    cycle.injections.flatMap(({ startUs, endUs }) => [startUs, endUs].map((us) => (us - startOf(cycle)) / 1e6));
  const [own, other] = [switches(sample), switches(blank)];
  const length = (cycle: PlannedCycle) => cycle.toUs - startOf(cycle);
  return (
    own.length === other.length &&
    own.every((timeS, at) => Math.abs(timeS - (other[at] as number)) <= OFF_FRAMES * intervalS) &&
    length(blank) >= LONG_ENOUGH * length(sample)
  );
}

/**
 * Subtracts a blank from a cycle, at the same time since the start of the first injection. Leaves out frames beyond the end of
 * the blank. `which`: number of the blank among the blanks of the curve.
 */
export function withoutBlank(cycle: CurveCycle, blank: CurveCycle, which: number): CurveCycle {
  const phase = phaseOf(cycle);
  const last = blank.timesS.length - 1;
  const places = cycle.timesS.map((timeS) => placeIn(blank.timesS, timeS, phase));
  const kept = Int32Array.from(places.keys()).filter((at) => !Number.isNaN(places[at]));
  const low = (at: number) => Math.floor(places[at] as number);
  const high = (at: number) => Math.min(low(at) + 1, last);
  const share = (at: number) => (places[at] as number) - low(at);
  const responses = Float64Array.from(kept, (at) => {
    const [from, to] = [blank.responses[low(at)] as number, blank.responses[high(at)] as number];
    return (cycle.responses[at] as number) - from - share(at) * (to - from);
  });
  const own = cycle.errors;
  const others = blank.errors;
  const errors =
    own === undefined || others === undefined
      ? undefined
      : Float64Array.from(kept, (at) => {
          const [from, to] = [others[low(at)] as number, others[high(at)] as number];
          return Math.hypot(own[at] as number, (1 - share(at)) * from, share(at) * to);
        });
  const part = Float64Array.from(kept, (at, i) => {
    return errors === undefined || others === undefined ? HALF : (others[low(at)] as number) / (errors[i] as number);
  });
  return {
    ...cycle,
    timesS: Float64Array.from(kept, (at) => cycle.timesS[at] as number),
    responses,
    errors,
    shared: {
      blank: which,
      frames: blank.timesS.length,
      at: Float64Array.from(kept, (at) => places[at] as number),
      part,
    },
  };
}

/** Returns a function that counts the switches before a time. */
function phaseOf({ injections }: CurveCycle): (timeS: number) => number {
  const switches = injections.flatMap(({ startS, endS }) => [startS, endS]);
  return (timeS) => switches.filter((at) => at <= timeS).length;
}

/**
 * Returns the fractional position of a time among others, between two of the same phase; NaN if the nearest is farther away
 * than usual.
 */
function placeIn(timesS: Float64Array, timeS: number, phase: (timeS: number) => number): number {
  let [low, high] = [0, timesS.length - 1];
  if (high < 1) return Number.NaN;
  const step = ((timesS[high] as number) - (timesS[0] as number)) / high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((timesS[middle] as number) <= timeS) low = middle;
    else high = middle;
  }
  const [from, to] = [timesS[low] as number, timesS[high] as number];
  if (timeS < from - OFF_FRAMES * step || timeS > to + OFF_FRAMES * step) return Number.NaN;
  const own = phase(timeS);
  const [isBefore, isAfter] = [phase(from) === own, phase(to) === own];
  if (isBefore && isAfter) return low + Math.min(1, Math.max(0, (timeS - from) / (to - from)));
  return isBefore ? low : isAfter ? high : Number.NaN;
}
