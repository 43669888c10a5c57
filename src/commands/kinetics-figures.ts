// The figures of `phorest kinetics`: curves with their fits over them and what is left below.
import type { TopLevelSpec } from "vega-lite";
import { highestOf } from "../assay/kinetics/curve-set.ts";
import type { KineticsFit, NoFit } from "../assay/kinetics/fit.ts";
import { modelName } from "../assay/kinetics/models.ts";
import { type DrawnSet, kineticsFigure } from "../figures/kinetics-figure.ts";
import { concentrationText } from "../measurement/concentration.ts";

/** Curve sets that a figure draws; more would not be legible. */
export const MOST_DRAWN = 8;

/** The first fits. `unit`: of the response. */
export function drawnFits(fits: readonly (KineticsFit | NoFit)[], unit: string, title = "Kinetics"): TopLevelSpec {
  const drawn = fits.flatMap((found) => ("why" in found ? [] : [found])).slice(0, MOST_DRAWN);
  const sets = drawn.map(({ set, model, fit }): DrawnSet => {
    const cycles = fit.cycles.map(({ cycle, index, fitted }) => ({
      name: `${cycle.name}, ${concentrationText(highestOf(cycle))}`,
      timesS: Float64Array.from(index, (at) => cycle.timesS[at] as number),
      responses: Float64Array.from(index, (at) => cycle.responses[at] as number),
      fitted,
    }));
    return { title: `${set.name}: ${modelName(model)}`, cycles };
  });
  return kineticsFigure(title, unit, sets);
}
