// Chooses the model for the data with Schwarz's criterion (BIC), counting only independent points.
import type { CurveCycle } from "./curve-set.ts";
import { type Kind, type Model, modelName } from "./models.ts";
import { fitModel, type RawFit } from "./native-kinetics.ts";
import { amplitudeOf } from "./residuals.ts";

export interface Candidate {
  readonly model: string;
  readonly parameters: number;
  /** Lower is better; only differences matter. */
  readonly bic: number;
}

export interface Selection {
  readonly fit: RawFit;
  readonly candidates: readonly Candidate[];
  /** Decrease of BIC with mass transport, and with two sites, relative to 1:1; undefined if that model was not tried. */
  readonly massTransportGain: number | undefined;
  readonly twoSiteGain: number | undefined;
}

/** A larger model must be better by this much, so that chance does not choose it. */
export const CLEARLY = 10;
/** Residuals below this share of the response are rounding errors, of a simulation or of a file. */
const EXACT = 1e-4;
/** Ratio of the correlation of neighbouring residuals to its standard error from which on another model is tried. */
const SUSPICIOUS = 4;

/** Chooses the 1:1 model with the extensions that the data require: bulk shifts, drift, mass transport. Never two sites. */
export function chooseModel(cycles: readonly CurveCycle[]): Selection {
  const of = (bulk: boolean, drift: boolean) => {
    const model: Model = { kind: "1:1", bulk, drift, localRmax: false };
    return fitModel(cycles, model, false);
  };
  const plain = of(false, false);
  if (isExact(plain)) {
    return { fit: plain, candidates: ranked([plain]), massTransportGain: undefined, twoSiteGain: undefined };
  }
  const fits = [plain, of(true, false), of(false, true), of(true, true)];
  const best = leastBic(fits);
  const selection = compareKinds(cycles, best, plain);
  const candidates = ranked([...fits, ...selection.others]);
  const { massTransport } = selection;
  const isTransported =
    massTransport !== undefined && (selection.massTransportGain ?? 0) > CLEARLY && massTransport.quantities.length > 0;
  return { ...selection, fit: isTransported ? massTransport : best, candidates };
}

/** Returns the requested fit, and whether mass transport or a second site would describe the data clearly better. */
export function checkModel(cycles: readonly CurveCycle[], fit: RawFit): Selection {
  if (fit.model.kind !== "1:1" || fit.model.localRmax || isExact(fit)) {
    return { fit, candidates: ranked([fit]), massTransportGain: undefined, twoSiteGain: undefined };
  }
  const { bulk, drift } = fit.model;
  const plain = bulk || drift ? fitModel(cycles, { ...fit.model, bulk: false, drift: false }, false) : fit;
  const { others, massTransportGain, twoSiteGain } = compareKinds(cycles, fit, plain);
  return { fit, candidates: ranked([fit, ...others]), massTransportGain, twoSiteGain };
}

/**
 * Compares the 1:1 fit with mass transport and with two sites. Bulk shifts and drift can take the shape of both, so these
 * are tried without them too if `plain`, the 1:1 fit without them, does not describe the curves.
 */
function compareKinds(cycles: readonly CurveCycle[], fit: RawFit, plain: RawFit) {
  const bases = [...new Set([fit, plain])].filter(isSuspicious);
  if (bases.length === 0 || isExact(fit)) {
    return { others: [], massTransport: undefined, massTransportGain: undefined, twoSiteGain: undefined };
  }
  const tried = (kind: Kind) => bases.map(({ model }) => fitModel(cycles, { ...model, kind }, false));
  const [massTransports, twoSites] = [tried("mass-transport"), tried("two-site")];
  const all = [fit, plain, ...massTransports, ...twoSites];
  const bic = (one: RawFit) => bicOf(one, leastCost(all));
  const oneToOne = Math.min(bic(fit), bic(plain));
  const massTransport = leastBic(massTransports);
  return {
    others: [...massTransports, ...twoSites],
    massTransport,
    massTransportGain: oneToOne - bic(massTransport),
    twoSiteGain: oneToOne - Math.min(...twoSites.map(bic)),
  };
}

/** Whether neighbouring residuals are correlated: the noise is, or the model has the wrong shape. */
export function isSuspicious({ noise, points }: RawFit): boolean {
  return noise.neighbours * Math.sqrt(points) >= SUSPICIOUS;
}

function isExact(fit: RawFit): boolean {
  const rms = Math.sqrt(fit.noise.variance / meanWeightOf(fit));
  return rms < EXACT * amplitudeOf(fit);
}

function meanWeightOf({ cycles }: RawFit): number {
  let [sum, count] = [0, 0];
  for (const { cycle, index } of cycles) {
    for (const at of index) sum += cycle.errors === undefined ? 1 : 1 / (cycle.errors[at] as number) ** 2;
    count += index.length;
  }
  return count === 0 ? 1 : sum / count;
}

function bicOf({ cost, parameters, points }: RawFit, { noise }: RawFit): number {
  return cost / (noise.variance * noise.area) + parameters * Math.log(Math.max(points / noise.area, 2));
}

/** Returns the fit with the lowest cost; all fits are judged by the noise that it leaves. */
function leastCost(fits: readonly RawFit[]): RawFit {
  return fits.reduce((best, one) => (one.cost < best.cost ? one : best));
}

function leastBic(fits: readonly RawFit[]): RawFit {
  const judge = leastCost(fits);
  return fits.reduce((best, one) => (bicOf(one, judge) < bicOf(best, judge) ? one : best));
}

function ranked(fits: readonly RawFit[]): Candidate[] {
  const judge = leastCost(fits);
  return fits
    .map((one) => ({ model: modelName(one.model), parameters: one.parameters, bic: bicOf(one, judge) }))
    .sort((a, b) => a.bic - b.bic);
}
