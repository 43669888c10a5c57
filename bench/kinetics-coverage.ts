// Counts how often the error bars and the 95 % limits of kinetics contain the truth: the table of docs/kinetics.md.
// Run: npx tsx bench/kinetics-coverage.ts [--sets 1000] [--seed 21]
import { parseArgs } from "node:util";
import { fitCurveSet } from "../src/assay/kinetics/fit.ts";
import { modelNamed } from "../src/assay/kinetics/models.ts";
import { gauss } from "../test/analysis/gauss.ts";
import { dilutions, noisy, type Plan, simulated } from "../test/assay/kinetics/simulated.ts";

const { values: options } = parseArgs({
  options: { sets: { type: "string", default: "1000" }, seed: { type: "string", default: "21" } },
});
const sets = Number(options.sets);
const truth = { ka: 1e5, kd: 1e-3, rmax: 100 };
const truths = { ka: truth.ka, kd: truth.kd, KD: truth.kd / truth.ka, Rmax: truth.rmax };
const disturbed = { bulkPerM: 1e7, drift: (at: number) => 0.004 * (at - 2) };

for (const [model, rho, extra] of [
  ["1:1", 0, {}],
  ["1:1", 0.5, {}],
  ["1:1", 0.9, {}],
  ["1:1+bulk+drift", 0, disturbed],
  ["1:1+bulk+drift", 0.5, disturbed],
] as const) {
  const plan: Plan = { truth, concentrations: dilutions(1e-7, 6), intervalS: 5, noise: 1, rho, ...extra };
  const clean = simulated({ ...plan, noise: 0 });
  const random = gauss(Number(options.seed));
  const found = Array.from({ length: sets }, () => {
    const fit = fitCurveSet(noisy(clean, plan, random), modelNamed(model));
    if ("why" in fit) throw new Error(fit.why);
    return fit;
  });
  const shares = (["ka", "kd", "KD", "Rmax"] as const).map((name) => {
    // A bound has no error bar, so only numbers count.
    const numbers = found.map((fit) => fit[name]).filter(({ value }) => value !== null);
    const within = numbers.filter((one) => Math.abs((one.value ?? 0) - truths[name]) < (one.standardError ?? 0));
    const held = numbers.filter(({ low95, high95 }) => truths[name] > (low95 ?? 0) && truths[name] < (high95 ?? 0));
    const percent = (list: readonly unknown[]) => ((100 * list.length) / numbers.length).toFixed(1);
    return `${name} ${percent(within)}, ${percent(held)} of ${numbers.length}`;
  });
  process.stdout.write(`${model}, correlation ${rho}: ${shares.join("; ")}\n`);
}
