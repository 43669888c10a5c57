// Least squares for values whose neighbouring residuals are correlated: first-order autoregressive noise, AR(1), with an
// unknown correlation. For each correlation on a grid, the restricted likelihood says how well it explains the values, and
// results are averaged with these weights. A single estimate would not do: from few frames the correlation cannot be estimated,
// and an estimate that is too small makes error bars too small.
import { studentBelow } from "./distributions.ts";

/** Grid of correlations between neighbours, all equally probable a priori. */
const CORRELATIONS = [...Array.from({ length: 20 }, (_, at) => at / 20), 0.98];
/** A coarser grid for a rough answer. */
const FEW_CORRELATIONS = [0, 0.3, 0.6, 0.8, 0.95];
/** Squared residuals below this share of the squared values are rounding errors. */
const CERTAIN = 1e-24;
/** Number of bisections of an interval: to a millionth. */
const ROUNDS = 20;
/** A correlation with a relative likelihood below this is ignored. */
const NO_SHARE = 1e-7;

/** A coefficient estimated with one correlation. */
interface Component {
  readonly share: number;
  readonly value: number;
  readonly error: number;
}

/** The distribution of a coefficient: a mixture of Student's t distributions. */
export interface Coefficient {
  readonly value: number;
  readonly freedom: number;
  readonly components: readonly Component[];
}

/** The values, and the columns that explain them. There are `gaps[i]` frames between value i − 1 and value i. */
export interface Regression {
  readonly values: Float64Array;
  readonly columns: readonly Float64Array[];
  readonly gaps: Float64Array;
}

/**
 * Estimates the coefficient of the last column; undefined if there are too few values, or if columns are linearly dependent.
 */
export function coefficientOf(regression: Regression, rough = false): Coefficient | undefined {
  const { values, columns } = regression;
  const freedom = values.length - columns.length;
  if (freedom < 1) return undefined;
  const fits = (rough ? FEW_CORRELATIONS : CORRELATIONS).flatMap((rho) => fitAt(regression, rho, freedom) ?? []);
  if (fits.length === 0) return undefined;
  const most = Math.max(...fits.map(({ likelihood }) => likelihood));
  const total = fits.reduce((sum, { likelihood }) => sum + Math.exp(likelihood - most), 0);
  const components = fits
    .map(({ likelihood, value, error }): Component => ({ share: Math.exp(likelihood - most) / total, value, error }))
    .filter(({ share }) => share > NO_SHARE);
  return { value: components.reduce((sum, { share, value }) => sum + share * value, 0), freedom, components };
}

/** Estimates the coefficient and its error for white noise, and the standard deviation of the residuals. */
export function whiteCoefficient(
  regression: Regression,
): { value: number; error: number; residual: number } | undefined {
  return fitAt(regression, 0, regression.values.length - regression.columns.length);
}

/** Returns half the width of the interval around the value that contains the true value with the given probability. */
export function halfWidth({ value, freedom, components }: Coefficient, probability: number): number {
  const held = (half: number) =>
    components.reduce((sum, one) => {
      if (!(one.error > 0)) return sum + (Math.abs(one.value - value) <= half ? one.share : 0);
      const below = (to: number) => studentBelow((to - one.value) / one.error, freedom);
      return sum + one.share * (below(value + half) - below(value - half));
    }, 0);
  let high = components.reduce((most, { error }) => Math.max(most, error), Number.MIN_VALUE);
  while (held(high) < probability && high < Number.MAX_VALUE / 4) high *= 2;
  let low = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const middle = (low + high) / 2;
    if (held(middle) < probability) low = middle;
    else high = middle;
  }
  return high;
}

/** Returns the probability that the true coefficient has the opposite sign of the estimate. */
export function oppositeSign({ value, freedom, components }: Coefficient): number {
  return components.reduce((sum, { share, value: one, error }) => {
    if (!(error > 0)) return sum + (one * value > 0 ? 0 : share);
    return sum + share * studentBelow((-Math.sign(value) * one) / error, freedom);
  }, 0);
}

/** Computes the last coefficient, its error and the logarithm of the restricted likelihood, for one correlation. */
function fitAt({ values, columns, gaps }: Regression, rho: number, freedom: number) {
  const size = columns.length;
  const normal = Array.from({ length: size + 1 }, () => new Float64Array(size + 1));
  const now = new Float64Array(size + 1);
  let logVariance = 0;
  for (let i = 0; i < values.length; i++) {
    const kept = i === 0 || rho === 0 ? 0 : rho ** (gaps[i] as number);
    const deviation = Math.sqrt(1 - kept * kept);
    logVariance += 2 * Math.log(deviation);
    for (let a = 0; a <= size; a++) {
      const column = columns[a] ?? values;
      const before = kept === 0 ? 0 : kept * (column[i - 1] as number);
      now[a] = ((column[i] as number) - before) / deviation;
    }
    for (let a = 0; a <= size; a++) {
      const row = normal[a] as Float64Array;
      for (let b = a; b <= size; b++) row[b] = (row[b] as number) + (now[a] as number) * (now[b] as number);
    }
  }
  return solved(normal, size, values.length, freedom, logVariance);
}

/** Eliminates all columns but the last, and returns the result for that one. */
function solved(normal: Float64Array[], size: number, count: number, freedom: number, logVariance: number) {
  let logDeterminant = 0;
  const all = normal[size]?.[size] as number;
  for (let a = 0; a < size; a++) {
    const row = normal[a] as Float64Array;
    const pivot = row[a] as number;
    if (!(pivot > 1e-12 * count)) return undefined;
    logDeterminant += Math.log(pivot);
    if (a === size - 1) break;
    for (let b = a + 1; b <= size; b++) {
      const factor = (row[b] as number) / pivot;
      const other = normal[b] as Float64Array;
      for (let c = b; c <= size; c++) other[c] = (other[c] as number) - factor * (row[c] as number);
    }
  }
  const last = normal[size - 1] as Float64Array;
  const [pivot, cross] = [last[size - 1] as number, last[size] as number];
  const rest = Math.max((normal[size]?.[size] as number) - (cross * cross) / pivot, CERTAIN * all, Number.MIN_VALUE);
  const likelihood = -0.5 * (logVariance + logDeterminant + freedom * Math.log(rest));
  const residual = Math.sqrt(rest / freedom);
  return { value: cross / pivot, error: residual / Math.sqrt(pivot), residual, likelihood };
}
