// Checks whether a baseline is usable: flat, without a step, and without an injection. Otherwise its noise, drift and limit of
// detection describe something else, and shifts from it have no clear zero.
import { blockMeans } from "../measurement/statistics.ts";
import { shortList } from "../system/counted.ts";
import { coefficientOf, oppositeSign, type Regression, whiteCoefficient } from "./autoregression.ts";
import type { Trend } from "./trend.ts";

/** What can be wrong with a baseline. `injection`: it contains a marker or an injection. */
const BASELINE_WARNINGS = ["not_flat", "step", "injection"] as const;
export type BaselineWarning = (typeof BASELINE_WARNINGS)[number];

/** The warnings as text for a table cell. */
export const DOUBT_WORDS: Readonly<Record<BaselineWarning, string>> = {
  not_flat: "not flat",
  step: "step",
  injection: "marker within",
};

const CONSEQUENCES: Readonly<Record<BaselineWarning, string>> = {
  not_flat:
    "is not flat: the noise is valid from frame to frame only; over longer times, the limit of detection is higher",
  step: "contains a step: drift and shifts are not reliable",
  injection: "contains a marker or an injection",
};
/** Maximum number of labels in a line. */
const MOST_NAMED = 6;

/** Returns a line for each warning about any of these curves. */
export function baselineWarningLines(
  curves: readonly (readonly [label: string, warnings: readonly BaselineWarning[]])[],
): string[] {
  return BASELINE_WARNINGS.flatMap((warning) => {
    const named = curves.filter(([, warnings]) => warnings.includes(warning)).map(([label]) => label);
    if (named.length === 0) return [];
    const who = named.length === curves.length ? "every curve" : shortList(named, MOST_NAMED);
    return [`The baseline of ${who} ${CONSEQUENCES[warning]}. Choose a quiet window as the baseline.`];
  });
}

/** The points of a window without outliers, and their statistics. */
export interface Baseline {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly noise: number;
  readonly trend: Pick<Trend, "slope" | "doubt">;
  /** Typical standard error of a value, of independent noise; NaN if unknown. */
  readonly usualError: number;
}

/** A slope counts only if the probability of the opposite sign is below this. */
const SURE_SLOPE = 0.005;
/** A drift over the window of less than this multiple of the noise does not matter. */
const DRIFT_NOISES = 2;
/** Standard deviations by which neighbouring values must be more alike than white noise (von Neumann's ratio). */
const SURE_WANDER = 3.1;
/** With fewer values the ratio cannot become small enough. */
const FEWEST_TO_WANDER = 12;
/** A scatter over the window below this multiple of the frame-to-frame noise does not matter. */
const WANDER_NOISES = 1.3;
/** A step counts if the probability that chance produces one like it, anywhere in the window, is below this. */
const SURE_STEP = 0.002;
/** Up to this many frames, the stated errors distinguish drift from wander. */
const FEW = 12;
/** The residuals agree with the stated errors up to this factor. */
const LIKE_STATED = 1.5;
/** Size of a certain effect, in multiples of its error. */
const PLAIN_ERRORS = 4.5;
/** Smaller effects, in multiples of the stated errors, do not matter. */
const PLAIN_SIZE = 4;
/** Smaller steps, in multiples of the noise, cannot be distinguished from wander. */
const STEP_NOISES = 4;
const FEWEST_TO_STEP = 8;
/** Longer windows are averaged into this many points before the search for a step. */
const MOST_POINTS = 96;

/** Returns the warnings about the values themselves, in the order of BASELINE_WARNINGS; none while their noise is unknown. */
export function baselineWarningsOf(baseline: Baseline): BaselineWarning[] {
  if (!(baseline.noise > 0)) return [];
  const warnings: BaselineWarning[] = [];
  if (drifts(baseline) || wanders(baseline)) warnings.push("not_flat");
  if (steps(baseline)) warnings.push("step");
  return warnings;
}

function drifts(baseline: Baseline): boolean {
  const { times, values, noise, trend } = baseline;
  const [first, span] = [times[0] ?? 0, (times.at(-1) ?? 0) - (times[0] ?? 0)];
  if (Math.abs(trend.slope) * span > DRIFT_NOISES * noise && trend.doubt < SURE_SLOPE) return true;
  const column = times.map((time) => (time - first) / span - 0.5);
  return isPlain(baseline, levelAnd(values, column));
}

/** Whether a step between two frames explains everything except the values' own errors, and a drift does not. */
function hasPlainStep(baseline: Baseline): boolean {
  const { values } = baseline;
  const splits = Array.from({ length: Math.max(0, values.length - 1) }, (_, before) => before + 1);
  const isStep = (split: number) =>
    isPlain(
      baseline,
      levelAnd(
        values,
        values.map((_value, at) => (at < split ? 0 : 1)),
      ),
    );
  return splits.some(isStep) && !drifts(baseline);
}

/** A regression of the values on a constant and one column. */
function levelAnd(values: Float64Array, column: Float64Array): Regression {
  const zero = values[0] ?? 0;
  const ones = values.map(() => 1);
  return { values: values.map((value) => value - zero), columns: [ones, column], gaps: ones };
}

/**
 * Whether the coefficient of the last column is certain. This requires that the residuals agree with the values' own
 * independent errors, because so few frames cannot distinguish wander from drift by themselves. If the actual errors exceed the
 * stated ones, the result is false.
 */
function isPlain({ usualError }: Baseline, regression: Regression): boolean {
  const found = whiteCoefficient(regression);
  if (regression.values.length > FEW || found === undefined || !(found.residual > 0)) return false;
  if (!(found.residual < LIKE_STATED * usualError)) return false;
  const error = (found.error / found.residual) * Math.max(usualError, found.residual);
  return Math.abs(found.value) > PLAIN_ERRORS * error && Math.abs(found.value) > PLAIN_SIZE * usualError;
}

function wanders({ values, noise }: Baseline): boolean {
  const count = values.length;
  if (count < FEWEST_TO_WANDER) return false;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  let [squares, stepSquares] = [0, 0];
  values.forEach((value, i) => {
    squares += (value - mean) ** 2;
    if (i > 0) stepSquares += (value - (values[i - 1] as number)) ** 2;
  });
  const deviation = Math.sqrt((4 * (count - 2)) / (count * count - 1));
  const alike = (2 - stepSquares / squares) / deviation;
  return alike > SURE_WANDER && Math.sqrt(squares / (count - 1)) > WANDER_NOISES * noise;
}

function steps(baseline: Baseline): boolean {
  const zero = baseline.values[0] ?? 0;
  if (baseline.values.length <= FEW && hasPlainStep(baseline)) return true;
  const values = blockMeans(
    baseline.values.map((value) => value - zero),
    MOST_POINTS,
  );
  const count = values.length;
  if (count < FEWEST_TO_STEP) return false;
  const regressionAt = (split: number): Regression => ({
    values,
    columns: [
      new Float64Array(count).fill(1),
      Float64Array.from({ length: count }, (_, i) => (2 * i) / (count - 1) - 1),
      Float64Array.from({ length: count }, (_, i) => (i < split ? 0 : 1)),
    ],
    gaps: new Float64Array(count).fill(1),
  });
  let [best, most] = [0, 0];
  for (let split = 2; split <= count - 2; split++) {
    const { value, error } = whiteCoefficient(regressionAt(split)) ?? { value: 0, error: 1 };
    if (Math.abs(value) <= most * error) continue;
    most = Math.abs(value) / error;
    best = split;
  }
  if (best === 0) return false;
  const step = coefficientOf(regressionAt(best), true);
  if (step === undefined || Math.abs(step.value) < STEP_NOISES * baseline.noise) return false;
  return oppositeSign(step) * (count - 3) < SURE_STEP;
}
