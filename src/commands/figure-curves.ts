// The curves of a figure: those of `phorest sensorgram` for the chosen ROIs and frames, without the noisy ones.
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import type { Config } from "../config/schema.ts";
import { configuredSensorgrams } from "../evaluation/configured-sensorgrams.ts";
import { typedWindow } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import type { FigureCurve } from "../figures/figure-curve.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { ALWAYS } from "../measurement/time-window.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { chosenAnalysis } from "./chosen-analysis.ts";
import { emptyWindow } from "./empty-window.ts";
import { countOption, type FigureArguments, type Normalisation, noiseOption } from "./figure-options.ts";
import { curveReading } from "./joined-curves.ts";

export interface ChosenCurves {
  readonly analysis: Analysis;
  /** Whether some or all frames show the simulated chip. */
  readonly simulated: boolean;
  /** Where another analysis continues the curve, for people; empty unless analyses are joined. */
  readonly joined: readonly string[];
  readonly curves: readonly FigureCurve[];
  /** Curves that are too noisy to be shown. */
  readonly noisy: readonly { readonly label: string; readonly noise: number }[];
  /** Baseline of the first curve; undefined if there is none. */
  readonly baseline: WorkedSensorgram["baseline"] | undefined;
  /** Whether the mean of reference ROIs was subtracted. */
  readonly referenced: boolean;
  /** Time of the first frame of the experiment, µs. */
  readonly firstUs: number;
}

/** Reads the curves. Throws Failure `usage.invalid` if no ROI, no frame or no quiet curve is left. */
export function chosenCurves(
  manifest: Manifest,
  config: Config,
  options: FigureArguments,
  zone: TimeZone,
): ChosenCurves {
  const every = countOption("--every", options.every, 1);
  const mostNoise = noiseOption(options["max-noise"]);
  const analysis = chosenAnalysis(manifest, options.analysis);
  const { source, lines } = curveReading(manifest, analysis, options.joined);
  const sensorgrams = configuredSensorgrams(source, analysis, config, options);
  const firstUs = manifest.history.oldestCaptureUs() ?? 0;
  const curves: FigureCurve[] = [];
  const noisy: { label: string; noise: number }[] = [];
  let baseline: WorkedSensorgram["baseline"] | undefined;
  for (const curve of sensorgrams.curves()) {
    baseline ??= curve.baseline;
    const { noise } = curve.precision;
    // A curve of unknown noise is shown, unless only quiet ones are wanted.
    if (options["max-noise"] !== undefined && !(noise <= mostNoise)) noisy.push({ label: curve.label, noise });
    else curves.push(partOf(curve, framesOf(curve.timesUs, firstUs, options, every, zone), options.normalise));
  }
  if (curves.length === 0) {
    const known = noisy.map(({ noise }) => noise).filter(Number.isFinite);
    const hint =
      known.length === 0
        ? "the noise is not known: too few frames without flags are in the baseline, or their values repeat"
        : `the quietest has ${Math.min(...known).toPrecision(2)} px`;
    throw new Failure("usage.invalid", `every curve has more noise than --max-noise ${options["max-noise"]} px`, {
      hint,
    });
  }
  const simulated = !source.results.simulatedFrames(analysis.analysisId).none;
  return {
    analysis,
    simulated,
    joined: lines.map((line) => zone.shown(line)),
    curves,
    noisy,
    baseline,
    referenced: sensorgrams.references.length > 0,
    firstUs,
  };
}

/** Returns the indices of every N-th frame in the window. */
function framesOf(
  timesUs: Float64Array,
  firstUs: number,
  { from, to }: FigureArguments,
  every: number,
  zone: TimeZone,
): number[] {
  const { fromUs, toUs } = typedWindow({ from, to }, firstUs, zone) ?? ALWAYS;
  const within: number[] = [];
  timesUs.forEach((timeUs, at) => {
    if (timeUs >= fromUs && timeUs < toUs) within.push(at);
  });
  if (within.length === 0) throw emptyWindow("--from, --to", timesUs[0], timesUs.at(-1), zone);
  return within.filter((_at, index) => index % every === 0);
}

function partOf(curve: WorkedSensorgram, frames: readonly number[], normalise: Normalisation): FigureCurve {
  const taken = (values: Float64Array) => Float64Array.from(frames, (at) => values[at] as number);
  const flags = Uint8Array.from(frames, (at) => curve.flags[at] as number);
  const values = taken(normalise === "none" ? curve.position : curve.result);
  const first = values.findIndex((value, at) => flags[at] === 0 && Number.isFinite(value));
  const zero = normalise === "first" && first >= 0 ? (values[first] as number) : 0;
  return {
    label: curve.label,
    timesUs: taken(curve.timesUs),
    values: zero === 0 ? values : values.map((value) => value - zero),
    flags,
  };
}
