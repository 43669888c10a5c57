// Kinetics of a stored experiment, for commands, page and report: the fits, and their figures.
import type { TopLevelSpec } from "vega-lite";
import { kernelVersion } from "../analysis/native-kernel.ts";
import { highestOf } from "../assay/kinetics/curve-set.ts";
import { type ExperimentKinetics, experimentKinetics } from "../assay/kinetics/experiment/experiment-kinetics.ts";
import { type KineticsRequest, planOf } from "../assay/kinetics/experiment/plan.ts";
import { type KineticsRecord, kineticsRecord } from "../assay/kinetics/experiment/repeat.ts";
import type { KineticsFit, NoFit } from "../assay/kinetics/fit.ts";
import { modelName } from "../assay/kinetics/models.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { type AffinityPoint, isoAffinityFigure } from "../figures/iso-affinity-figure.ts";
import { type DrawnSet, kineticsFigure } from "../figures/kinetics-figure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { concentrationText } from "../measurement/concentration.ts";
import { packageVersion } from "../system/files.ts";

/** Maximum number of curve sets in a figure; more would not be legible. */
export const MOST_DRAWN = 8;

/** Returns the fits of a request. Failure `usage.invalid` if there is nothing to fit. */
export function kineticsOf(
  manifest: Manifest,
  config: Config,
  analysis: Analysis,
  request: KineticsRequest,
): ExperimentKinetics {
  const found = experimentKinetics(manifest, analysis, planOf(manifest, config, analysis, request));
  if (found.gratings.length > 0) return found;
  throw new Failure("usage.invalid", "all of these ROIs are references", { hint: "choose other ROIs" });
}

/** Returns the full record of a fit, which `phorest kinetics --repeat` fits again. */
export function kineticsRecordOf(found: ExperimentKinetics): KineticsRecord {
  return kineticsRecord(found, packageVersion(), kernelVersion());
}

/** Returns the record as the content of a file. */
export const kineticsRecordText = (found: ExperimentKinetics): string => `${JSON.stringify(kineticsRecordOf(found))}\n`;

/** Draws the curves of the first sets with their fits, and the residuals below. `unit`: of the response. */
export function overlayFigure(fits: readonly (KineticsFit | NoFit)[], unit: string, title = "Kinetics"): TopLevelSpec {
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

/** Draws ka against kd of every grating that has a value for both; undefined without any. */
export function affinityFigure({ gratings }: ExperimentKinetics, title: string): TopLevelSpec | undefined {
  const points = gratings.flatMap(({ found, groups }): AffinityPoint[] => {
    if ("why" in found) return [];
    const { ka, kd, flags, set } = found;
    if (ka.value === null || kd.value === null) return [];
    const of = ({ value, low95, high95 }: typeof ka) => ({
      value: value ?? 0,
      low: low95 ?? 0,
      high: high95 ?? Number.POSITIVE_INFINITY,
    });
    return [{ label: set.name, group: groups[0] ?? "", ka: of(ka), kd: of(kd), flagged: flags.length > 0 }];
  });
  return isoAffinityFigure(title, points);
}
