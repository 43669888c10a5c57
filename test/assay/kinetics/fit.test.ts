// The engine against the tests' own integration of the differential equations.
import { expect, test } from "vitest";
import { fitCurveSet, type KineticsFit, type NoFit } from "../../../src/assay/kinetics/fit.ts";
import { type Model, modelNamed } from "../../../src/assay/kinetics/models.ts";
import { fitModel } from "../../../src/assay/kinetics/native-kinetics.ts";
import { boundOf } from "../../../src/assay/kinetics/residuals.ts";
import { dilutions, type Plan, simulated } from "./simulated.ts";

const TRUTH = { ka: 1e5, kd: 1e-3, rmax: 100 };
const PLAN: Plan = { truth: TRUTH, concentrations: dilutions(1e-7, 6), intervalS: 4 };

function fitted(plan: Plan, model: string): KineticsFit {
  const found = fitCurveSet(simulated(plan), modelNamed(model));
  if (isNone(found)) throw new Error(found.why);
  return found;
}

function isNone(found: KineticsFit | NoFit): found is NoFit {
  return "why" in found;
}

const off = (value: number | null | undefined, truth: number) => Math.abs((value ?? Number.NaN) / truth - 1);

test.each([
  ["1:1", PLAN, 1e-6],
  ["1:1", { ...PLAN, singleCycle: true }, 1e-6],
  ["1:1+bulk+drift", { ...PLAN, bulkPerM: 3e7, drift: (at: number) => 0.002 * (at - 2) }, 1e-6],
  ["1:1+local", PLAN, 1e-6],
  ["auto", PLAN, 1e-6],
] as const)("%s finds the rates of noiseless curves", (model, plan, within) => {
  const { ka, kd, KD, Rmax } = fitted(plan, model);
  expect(off(ka.value, TRUTH.ka)).toBeLessThan(within);
  expect(off(kd.value, TRUTH.kd)).toBeLessThan(within);
  expect(off(KD.value, TRUTH.kd / TRUTH.ka)).toBeLessThan(within);
  if (model !== "1:1+local") expect(off(Rmax.value, TRUTH.rmax)).toBeLessThan(within);
});

test.each([0.1, 1, 10])("the form of mass transport is that of a fine integration, with ka Rmax / kt of %d", (m) => {
  const ka = 1e6;
  const kt = (ka * TRUTH.rmax) / m;
  const found = fitted({ ...PLAN, truth: { ...TRUTH, ka, kt }, concentrations: dilutions(1e-8, 6) }, "mass-transport");
  expect(off(found.ka.value, ka)).toBeLessThan(1e-4);
  expect(off(found.kd.value, TRUTH.kd)).toBeLessThan(1e-4);
  expect(off(found.kt?.value, kt)).toBeLessThan(1e-4);
  const worst = found.fit.cycles.flatMap(({ fitted: model, index, cycle }) =>
    Array.from(model, (value, at) => Math.abs(value - (cycle.responses[index[at] as number] as number))),
  );
  expect(Math.max(...worst)).toBeLessThan(1e-5 * TRUTH.rmax);
});

test("two sites are told apart, the larger first", () => {
  const second = { ka: 1e6, kd: 2e-2, rmax: 40 };
  const found = fitted({ ...PLAN, truth: { ...TRUTH, second }, noise: 0.01 }, "two-site");
  expect(off(found.ka.value, TRUTH.ka)).toBeLessThan(0.01);
  expect(off(found.second?.kd.value, second.kd)).toBeLessThan(0.01);
  expect(off(found.second?.Rmax.value, second.rmax)).toBeLessThan(0.01);
});

test("a dissociation alone gives kd", () => {
  expect(off(fitted({ ...PLAN, noise: 0.1 }, "dissociation").kd.value, TRUTH.kd)).toBeLessThan(0.01);
});

test.each(["steady-state", "hill"])("%s gives KD from plateaus", (model) => {
  const plan = { ...PLAN, truth: { ka: 1e5, kd: 2e-2, rmax: 100 }, concentrations: dilutions(2e-6, 8), noise: 0.05 };
  const found = fitted(plan, model);
  expect(off(found.KD.value, 2e-7)).toBeLessThan(0.02);
  expect(found.flags).toEqual([]);
  if (model === "hill") expect(off(found.hill?.value, 1)).toBeLessThan(0.02);
});

test("a plateau that still rises is flagged", () => {
  expect(fitted({ ...PLAN, noise: 0.05 }, "steady-state").flags).toContain("not_at_equilibrium");
});

test("points with their own errors count by them", () => {
  const set = simulated({ ...PLAN, noise: 0.5, withErrors: true, seed: 3 });
  const cycles = set.cycles.map((cycle, at) => {
    if (at !== 5) return cycle;
    // One curve that is wrong, and says so.
    return { ...cycle, responses: cycle.responses.map((value) => value * 1.5), errors: cycle.errors?.map(() => 500) };
  });
  const found = fitCurveSet({ name: "weighted", cycles }, modelNamed("1:1"));
  if (isNone(found)) throw new Error(found.why);
  expect(off(found.ka.value, TRUTH.ka)).toBeLessThan(0.02);
});

test("bulk shift and drift come back as they were put in", () => {
  const plan = { ...PLAN, bulkPerM: 3e7, drift: () => 0.01 };
  const { cycles } = fitModel(simulated(plan).cycles, modelNamed("1:1+bulk+drift") as Model, false);
  expect(off(cycles[5]?.bulk[0], 3)).toBeLessThan(1e-6);
  expect(off(cycles[2]?.drift, 0.01)).toBeLessThan(1e-6);
  expect(Math.max(...boundOf(cycles[5] as (typeof cycles)[number]))).toBeLessThan(TRUTH.rmax);
});

test("what cannot be fitted is said, not guessed", () => {
  const blanks = simulated({ ...PLAN, concentrations: [0, 0] });
  expect(fitCurveSet(blanks, "auto")).toMatchObject({ why: "no injection has a concentration above 0" });
  expect(fitCurveSet({ name: "empty", cycles: [] }, "auto")).toMatchObject({ why: "there are no points" });
  const few = simulated({ ...PLAN, concentrations: [1e-8], intervalS: 300, baselineS: 0 });
  expect(fitCurveSet(few, modelNamed("1:1"))).toMatchObject({
    why: expect.stringContaining("3 points cannot determine 3 parameters"),
  });
});
