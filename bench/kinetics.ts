// Fits of binding kinetics: CPU time for a chip of 322 gratings with 6 concentrations of 1,000 points each, and the ratio to SciPy's
// least squares on the same 1:1 model and data.
// Run: npx tsx bench/kinetics.ts [--sets 40]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CurveSet } from "../src/assay/kinetics/curve-set.ts";
import { type Model, modelNamed } from "../src/assay/kinetics/models.ts";
import { fitModel } from "../src/assay/kinetics/native-kinetics.ts";
import { SCIPY } from "../test/assay/kinetics/scipy.ts";
import { dilutions, simulated } from "../test/assay/kinetics/simulated.ts";
import { hasPython, runPython } from "../test/python.ts";

const GRATINGS = 322;
const { values: options } = parseArgs({ options: { sets: { type: "string", default: "40" } } });
const count = Number(options.sets);
const truth = { ka: 1e5, kd: 1e-3, rmax: 100 };

function sets(extra: object): CurveSet[] {
  const plan = { truth, concentrations: dilutions(1e-7, 6), noise: 1, baselineS: 100, ...extra };
  return Array.from({ length: count }, (_zero, at) => simulated({ ...plan, seed: at + 1 }));
}

/** Returns the CPU seconds for one set. */
function secondsOf(list: readonly CurveSet[], model: string, profiles: boolean): number {
  const from = process.cpuUsage();
  for (const { cycles } of list) fitModel(cycles, modelNamed(model) as Model, profiles);
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1e6 / list.length;
}

const drifting = { bulkPerM: 1e7, drift: (at: number) => 0.001 * at };
const rows: Record<string, string | number>[] = [];
for (const [model, extra] of [
  ["1:1", {}],
  ["1:1+bulk+drift", drifting],
  ["mass-transport+bulk+drift", { ...drifting, truth: { ...truth, kt: 3e7 } }],
] as const) {
  const list = sets(extra);
  const row = {
    model,
    fit: GRATINGS * secondsOf(list, model, false),
    withLimits: GRATINGS * secondsOf(list, model, true),
  };
  process.stdout.write(
    `${model}: ${row.fit.toFixed(2)} s, with limits ${row.withLimits.toFixed(2)} s for ${GRATINGS} gratings\n`,
  );
  rows.push(row);
}

if (hasPython("numpy", "scipy")) {
  const list = sets({ baselineS: 0 });
  const directory = mkdtempSync(join(tmpdir(), "kinetics-"));
  try {
    const file = join(directory, "curves.json");
    const curves = (list[0] as CurveSet).cycles.map(({ timesS, responses, injections }) => ({
      t: [...timesS],
      y: [...responses],
      c: injections[0]?.concentration,
      end: injections[0]?.endS,
    }));
    writeFileSync(file, JSON.stringify(curves));
    const { seconds } = JSON.parse(runPython(SCIPY, file)) as { seconds: number };
    const own = secondsOf(list, "1:1", false);
    process.stdout.write(
      `SciPy ${(1000 * seconds).toFixed(1)} ms, phorest ${(1000 * own).toFixed(2)} ms: ratio ${(seconds / own).toFixed(0)}\n`,
    );
    rows.push({ model: "1:1", scipySeconds: seconds, seconds: own, ratio: seconds / own });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
process.stdout.write(`${JSON.stringify(rows)}\n`);
