// Builds the sensorgrams of an analysis with the configured settings and the markers: current baseline, references,
// sensitivity.
import { baselineWindow } from "../assay/baseline.ts";
import type { PairForm } from "../assay/curve-units.ts";
import type { CurveManifest } from "../assay/joined.ts";
import { sensitivitiesFor } from "../assay/sensitivity.ts";
import { Sensorgrams } from "../assay/sensorgrams.ts";
import type { Config } from "../config/schema.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { labelMatcher } from "../measurement/labels.ts";

export interface CurveChoice {
  /** Patterns of the labels; undefined: all. */
  readonly roi: readonly string[] | undefined;
  /** One curve for each grating, from both halves. */
  readonly pairs: boolean | PairForm | undefined;
  /** What stands before a message about a name that none has. */
  readonly where?: string | undefined;
}

/** Returns the form of the curves of gratings; undefined for curves of ROIs. */
export function pairFormOf({ pairs = false }: Pick<CurveChoice, "pairs">, { Analysis }: Config): PairForm | undefined {
  if (pairs === false) return undefined;
  return pairs === true ? Analysis.pair_form : pairs;
}

/** Returns the curves of an analysis, without groups. Failure `usage.invalid` for a name that none has. */
export function configuredSensorgrams(
  manifest: CurveManifest,
  analysis: Analysis,
  config: Config,
  { roi, where, ...choice }: CurveChoice,
): Sensorgrams {
  const sensorgrams = matchingSensorgrams(manifest, analysis, config, { roi, ...choice });
  sensorgrams.refuseUnknown(roi, where);
  return sensorgrams;
}

/** The same; of a name that no curve has, nothing is said. */
export function matchingSensorgrams(
  manifest: CurveManifest,
  analysis: Analysis,
  config: Config,
  { roi, pairs = false }: Omit<CurveChoice, "where">,
): Sensorgrams {
  const { Analysis: configured } = config;
  const window = baselineWindow(manifest, configured.baseline_seconds, analysis.analysisId);
  return new Sensorgrams(manifest, analysis, {
    isWanted: labelMatcher(roi ?? ["*"]),
    isReference: labelMatcher(configured.reference_rois),
    baseline: () => window,
    pairs: pairs !== false,
    pairForm: pairFormOf({ pairs }, config) ?? configured.pair_form,
    groups: undefined,
    sensitivities: sensitivitiesFor(config),
    injectionsUs: manifest.markers.moments(),
  });
}
