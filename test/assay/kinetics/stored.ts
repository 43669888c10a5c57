// An experiment with binding in its database, whose truth the test knows. Nothing of it is the product's.
import type { InjectionData } from "../../../src/manifest/injections.ts";
import { gauss } from "../../analysis/gauss.ts";
import { experiment, START_US } from "../../outputs/csv/experiment.ts";

export const TRUTH = { ka: 1e5, kd: 4e-3, rmax: 2 };
const NOISE_PX = 0.01;
const FRAME_S = 10;
/** Every cycle: so long before, during and after the injection. */
const [LEAD_S, ASSOCIATION_S, DISSOCIATION_S] = [120, 300, 600];
const CYCLE_S = LEAD_S + ASSOCIATION_S + DISSOCIATION_S;

export interface StoredPlan {
  /** M; 0 is a blank. */
  readonly concentrations: readonly number[];
  readonly gratings?: number;
  /** The first gratings bind nothing, or this part of what the others do. */
  readonly references?: number;
  readonly referencesBind?: number;
  /** Rates of a grating, as factors. */
  spreadOf?(grating: number): { readonly ka: number; readonly kd: number };
  /** px: in every injection, blanks too. */
  readonly bulkPx?: number;
  readonly noisePx?: number;
  /** Noise of a cycle over that of the others. */
  noiseOf?(cycle: number): number;
  flagsOf?(roi: number, frame: number): number;
  readonly solutionOf?: (cycle: number) => string;
  readonly seed?: number;
}

/** What a frame at `seconds` since the start of a cycle shows, for a maximum of 1. */
function bound(
  { ka, kd }: { readonly ka: number; readonly kd: number },
  concentration: number,
  seconds: number,
): number {
  if (seconds < 0) return 0;
  const rate = ka * concentration + kd;
  const top = (ka * concentration) / rate;
  const end = top * (1 - Math.exp(-rate * Math.min(seconds, ASSOCIATION_S)));
  return seconds < ASSOCIATION_S ? end : end * Math.exp(-kd * (seconds - ASSOCIATION_S));
}

/** Writes the experiment under `root`, with its injections. Both halves of a grating move alike. */
export function storeBinding(root: string, plan: StoredPlan): void {
  const { concentrations, gratings = 6, references = 2, referencesBind = 0, bulkPx = 0.3, noisePx = NOISE_PX } = plan;
  const noise = gauss(plan.seed ?? 5);
  const position = (roi: number, frame: number) => {
    const grating = roi >> 1;
    const cycle = Math.min(Math.floor((frame * FRAME_S) / CYCLE_S), concentrations.length - 1);
    const seconds = frame * FRAME_S - cycle * CYCLE_S - LEAD_S;
    const concentration = concentrations[cycle] ?? 0;
    const factors = plan.spreadOf?.(grating) ?? { ka: 1, kd: 1 };
    const rates = { ka: TRUTH.ka * factors.ka, kd: TRUTH.kd * factors.kd };
    const size = grating < references ? referencesBind : 1;
    const isIn = seconds >= 0 && seconds < ASSOCIATION_S;
    const scatter = noisePx * (plan.noiseOf?.(cycle) ?? 1) * noise();
    return 60 + roi + size * TRUTH.rmax * bound(rates, concentration, seconds) + (isIn ? bulkPx : 0) + scatter;
  };
  const { manifest, add } = experiment(root, 2 * gratings, position, noisePx, plan.flagsOf);
  add(Math.floor((CYCLE_S * concentrations.length) / FRAME_S));
  const injections = concentrations.map((concentration, at): Omit<InjectionData, "cycle"> => {
    const startUs = START_US + (at * CYCLE_S + LEAD_S) * 1e6 - 1;
    return {
      solution: plan.solutionOf?.(at) ?? (concentration === 0 ? "buffer" : "antibody"),
      type: concentration === 0 ? "blank" : "sample",
      concentration,
      refractiveIndex: null,
      startUs,
      endUs: startUs + ASSOCIATION_S * 1e6,
      dissociationEndUs: startUs + (ASSOCIATION_S + DISSOCIATION_S) * 1e6,
      note: "",
    };
  });
  manifest.injections.change({ type: "add-injections", author: "test", injections }, START_US);
  manifest.close();
}

export const REFERENCES = ["000A*", "001A*"];
