// The curves of an experiment and its injections, for the commands that evaluate injections.
import { type Phases, phasesOf, usualWindowUs } from "../assay/responses.ts";
import type { WorkedSensorgram } from "../assay/sensorgrams.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { pairsOf } from "../measurement/labels.ts";
import { ANALYSIS_OPTION, chosenAnalysis, firstLabels } from "./chosen-analysis.ts";
import { configuredSensorgrams } from "./configured-sensorgrams.ts";
import type { GlobalOptions } from "./global.ts";

/** Which curves. */
export interface CurveArguments {
  readonly roi: string[] | undefined;
  readonly pairs: boolean;
  readonly analysis: string | undefined;
}

/** Which injections of them, and over which windows. */
export interface InjectionChoice extends CurveArguments {
  readonly injection: number[] | undefined;
  readonly window: number | undefined;
}

export interface InjectionArguments extends GlobalOptions, InjectionChoice {
  readonly out: string | undefined;
}

/** The options that these commands have in common. */
export const INJECTION_OPTIONS = {
  roi: { type: "string", array: true, requiresArg: true, describe: "ROI names; * matches any (default: all)" },
  pairs: { type: "boolean", default: true, describe: "One curve per grating, combined from both halves" },
  injection: { type: "number", array: true, requiresArg: true, describe: "Numbers of injections (default: all)" },
  analysis: ANALYSIS_OPTION,
  window: {
    type: "number",
    requiresArg: true,
    describe: "Length of the windows in seconds (default: five frames, at least 10 s)",
  },
  out: { type: "string", requiresArg: true, describe: "File to write (default: standard output)" },
} as const;

export interface ChosenCurves {
  readonly analysis: Analysis;
  /** Of the frames. */
  readonly timesUs: Float64Array;
  curves(): Iterable<WorkedSensorgram>;
}

export interface InjectionCurves extends ChosenCurves {
  readonly phases: readonly Phases[];
  /** Microseconds. */
  readonly windowUs: number;
}

/**
 * The curves and the injections that the options choose; `wanted`: which injections the command is about. Failure
 * `usage.invalid` where there are none.
 */
export function injectionCurves(
  manifest: Manifest,
  config: Config,
  argv: InjectionChoice,
  wanted: (phases: Phases) => boolean = () => true,
): InjectionCurves {
  const chosen = plainCurves(manifest, config, argv);
  const { timesUs } = chosen;
  const all = phasesOf(manifest.injections.all(), timesUs[0] ?? 0, timesUs.at(-1) ?? 0);
  checkNumbers(all, argv.injection);
  const phases = all.filter((one) => argv.injection?.includes(one.injection.injectionId) ?? wanted(one));
  if (phases.length === 0) {
    throw new Failure("usage.invalid", all.length === 0 ? "there are no injections" : "there is no such injection", {
      hint: "record them with `phorest injections add`, or see `phorest injections list`",
    });
  }
  return { ...chosen, phases, windowUs: windowOf(argv.window) ?? usualWindowUs(timesUs) };
}

/** The curves that the options choose. Failure `usage.invalid` where there are none. */
export function plainCurves(manifest: Manifest, config: Config, argv: CurveArguments): ChosenCurves {
  const analysis = chosenAnalysis(manifest, argv.analysis);
  const pairs = argv.pairs && hasPairs(manifest, analysis);
  const sensorgrams = configuredSensorgrams(manifest, analysis, config, { roi: argv.roi, pairs });
  if (sensorgrams.labels.length === 0) {
    throw new Failure("usage.invalid", "no ROI has this name", { hint: firstLabels(analysis) });
  }
  const timesUs = manifest.results.sensorgram({ analysisId: analysis.analysisId, roi: 0 }).capturedAtUs;
  return { analysis, timesUs, curves: () => sensorgrams.curves() };
}

function hasPairs({ analyses }: Manifest, { roiManifestId }: Analysis): boolean {
  return roiManifestId !== undefined && pairsOf(analyses.roiManifest(roiManifestId)?.rois ?? []).length > 0;
}

function checkNumbers(all: readonly Phases[], numbers: readonly number[] = []): void {
  const unknown = numbers.find((id) => !all.some(({ injection }) => injection.injectionId === id));
  if (unknown === undefined) return;
  throw new Failure("usage.invalid", `there is no injection ${unknown}`, { hint: "see `phorest injections list`" });
}

function windowOf(seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds > 0 && Number.isFinite(seconds)) return seconds * 1e6;
  throw new Failure("usage.invalid", `--window needs seconds above 0, not "${seconds}"`);
}

/** A number with so many digits; empty where there is none. */
export const digits = (value: number, significant: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(significant))) : "";
