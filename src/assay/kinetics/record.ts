// The fit of curve sets as data for other programs: everything that is needed to judge it and to repeat it.
import { highestOf } from "./curve-set.ts";
import type { Estimate } from "./estimates.ts";
import type { KineticsFit, NoFit } from "./fit.ts";
import { modelName } from "./models.ts";

/** A quantity as programs read it: `flag` says why there is no value. SI units, with M for mol/l. */
function quantityOf({ value, standardError, low95, high95, doubt }: Estimate): object {
  return { value, standard_error: standardError, low95, high95, flag: doubt ?? null };
}

/** One curve set's record. */
export function recordOf(found: KineticsFit | NoFit): object {
  if ("why" in found) return { curve: found.set.name, failed: found.why };
  const { fit, set, second, kt, hill } = found;
  const given = set.cycles.reduce((sum, { timesS }) => sum + timesS.length, 0);
  const isSteady = found.plateaus.length > 0;
  return {
    curve: set.name,
    model: modelName(found.model),
    model_chosen: found.isChosen,
    ka: quantityOf(found.ka),
    kd: quantityOf(found.kd),
    KD: quantityOf(found.KD),
    Rmax: quantityOf(found.Rmax),
    ...(kt === undefined ? {} : { kt: quantityOf(kt) }),
    ...(hill === undefined ? {} : { hill: quantityOf(hill) }),
    ...(second === undefined ? {} : { second: mapped(second) }),
    ...(found.model.localRmax ? { local_Rmax: [...fit.linear], local_Rmax_errors: [...fit.linearErrors] } : {}),
    flags: found.flags,
    notes: found.notes,
    chi2: fit.cost / Math.max(1, fit.points - fit.parameters),
    residual_autocorrelation: fit.noise.neighbours,
    frames_per_independent_frame: fit.noise.area,
    runs_z: finite(found.tests.runs),
    common_shape_z: finite(found.tests.common),
    points: fit.points,
    left_out: isSteady ? 0 : given - fit.points,
    parameters: fit.parameters,
    converged: fit.hasConverged,
    candidates: found.candidates,
    cycles: set.cycles.map((cycle) => ({
      cycle: cycle.name,
      concentration: highestOf(cycle),
      points: cycle.timesS.length,
      injections: cycle.injections.map(({ startS, endS, concentration }) => ({
        start: startS,
        end: endS,
        concentration,
      })),
      ...localsOf(found, cycle.name),
    })),
    ...(isSteady ? { plateaus: found.plateaus } : {}),
  };
}

function mapped(site: Readonly<Record<string, Estimate>>): object {
  return Object.fromEntries(Object.entries(site).map(([name, estimate]) => [name, quantityOf(estimate)]));
}

function localsOf({ fit }: KineticsFit, name: string): object {
  const found = fit.cycles.find(({ cycle }) => cycle.name === name);
  return {
    offset: found?.offset ?? null,
    drift: found?.drift ?? null,
    bulk: found?.bulk.map((shift) => shift ?? null) ?? [],
  };
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);
