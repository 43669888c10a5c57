// The tests' own sensorgrams: Runge and Kutta's method of fourth order on the differential equations, nothing of the product.
import type { CurveCycle, CurveSet } from "../../../src/assay/kinetics/curve-set.ts";
import { autoregressive, gauss } from "../../analysis/gauss.ts";

interface Truth {
  readonly ka: number;
  readonly kd: number;
  readonly rmax: number;
  /** Response per M and second. */
  readonly kt?: number;
  /** A second kind of sites. */
  readonly second?: { readonly ka: number; readonly kd: number; readonly rmax: number };
}

export interface Plan {
  readonly truth: Truth;
  /** M; one cycle each, or all in one cycle. */
  readonly concentrations: readonly number[];
  readonly singleCycle?: boolean;
  readonly intervalS?: number;
  readonly baselineS?: number;
  readonly associationS?: number;
  readonly dissociationS?: number;
  /** Standard deviation of a frame, and its correlation with the one before. */
  readonly noise?: number;
  readonly rho?: number;
  readonly seed?: number;
  /** Bulk shift per M, and drift per second of cycle `at`. */
  readonly bulkPerM?: number;
  drift?(at: number): number;
  readonly withErrors?: boolean;
}

/** Longest step of the integration over the fastest time of the reaction. */
const FINE = 0.02;

/** Responses at ascending times; the analyte is over the surface as `concentrationAt` says, constant between `switches`. */
function integrate(
  truth: Truth,
  timesS: Float64Array,
  switches: readonly number[],
  concentrationAt: (timeS: number) => number,
): Float64Array {
  const sites = [truth, ...(truth.second === undefined ? [] : [truth.second])];
  const slope = (r: number, { ka, kd, rmax }: Truth, c: number) => {
    const held = truth.kt === undefined ? 1 : 1 + (ka * (rmax - r)) / truth.kt;
    return (ka * c * (rmax - r) - kd * r) / held;
  };
  const bound = sites.map(() => 0);
  const values = new Float64Array(timesS.length);
  let now = Math.min(timesS[0] as number, switches[0] ?? 0);
  timesS.forEach((timeS, at) => {
    const stops = [...switches.filter((s) => s > now && s < timeS), timeS];
    for (const stop of stops) {
      const c = concentrationAt((now + stop) / 2);
      const fastest = Math.max(...sites.map(({ ka, kd }) => ka * c + kd));
      const steps = Math.max(1, Math.ceil(((stop - now) * fastest) / FINE));
      const h = (stop - now) / steps;
      sites.forEach((site, which) => {
        let r = bound[which] as number;
        for (let step = 0; step < steps; step++) {
          const k1 = slope(r, site, c);
          const k2 = slope(r + (h * k1) / 2, site, c);
          const k3 = slope(r + (h * k2) / 2, site, c);
          const k4 = slope(r + h * k3, site, c);
          r += (h * (k1 + 2 * k2 + 2 * k3 + k4)) / 6;
        }
        bound[which] = r;
      });
      now = stop;
    }
    values[at] = bound.reduce((sum, r) => sum + r, 0);
  });
  return values;
}

/** A curve set as planned. */
export function simulated(plan: Plan): CurveSet {
  const {
    concentrations,
    singleCycle = false,
    intervalS = 1,
    baselineS = 60,
    associationS = 300,
    dissociationS = 600,
  } = plan;
  const random = gauss(plan.seed ?? 1);
  const lists = singleCycle ? [concentrations] : concentrations.map((concentration) => [concentration]);
  const cycles = lists.map((list, which): CurveCycle => {
    const pauseS = singleCycle ? associationS / 2 : 0;
    const injections = list.map((concentration, at) => {
      const startS = at * (associationS + pauseS);
      return { startS, endS: startS + associationS, concentration };
    });
    const endS = (injections.at(-1)?.endS ?? 0) + dissociationS;
    const count = Math.floor((endS + baselineS) / intervalS);
    const timesS = Float64Array.from({ length: count }, (_zero, at) => -baselineS + (at + 0.5) * intervalS);
    const during = (timeS: number) => injections.find(({ startS, endS: until }) => timeS >= startS && timeS < until);
    const switches = injections.flatMap(({ startS, endS: until }) => [startS, until]);
    const clean = integrate(plan.truth, timesS, switches, (timeS) => during(timeS)?.concentration ?? 0);
    const noise = autoregressive(random, count, plan.rho ?? 0);
    const drift = plan.drift?.(which) ?? 0;
    const responses = clean.map((value, at) => {
      const timeS = timesS[at] as number;
      const bulk = (during(timeS)?.concentration ?? 0) * (plan.bulkPerM ?? 0);
      return value + bulk + drift * timeS + (plan.noise ?? 0) * (noise[at] as number);
    });
    const errors = plan.withErrors === true ? responses.map(() => plan.noise ?? 1) : undefined;
    return { name: `cycle ${which + 1}`, timesS, responses, errors, injections };
  });
  return { name: "simulated", cycles };
}

/** Adds noise as planned to noiseless curves; each call adds other noise. */
export function noisy(clean: CurveSet, { noise = 0, rho = 0 }: Plan, random: () => number): CurveSet {
  const cycles = clean.cycles.map((cycle) => {
    const scatter = autoregressive(random, cycle.timesS.length, rho);
    return { ...cycle, responses: cycle.responses.map((value, at) => value + noise * (scatter[at] as number)) };
  });
  return { ...clean, cycles };
}

/** Concentrations about KD, each a third of the one before. */
export function dilutions(highest: number, count: number): number[] {
  return Array.from({ length: count }, (_zero, at) => highest / 3 ** at).reverse();
}
