// What the fit of a cycle under way predicts, against simulated truth.
import { expect, test } from "vitest";
import type { CurveCycle } from "../../../src/assay/kinetics/curve-set.ts";
import { fitModel } from "../../../src/assay/kinetics/native-kinetics.ts";
import { predictionOf } from "../../../src/assay/kinetics/prediction.ts";
import { simulated } from "./simulated.ts";

const PLAIN = { kind: "1:1", bulk: false, drift: false, localRmax: false } as const;
const TRUTH = { ka: 1e5, kd: 2e-3, rmax: 100 };
const CONCENTRATION = 5e-8;
const RATE = TRUTH.ka * CONCENTRATION + TRUTH.kd;
const PLAN = {
  truth: TRUTH,
  concentrations: [CONCENTRATION],
  intervalS: 2,
  baselineS: 60,
  associationS: 600,
  noise: 0.8,
};

/** The frames of a cycle until a time. */
function until(cycle: CurveCycle, endS: number): CurveCycle {
  const count = cycle.timesS.filter((timeS) => timeS <= endS).length;
  return { ...cycle, timesS: cycle.timesS.slice(0, count), responses: cycle.responses.slice(0, count) };
}

const startOf = (cycle: CurveCycle): number => cycle.injections[0]?.startS ?? 0;

test("the time of 95 % is predicted from half of it, within limits that hold", () => {
  const truth = Math.log(20) / RATE;
  let held = 0;
  const seeds = Array.from({ length: 60 }, (_, seed) => seed + 1);
  for (const seed of seeds) {
    const [cycle] = simulated({ ...PLAN, dissociationS: 100, seed }).cycles as [CurveCycle];
    const found = predictionOf(fitModel([until(cycle, startOf(cycle) + truth / 2)], PLAIN, true));
    const { seconds = 0, low95 = 0, high95 = 0 } = found?.association95 ?? {};
    expect(Math.abs(seconds / truth - 1)).toBeLessThan(0.25);
    if (low95 <= truth && truth <= high95) held += 1;
  }
  expect(held / seeds.length).toBeGreaterThan(0.88);
});

test("nothing is predicted of an association that has hardly begun", () => {
  const [cycle] = simulated({ ...PLAN, dissociationS: 100, seed: 3 }).cycles as [CurveCycle];
  const found = predictionOf(fitModel([until(cycle, startOf(cycle) + 10)], PLAIN, true));
  expect(found?.association95).toBeUndefined();
  expect(found?.dissociation).toBeUndefined();
});

test("a dissociation of the predicted length fixes kd to 10 %", () => {
  const [cycle] = simulated({ ...PLAN, dissociationS: 600, seed: 1 }).cycles as [CurveCycle];
  const predicted = predictionOf(fitModel([cycle], PLAIN, true))?.dissociation;
  expect(predicted?.isAtLeast).toBe(false);
  const seconds = predicted?.seconds ?? 0;
  expect(seconds).toBeGreaterThan(10);
  expect(seconds).toBeLessThan(600);
  const model = { kind: "dissociation", bulk: false, drift: false, localRmax: true } as const;
  const found = Array.from({ length: 80 }, (_, seed) => {
    const [one] = simulated({ ...PLAN, dissociationS: seconds, seed: 100 + seed }).cycles as [CurveCycle];
    return Math.exp(fitModel([one], model, false).quantities[0]?.value ?? Number.NaN) / TRUTH.kd - 1;
  });
  const rms = Math.sqrt(found.reduce((sum, one) => sum + one * one, 0) / found.length);
  expect(rms).toBeGreaterThan(0.07);
  expect(rms).toBeLessThan(0.14);
});
