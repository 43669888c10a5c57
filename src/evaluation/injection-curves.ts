// Selects curves and injections of an experiment, for everything that evaluates injections.
import { type Phases, phasesOf, usualWindowUs } from "../assay/responses.ts";
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { pairsOf } from "../measurement/labels.ts";
import { configuredSensorgrams } from "./configured-sensorgrams.ts";

/** The selected curves. */
export interface ChosenCurves {
  readonly analysis: Analysis;
  /** Patterns of the labels; undefined: all. */
  readonly roi: readonly string[] | undefined;
  /** One curve for each grating, if there are pairs. */
  readonly pairs: boolean;
}

/** The selected injections and windows. */
export interface ChosenInjections extends ChosenCurves {
  /** Numbers of injections; undefined: all of the relevant ones. */
  readonly injection: readonly number[] | undefined;
  /** Length of the windows, seconds; undefined: the usual one. */
  readonly window: number | undefined;
}

export interface Curves {
  readonly analysis: Analysis;
  /** Times of the frames. */
  readonly timesUs: Float64Array;
  curves(): Iterable<WorkedSensorgram>;
}

export interface InjectionCurves extends Curves {
  readonly phases: readonly Phases[];
  /** Microseconds. */
  readonly windowUs: number;
}

/**
 * Returns the selected curves and injections. `wanted`: which injections are relevant, such as calibrations. Failure `usage.invalid` if there are
 * none.
 */
export function injectionCurves(
  manifest: Manifest,
  config: Config,
  chosen: ChosenInjections,
  wanted: (phases: Phases) => boolean = () => true,
): InjectionCurves {
  const curves = plainCurves(manifest, config, chosen);
  const { timesUs } = curves;
  const all = phasesOf(manifest.injections.all(), timesUs[0] ?? 0, timesUs.at(-1) ?? 0);
  checkNumbers(all, chosen.injection);
  const phases = all.filter((one) => chosen.injection?.includes(one.injection.injectionId) ?? wanted(one));
  if (phases.length === 0) {
    const isOtherType = all.length > 0 && chosen.injection === undefined;
    throw new Failure("usage.invalid", isOtherType ? "no injection is a calibration" : "there are no injections", {
      hint: "record them with `phorest injections add`, or see `phorest injections list`",
    });
  }
  return { ...curves, phases, windowUs: windowOf(chosen.window) ?? usualWindowUs(timesUs) };
}

/** Returns the selected curves. Failure `usage.invalid` for a name that none has. */
export function plainCurves(manifest: Manifest, config: Config, { analysis, roi, pairs }: ChosenCurves): Curves {
  const isPaired = pairs && hasPairs(manifest, analysis);
  const sensorgrams = configuredSensorgrams(manifest, analysis, config, { roi, pairs: isPaired });
  const timesUs = manifest.results.sensorgram({ analysisId: analysis.analysisId, roi: 0 }).capturedAtUs;
  return { analysis, timesUs, curves: () => sensorgrams.curves() };
}

/** Whether the analysis has gratings with two halves. */
export function hasPairs({ analyses }: Manifest, { roiManifestId }: Analysis): boolean {
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
