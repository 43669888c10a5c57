// The options of the commands that evaluate injections, and the selection they make.
import type { Phases } from "../assay/responses.ts";
import type { Config } from "../config/schema.ts";
import { type InjectionCurves, injectionCurves } from "../evaluation/injection-curves.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { ANALYSIS_OPTION, chosenAnalysis } from "./chosen-analysis.ts";
import type { GlobalOptions } from "./global.ts";
import { ROI_LIST } from "./roi-list.ts";

export interface InjectionArguments extends GlobalOptions {
  readonly roi: string[] | undefined;
  readonly pairs: boolean;
  readonly analysis: string | undefined;
  readonly injection: number[] | undefined;
  readonly window: number | undefined;
  readonly out: string | undefined;
}

/** The options that these commands share. */
export const INJECTION_OPTIONS = {
  roi: { ...ROI_LIST, describe: "ROI names; * matches any (default: all)" },
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

/** Returns the curves and injections that the options select; throws as `injectionCurves` does. */
export function injectionCurvesOf(
  manifest: Manifest,
  config: Config,
  argv: InjectionArguments,
  wanted?: (phases: Phases) => boolean,
): InjectionCurves {
  return injectionCurves(manifest, config, { ...argv, analysis: chosenAnalysis(manifest, argv.analysis) }, wanted);
}
