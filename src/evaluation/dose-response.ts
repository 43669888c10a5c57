// Responses at the end of injections against their concentrations, with the fits of Langmuir's and Hill's equations.
import type { TopLevelSpec } from "vega-lite";
import type { Estimate } from "../assay/kinetics/estimates.ts";
import { analyteOf } from "../assay/kinetics/experiment/cycles.ts";
import { solutionAmong } from "../assay/kinetics/experiment/plan.ts";
import { fitDoses, type KineticsFit, type NoFit } from "../assay/kinetics/fit.ts";
import type { Plateau } from "../assay/kinetics/steady-state.ts";
import { Failure } from "../failure/failure.ts";
import { type DrawnDoses, doseFigure, MOST_DOSE_CURVES } from "../figures/dose-figure.ts";
import { concentrationText } from "../measurement/concentration.ts";
import { counted } from "../system/counted.ts";
import type { ResponseRow } from "./responses.ts";

/** With fewer degrees of freedom, the scatter about the curve does not tell how large the errors are. */
const LEAST_FREEDOM = 3;

/** The responses of a grating to one solution. */
interface DoseResponse {
  readonly label: string;
  readonly doses: readonly Plateau[];
  readonly langmuir: KineticsFit | NoFit;
  /** Undefined if it was not asked for. */
  readonly hill: KineticsFit | NoFit | undefined;
}

export interface DoseResponses {
  readonly solution: string;
  readonly gratings: readonly DoseResponse[];
}

/**
 * Fits the `late` responses to samples of one solution, grating by grating. `wanted`: name of the solution; undefined: the one
 * with most injections. Failure `usage.invalid` if it was not injected, or at no known concentration.
 */
export function doseResponses(
  rows: readonly ResponseRow[],
  wanted: string | undefined,
  withHill: boolean,
): DoseResponses {
  const samples = rows.filter(({ point, phases: { injection } }) => point === "late" && injection.type === "sample");
  const [first] = samples;
  if (first === undefined) {
    throw new Failure("usage.invalid", "no sample was injected, so there is no dose response", {
      hint: "see `phorest injections list`",
    });
  }
  const injected = samples.filter(({ label }) => label === first.label);
  const solution = solutionAmong(
    injected.map(({ phases }) => phases.injection.solution),
    wanted,
  );
  const doses = new Map<string, Plateau[]>();
  for (const { label, phases, px, error, frames } of samples) {
    const { injectionId, solution: name, concentration } = phases.injection;
    const isOther = analyteOf(name).toLowerCase() !== solution.toLowerCase();
    if (isOther || concentration === null || concentration === 0 || !Number.isFinite(px)) continue;
    const dose = { cycle: String(injectionId), concentration, response: px, error, points: frames, isRising: false };
    doses.set(label, [...(doses.get(label) ?? []), dose]);
  }
  if (doses.size === 0) {
    throw new Failure("usage.invalid", `no response to ${solution} at a known concentration`, {
      hint: 'add it with `phorest injections edit NUMBER --concentration "50 nM"`',
    });
  }
  const gratings = [...doses].map(([label, own]) => ({
    label,
    doses: own,
    langmuir: fitDoses(label, own, "steady-state"),
    hill: withHill ? fitDoses(label, own, "hill") : undefined,
  }));
  return { solution, gratings };
}

/** Returns a line of text for each grating: KD, Rmax and Hill's exponent with their 95 % limits, and flags. */
export function doseLines({ gratings }: DoseResponses): string[] {
  return gratings.flatMap(({ label, langmuir, hill }) => [
    `${label}: Langmuir: ${fitText(langmuir)}`,
    ...(hill === undefined ? [] : [`${label}: Hill: ${fitText(hill)}`]),
  ]);
}

function fitText(found: KineticsFit | NoFit): string {
  if ("why" in found) return found.why;
  const { KD, Rmax, hill, flags, fit } = found;
  const sure = isSure(found);
  const shown = (estimate: Estimate, text: (value: number) => string) =>
    sure ? estimateText(estimate, text) : estimate.value === null ? "not known" : `about ${text(estimate.value)}`;
  const parts = [`KD ${shown(KD, rounded)}`, `Rmax ${shown(Rmax, (value) => `${value.toPrecision(4)} px`)}`];
  if (hill !== undefined) parts.push(`exponent ${shown(hill, (value) => value.toPrecision(3))}`);
  const few = sure ? [] : [`errors need ${counted(fit.parameters + LEAST_FREEDOM, "injection")}`];
  return [...parts, ...few, ...flags].join(", ");
}

const isSure = ({ fit }: KineticsFit): boolean => fit.points - fit.parameters >= LEAST_FREEDOM;

const rounded = (molar: number): string => concentrationText(Number(molar.toPrecision(3)));

function estimateText({ value, low95, high95, doubt }: Estimate, text: (value: number) => string): string {
  const limit = (end: number | null) => (end === null ? "?" : text(end));
  if (value !== null) return `${text(value)} (95 %: ${limit(low95)} to ${limit(high95)})`;
  if (high95 !== null) return `below ${text(high95)}`;
  return low95 === null ? (doubt ?? "not_determined") : `above ${text(low95)}`;
}

/** Draws the first gratings. */
export function doseResponseFigure({ solution, gratings }: DoseResponses, title: string): TopLevelSpec {
  const drawn = gratings.slice(0, MOST_DOSE_CURVES).map(({ label, doses, langmuir, hill }): DrawnDoses => {
    const kd = "why" in langmuir || !isSure(langmuir) ? null : langmuir.KD.value;
    return {
      name: kd === null ? label : `${label}, KD ${rounded(kd)}`,
      doses: doses.map(({ concentration, response, error = 0 }) => ({ concentration, response, error })),
      langmuir: equationOf(langmuir),
      hill: hill && equationOf(hill),
    };
  });
  return doseFigure(`${title}: ${solution}`, drawn);
}

/** Returns the fitted curve: Rmax / (1 + (KD/c)^h). */
function equationOf(found: KineticsFit | NoFit): ((concentration: number) => number) | undefined {
  if ("why" in found) return undefined;
  const { quantities, linear, model } = found.fit;
  const [logKd, rmax] = [quantities[0]?.value ?? Number.NaN, linear[0] ?? Number.NaN];
  const exponent = model.kind === "hill" ? Math.exp(quantities[1]?.value ?? Number.NaN) : 1;
  return (concentration) => rmax / (1 + Math.exp(exponent * (logKd - Math.log(concentration))));
}
