// Estimates the scatter of each kind of sighting from the residuals of a fit, with lower limits for printing and optics.
import type { Matrix } from "../measurement/linear.ts";
import { medianOf } from "../measurement/statistics.ts";
import type { Pose } from "./pose.ts";
import { type Row, redundancy } from "./pose-equations.ts";
import type { Kind, Noise, Sighting } from "./sighting.ts";

/**
 * Minimum standard deviation of a sighting of weight 1, px and µm: glyphs and gratings do not match their drawings to the last
 * tenth of a micrometre. The residuals of a kind show how much larger it is.
 */
const LEAST_NOISE: Readonly<Record<Kind, { readonly px: number; readonly um: number }>> = {
  label: { px: 0.05, um: 0.1 },
  edge: { px: 0.1, um: 0.1 },
  side: { px: 0.15, um: 0.15 },
  guess: { px: 0.5, um: 0 },
};
/** Weight of the prior of the minimum noise, in sightings of a kind. */
const EXPECTED = 3;

/** Residuals smaller than this, px, count as noise even if all the others are smaller still. */
const NOISE_PX = 0.15;
const MOST_SPREAD = { px: 0.4, um: 2 } as const;

/**
 * Returns the spread of the residuals of each kind, px, with a few of all kinds mixed in: labels need not be as exact as edges.
 * The spread of labels is limited to what printing and optics cause, so that half of them may be wrong.
 */
export function spreadsOf(sightings: readonly Sighting[], residuals: readonly number[], { pxPerUm }: Pose): Noise {
  const all = medianOf(Float64Array.from(residuals)) || 0;
  const of = (kind: Kind, most = Number.POSITIVE_INFINITY) => {
    const own = residuals.filter((_, i) => sightings[i]?.kind === kind);
    const square = EXPECTED * all * all + own.length * (medianOf(Float64Array.from(own)) || 0) ** 2;
    const spread = 1.4826 * Math.sqrt(square / (EXPECTED + own.length));
    return Math.max(NOISE_PX, Math.min(most, spread));
  };
  const label = of("label", Math.max(MOST_SPREAD.px, MOST_SPREAD.um * pxPerUm));
  return { label, edge: of("edge"), side: of("side"), guess: of("guess") };
}

export function leastNoise({ pxPerUm }: Pose): Noise {
  const of = ({ px, um }: { readonly px: number; readonly um: number }) => Math.max(px, um * pxPerUm);
  const { label, edge, side, guess } = LEAST_NOISE;
  return { label: of(label), edge: of(edge), side: of(side), guess: of(guess) };
}

/**
 * Returns the standard deviation of a sighting of weight 1 of each kind in one direction, px, as variance components: the
 * residuals of a kind relative to their redundancy (Förstner 1979), with the minimum noise as prior.
 */
export function noiseOf(
  sightings: readonly Sighting[],
  residuals: readonly number[],
  trust: readonly number[],
  rows: readonly Row[],
  covariance: Matrix,
  pose: Pose,
): Noise {
  const least = leastNoise(pose);
  const of = (kind: Kind) => {
    let [sum, count] = [EXPECTED * least[kind] ** 2, EXPECTED];
    sightings.forEach((sighting, i) => {
      if (sighting.kind === kind) sum += (trust[i] ?? 0) * (residuals[i] ?? 0) ** 2;
    });
    for (const row of rows) {
      if (sightings[row.of]?.kind === kind && (trust[row.of] ?? 0) > 0)
        count += Math.max(0, redundancy(row, covariance));
    }
    return Math.max(least[kind], Math.sqrt(sum / count));
  };
  const edge = of("edge");
  // Guesses fill in what edges do not determine, and never outweigh edges that have yet to be matched.
  return { label: of("label"), edge, side: of("side"), guess: (least.guess * edge) / least.edge };
}
