// Fits a curve set: chooses or checks the model, runs the kernel's fit, and reports which values the data determine.
import { counted } from "../../system/counted.ts";
import { type CurveCycle, type CurveSet, concentrationsOf } from "./curve-set.ts";
import { type Estimate, estimateOf, rmaxEstimate, unknown } from "./estimates.ts";
import { type Flag, flagsOf, hasBinding, type Tests, testsOf } from "./flags.ts";
import { hasAssociation, type Model } from "./models.ts";
import { fitModel, type Quantity, type RawFit } from "./native-kinetics.ts";
import { type Candidate, CLEARLY, checkModel, chooseModel, type Selection } from "./selection.ts";
import { dosesOf, type Plateau, plateausOf } from "./steady-state.ts";

export interface KineticsFit {
  readonly set: CurveSet;
  readonly fit: RawFit;
  readonly model: Model;
  /** Whether it was chosen from the data. */
  readonly isChosen: boolean;
  readonly candidates: readonly Candidate[];
  /** Units: 1/(M s), 1/s, M and the unit of the response. */
  readonly ka: Estimate;
  readonly kd: Estimate;
  readonly KD: Estimate;
  readonly Rmax: Estimate;
  /** Values of the second site. */
  readonly second: { readonly ka: Estimate; readonly kd: Estimate; readonly KD: Estimate; Rmax: Estimate } | undefined;
  /** Mass transport, response per M and second; and ka Rmax / kt. */
  readonly kt: Estimate | undefined;
  readonly transport: Estimate | undefined;
  readonly hill: Estimate | undefined;
  readonly plateaus: readonly Plateau[];
  readonly flags: readonly Flag[];
  /** Messages for the user, one sentence each. */
  readonly notes: readonly string[];
  readonly tests: Tests;
}

/** A set that cannot be fitted at all, and why. */
export interface NoFit {
  readonly set: CurveSet;
  readonly why: string;
}

/** Fits `set` with a given model, or with one chosen from the data. */
export function fitCurveSet(set: CurveSet, asked: Model | "auto"): KineticsFit | NoFit {
  const why = unfit(set, asked);
  if (why !== undefined) return { set, why };
  const isSteady = asked !== "auto" && (asked.kind === "steady-state" || asked.kind === "hill");
  const plateaus = isSteady ? plateausOf(set) : [];
  return fitCycles(set, isSteady ? [dosesOf(plateaus)] : set.cycles, asked, plateaus);
}

/** Fits responses against concentrations, such as report points; `error`s, where all are known, weigh them. */
export function fitDoses(
  name: string,
  plateaus: readonly Plateau[],
  kind: "steady-state" | "hill",
): KineticsFit | NoFit {
  const cycles = [dosesOf(plateaus)];
  const model: Model = { kind, bulk: false, drift: false, localRmax: false };
  const set = { name, cycles };
  const why = unfit(set, model);
  return why === undefined ? fitCycles(set, cycles, model, plateaus) : { set, why };
}

function fitCycles(
  set: CurveSet,
  cycles: readonly CurveCycle[],
  asked: Model | "auto",
  plateaus: readonly Plateau[],
): KineticsFit | NoFit {
  const selection = asked === "auto" ? chooseModel(cycles) : checkModel(cycles, fitModel(cycles, asked, true));
  const fit = asked === "auto" ? fitModel(cycles, selection.fit.model, true) : selection.fit;
  if (fit.points <= fit.parameters || !Number.isFinite(fit.cost)) {
    return { set, why: `${counted(fit.points, "point")} cannot determine ${counted(fit.parameters, "parameter")}` };
  }
  return answer(set, { ...selection, fit }, asked === "auto", plateaus);
}

function unfit(set: CurveSet, asked: Model | "auto"): string | undefined {
  if (set.cycles.length === 0 || set.cycles.every(({ timesS }) => timesS.length === 0)) return "there are no points";
  const needsConcentration = asked === "auto" || asked.kind !== "dissociation";
  if (needsConcentration && concentrationsOf(set).length === 0) return "no injection has a concentration above 0";
  return undefined;
}

function answer(set: CurveSet, selection: Selection, isChosen: boolean, plateaus: readonly Plateau[]): KineticsFit {
  const { fit } = selection;
  const tests = testsOf(fit);
  const isBound = hasBinding(fit);
  const estimates = isBound ? named(fit) : nothing(fit);
  const flags = flagsOf(set, selection, tests, estimates);
  if (isBound && plateaus.some(({ isRising }) => isRising)) flags.push("not_at_equilibrium");
  return {
    set,
    fit,
    model: fit.model,
    isChosen,
    candidates: selection.candidates,
    ...estimates,
    plateaus,
    flags,
    notes: notesOf(selection, flags, estimates),
    tests,
  };
}

type Estimates = Pick<KineticsFit, "ka" | "kd" | "KD" | "Rmax" | "second" | "kt" | "transport" | "hill">;

function nothing({ model }: RawFit): Estimates {
  const none = unknown("no_binding");
  const { kind } = model;
  return {
    ka: none,
    kd: none,
    KD: none,
    Rmax: none,
    second: kind === "two-site" ? { ka: none, kd: none, KD: none, Rmax: none } : undefined,
    kt: kind === "mass-transport" ? none : undefined,
    transport: kind === "mass-transport" ? none : undefined,
    hill: kind === "hill" ? none : undefined,
  };
}

function named(fit: RawFit): Estimates {
  const { quantities: q, model } = fit;
  const at = (place: number): Estimate => estimateOf(q[place] as Quantity, fit.noise);
  const absent = unknown("not_in_model");
  const none = { second: undefined, kt: undefined, transport: undefined, hill: undefined };
  const rmax = (place: number): Estimate =>
    model.localRmax ? unknown("local") : rmaxEstimate(q[place] as Quantity, fit.noise);
  switch (model.kind) {
    case "1:1":
      return { ...none, ka: at(0), kd: at(1), KD: at(2), Rmax: rmax(3) };
    case "mass-transport":
      return { ...none, ka: at(0), kd: at(1), KD: at(3), Rmax: rmax(4), transport: at(2), kt: ktOf(fit, at(2)) };
    case "two-site":
      return twoSites(fit, at);
    case "dissociation":
      return { ...none, ka: absent, kd: at(0), KD: absent, Rmax: unknown("local") };
    case "steady-state":
      return { ...none, ka: absent, kd: absent, KD: at(0), Rmax: rmax(1) };
    case "hill":
      return { ...none, ka: absent, kd: absent, KD: at(0), hill: at(1), Rmax: rmax(2) };
  }
}

/** Returns both sites; the one with the larger response comes first. */
function twoSites(fit: RawFit, at: (place: number) => Estimate): Estimates {
  const site = (which: number) => {
    const value = fit.linear[which] ?? 0;
    const error = fit.linearErrors[which] ?? Number.NaN;
    const isKnown = Number.isFinite(error) && Math.abs(value) > 4 * error;
    const Rmax: Estimate = isKnown
      ? { value, standardError: error, low95: value - 1.96 * error, high95: value + 1.96 * error, doubt: undefined }
      : unknown("not_determined");
    return { ka: at(2 * which), kd: at(2 * which + 1), KD: at(4 + which), Rmax, size: Math.abs(value) };
  };
  const [larger, smaller] = [site(0), site(1)].sort((a, b) => b.size - a.size);
  const { size: _larger, ...first } = larger as ReturnType<typeof site>;
  const { size: _smaller, ...second } = smaller as ReturnType<typeof site>;
  return { ...first, second, kt: undefined, transport: undefined, hill: undefined };
}

/** Returns kt = ka Rmax / m. It has a value if m has one. */
function ktOf({ covariance, linear, quantities }: RawFit, transport: Estimate): Estimate {
  const [ka, , m] = quantities;
  const rmax = linear[0] ?? 0;
  const value = (Math.exp(ka?.value ?? 0) * Math.abs(rmax)) / Math.exp(m?.value ?? 0);
  if (transport.doubt !== undefined || covariance.length === 0) {
    return unknown(
      transport.doubt === undefined
        ? "not_determined"
        : transport.doubt === "upper_bound"
          ? "lower_bound"
          : transport.doubt,
    );
  }
  const direction = [1, 0, -1, 1 / rmax];
  let variance = 0;
  direction.forEach((a, i) => {
    direction.forEach((b, j) => {
      variance += a * b * (covariance[i * 4 + j] ?? Number.NaN);
    });
  });
  const error = Math.sqrt(variance);
  if (!Number.isFinite(error)) return unknown("not_determined");
  return {
    value,
    standardError: value * error,
    low95: value * Math.exp(-1.96 * error),
    high95: value * Math.exp(1.96 * error),
    doubt: undefined,
  };
}

function notesOf(
  { massTransportGain = 0, twoSiteGain = 0, fit }: Selection,
  flags: readonly Flag[],
  { KD, ka, Rmax }: Pick<KineticsFit, "KD" | "ka" | "Rmax">,
): string[] {
  const notes: string[] = [];
  if (flags.includes("not_1_1") && twoSiteGain - Math.max(massTransportGain, 0) > CLEARLY) {
    notes.push(`two sites describe the curves better (BIC less by ${twoSiteGain.toFixed(0)}): try the model two-site`);
  }
  if (flags.includes("mass_transport_limited") && fit.model.kind === "1:1") {
    notes.push(
      `mass transport slows the curves (BIC less by ${massTransportGain.toFixed(0)}): try the model mass-transport`,
    );
  }
  if (ka.doubt === "upper_bound" && Rmax.doubt === "lower_bound" && hasAssociation(fit.model.kind)) {
    const product = Math.exp(fit.quantities[0]?.value ?? 0) * (fit.linear[0] ?? 0);
    notes.push(
      `Rmax is not fixed, because all concentrations are far below KD or the noise is too large: only ka·Rmax is known, ${product.toPrecision(4)} per M and second`,
    );
  }
  const odd = [
    { name: "KD", unit: "M", estimate: KD, least: LEAST_KD, most: MOST_KD },
    { name: "ka", unit: "1/(M s)", estimate: ka, least: LEAST_KA, most: MOST_KA },
  ].find(
    ({ estimate, least, most }) => (knownMost(estimate) ?? least) < least || (knownLeast(estimate) ?? most) > most,
  );
  if (odd !== undefined) {
    const { value, low95, high95 } = odd.estimate;
    const size = `${value === null ? (high95 === null ? "above " : "below ") : ""}${(value ?? high95 ?? low95)?.toExponential(1)}`;
    notes.push(`${odd.name} of ${size} ${odd.unit} is implausible: check the units of concentration and time`);
  }
  return notes;
}

/** What a quantity is at least or at most: its value, or its bound; null if neither is known. */
const knownLeast = ({ value, low95, doubt }: Estimate) => value ?? (doubt === "lower_bound" ? low95 : null);
const knownMost = ({ value, high95, doubt }: Estimate) => value ?? (doubt === "upper_bound" ? high95 : null);

/** Range of plausible interactions, M and 1/(M s). Diffusion allows no association faster than about 10⁹. */
const [LEAST_KD, MOST_KD] = [1e-14, 1e-2];
const [LEAST_KA, MOST_KA] = [10, 1e9];
