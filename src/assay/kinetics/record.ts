// Converts the fits of curve sets to data for other programs: everything that is needed to judge and to repeat them.
import { type CurveCycle, highestOf } from "./curve-set.ts";
import type { Doubt, Estimate } from "./estimates.ts";
import type { KineticsFit, NoFit } from "./fit.ts";
import { modelName } from "./models.ts";
import type { Candidate } from "./selection.ts";
import type { Plateau } from "./steady-state.ts";

/** A quantity for other programs: `flag` says why there is no value. SI units, with M for mol/l. */
export interface QuantityRecord {
  readonly value: number | null;
  readonly standard_error: number | null;
  readonly low95: number | null;
  readonly high95: number | null;
  readonly flag: Doubt | null;
}

interface CycleRecord {
  readonly cycle: string;
  /** Highest concentration, M. */
  readonly concentration: number;
  readonly points: number;
  /** s. */
  readonly injections: readonly { readonly start: number; readonly end: number; readonly concentration: number }[];
  readonly offset: number | null;
  readonly drift: number | null;
  readonly bulk: readonly (number | null)[];
  readonly curve?: DrawnCurve;
}

/** Points for a drawing: the response, the fit, and their times, s. */
interface DrawnCurve {
  readonly time: readonly number[];
  readonly response: readonly number[];
  readonly fitted: readonly number[];
}

type SiteRecord = Readonly<Record<"ka" | "kd" | "KD" | "Rmax", QuantityRecord>>;

export interface FitRecord extends SiteRecord {
  readonly curve: string;
  readonly model: string;
  readonly model_chosen: boolean;
  readonly kt?: QuantityRecord;
  readonly hill?: QuantityRecord;
  readonly second?: SiteRecord;
  readonly local_Rmax?: readonly number[];
  readonly local_Rmax_errors?: readonly number[];
  readonly flags: readonly string[];
  readonly notes: readonly string[];
  readonly chi2: number;
  readonly residual_autocorrelation: number;
  readonly frames_per_independent_frame: number;
  readonly runs_z: number | null;
  readonly common_shape_z: number | null;
  readonly points: number;
  readonly left_out: number;
  readonly parameters: number;
  readonly converged: boolean;
  readonly candidates: readonly Candidate[];
  readonly cycles: readonly CycleRecord[];
  readonly plateaus?: readonly Plateau[];
}

export interface NoFitRecord {
  readonly curve: string;
  readonly failed: string;
}

export function quantityOf({ value, standardError, low95, high95, doubt }: Estimate): QuantityRecord {
  return { value, standard_error: standardError, low95, high95, flag: doubt ?? null };
}

/** Returns the record of one curve set. `drawn`: include at most this many points of each cycle for drawing. */
export function recordOf(found: KineticsFit | NoFit, drawn = 0): FitRecord | NoFitRecord {
  if ("why" in found) return { curve: found.set.name, failed: found.why };
  const { fit, set, second, kt, hill } = found;
  const given = set.cycles.reduce((sum, { timesS }) => sum + timesS.length, 0);
  const isSteady = found.plateaus.length > 0;
  return {
    curve: set.name,
    model: modelName(found.model),
    model_chosen: found.isChosen,
    ...siteOf(found),
    ...(kt === undefined ? {} : { kt: quantityOf(kt) }),
    ...(hill === undefined ? {} : { hill: quantityOf(hill) }),
    ...(second === undefined ? {} : { second: siteOf(second) }),
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
    cycles: set.cycles.map((cycle) => ({ ...cycleOf(cycle), ...localsOf(found, cycle, drawn) })),
    ...(isSteady ? { plateaus: found.plateaus } : {}),
  };
}

function siteOf({ ka, kd, KD, Rmax }: Pick<KineticsFit, "ka" | "kd" | "KD" | "Rmax">): SiteRecord {
  return { ka: quantityOf(ka), kd: quantityOf(kd), KD: quantityOf(KD), Rmax: quantityOf(Rmax) };
}

function cycleOf(cycle: CurveCycle) {
  return {
    cycle: cycle.name,
    concentration: highestOf(cycle),
    points: cycle.timesS.length,
    injections: cycle.injections.map(({ startS, endS, concentration }) => ({
      start: startS,
      end: endS,
      concentration,
    })),
  };
}

function localsOf({ fit }: KineticsFit, cycle: CurveCycle, drawn: number) {
  const found = fit.cycles.find((one) => one.cycle === cycle);
  const locals = {
    offset: found?.offset ?? null,
    drift: found?.drift ?? null,
    bulk: found?.bulk.map((shift) => shift ?? null) ?? [],
  };
  if (drawn === 0 || found === undefined) return locals;
  const step = Math.max(1, Math.ceil(found.index.length / drawn));
  const places = [...found.index.keys()].filter((place) => place % step === 0);
  const curve: DrawnCurve = {
    time: places.map((place) => cycle.timesS[found.index[place] as number] as number),
    response: places.map((place) => cycle.responses[found.index[place] as number] as number),
    fitted: places.map((place) => found.fitted[place] as number),
  };
  return { ...locals, curve };
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);
