// Bias, coverage of the error bars, and that nothing is a number that the data do not fix. `PHOREST_KINETICS_SETS` sets of each
// kind; figures for 1,000 of them: docs/kinetics.md.
import { expect, test } from "vitest";
import { fitCurveSet, type KineticsFit } from "../../../src/assay/kinetics/fit.ts";
import { modelNamed } from "../../../src/assay/kinetics/models.ts";
import { gauss } from "../../analysis/gauss.ts";
import { DEGENERATE } from "./degenerate.ts";
import { dilutions, noisy, type Plan, simulated } from "./simulated.ts";

const SETS = Number(process.env.PHOREST_KINETICS_SETS ?? 300);

/** Fits of one plan with noise that differs. */
function fits(plan: Plan, model: string, seed: number, count = SETS): KineticsFit[] {
  const clean = simulated({ ...plan, noise: 0 });
  const random = gauss(seed);
  return Array.from({ length: count }, () => {
    const found = fitCurveSet(noisy(clean, plan, random), modelNamed(model));
    if ("why" in found) throw new Error(found.why);
    return found;
  });
}

const QUANTITIES = ["ka", "kd", "KD"] as const;

test.each([
  ["KD 1e-6", { ka: 1e4, kd: 1e-2, rmax: 100 }, 1e-5],
  ["KD 1e-7", { ka: 1e5, kd: 1e-2, rmax: 100 }, 1e-6],
  ["KD 1e-8", { ka: 1e5, kd: 1e-3, rmax: 100 }, 1e-7],
  ["KD 1e-9", { ka: 1e6, kd: 1e-3, rmax: 100 }, 1e-8],
  ["KD 1e-10", { ka: 1e6, kd: 1e-4, rmax: 100 }, 1e-8],
] as const)("bias of the rates below 2 %%: %s", (_name, truth, highest) => {
  const plan: Plan = { truth, concentrations: dilutions(highest, 6), intervalS: 5, dissociationS: 1200, noise: 0.5 };
  const found = fits(plan, "auto", 11, 30);
  const truths = { ka: truth.ka, kd: truth.kd, KD: truth.kd / truth.ka };
  for (const name of QUANTITIES) {
    expect(found.every((one) => one[name].value !== null)).toBe(true);
    const mean = found.reduce((sum, one) => sum + (one[name].value ?? 0), 0) / found.length;
    expect(Math.abs(mean / truths[name] - 1)).toBeLessThan(0.02);
  }
});

/** Standard deviation of a share of SETS, in which the true share may be missed. */
const scatter = (share: number) => Math.sqrt((share * (1 - share)) / SETS);

test.each([
  ["independent noise", 0, "1:1", {}],
  ["correlated noise", 0.7, "1:1", {}],
  ["independent noise, bulk, drift", 0, "1:1+bulk+drift", { bulkPerM: 1e7, drift: (at: number) => 0.004 * (at - 2) }],
  ["correlated noise, bulk, drift", 0.7, "1:1+bulk+drift", { bulkPerM: 1e7, drift: (at: number) => 0.004 * (at - 2) }],
] as const)("error bars hold with %s", (_name, rho, model, extra) => {
  const truth = { ka: 1e5, kd: 1e-3, rmax: 100 };
  const plan: Plan = { truth, concentrations: dilutions(1e-7, 6), intervalS: 5, noise: 0.5, rho, ...extra };
  const found = fits(plan, model, 21);
  const truths = { ka: truth.ka, kd: truth.kd, KD: truth.kd / truth.ka };
  for (const name of QUANTITIES) {
    const within = (one: KineticsFit) =>
      Math.abs((one[name].value ?? 0) - truths[name]) < (one[name].standardError ?? 0);
    const held = (one: KineticsFit) => truths[name] > (one[name].low95 ?? 0) && truths[name] < (one[name].high95 ?? 0);
    const [in68, in95] = [found.filter(within).length / SETS, found.filter(held).length / SETS];
    expect(Math.abs(in68 - 0.68)).toBeLessThan(0.02 + 3 * scatter(0.68));
    expect(Math.abs(in95 - 0.95)).toBeLessThan(0.01 + 3 * scatter(0.95));
  }
});

test.each(DEGENERATE.map((one) => [one.kind, one] as const))(
  "no number where there is none: %s",
  (_kind, { plan, free }) => {
    for (const [model, rho] of [
      ["1:1", 0],
      ["1:1+bulk+drift", 0.7],
    ] as const) {
      const found = fits({ ...plan, rho }, model, 31);
      for (const name of free) expect(found.filter((one) => one[name].value !== null)).toEqual([]);
    }
  },
);
