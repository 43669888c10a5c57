// The same model and data through SciPy's least squares: the optimum must be the same.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Model, modelNamed } from "../../../src/assay/kinetics/models.ts";
import { fitModel } from "../../../src/assay/kinetics/native-kinetics.ts";
import { hasPython, runPython } from "../../python.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { SCIPY } from "./scipy.ts";
import { dilutions, simulated } from "./simulated.ts";

const there = hasPython("numpy", "scipy");

test.skipIf(!there)("the optimum is SciPy's to a millionth", () => {
  const set = simulated({
    truth: { ka: 1e5, kd: 1e-3, rmax: 100 },
    concentrations: dilutions(1e-7, 6),
    intervalS: 5,
    noise: 0.5,
    baselineS: 0,
  });
  const file = join(temporaryDirectory(), "curves.json");
  const curves = set.cycles.map(({ timesS, responses, injections }) => ({
    t: [...timesS],
    y: [...responses],
    c: injections[0]?.concentration,
    end: injections[0]?.endS,
  }));
  writeFileSync(file, JSON.stringify(curves));
  const { rates } = JSON.parse(runPython(SCIPY, file)) as { rates: number[] };
  const { quantities } = fitModel(set.cycles, modelNamed("1:1") as Model, false);
  const own = [quantities[0], quantities[1]].map((one) => Math.exp(one?.value ?? Number.NaN));
  expect(rates).toHaveLength(3);
  own.forEach((value, at) => {
    expect(Math.abs(value / (rates[at] as number) - 1)).toBeLessThan(1e-6);
  });
});
