// `phorest baseline`: shows, sets or resets the baseline that all curves, plots and precision values use.
import type { CommandModule } from "yargs";
import { BaselineInForce, baselineReason, baselineText } from "../assay/baseline.ts";
import { baselineWarningLines } from "../assay/baseline-warnings.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { configuredSensorgrams } from "../evaluation/configured-sensorgrams.ts";
import { TIMES, windowOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { unmeasured } from "../manifest/named-analysis.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { changeExperiment } from "./change-experiment.ts";
import { ANALYSIS_OPTION, chosenAnalysis } from "./chosen-analysis.ts";
import { refuseEmpty } from "./empty-window.ts";
import type { GlobalOptions } from "./global.ts";
import { shownZone } from "./shown-zone.ts";
import { openStored } from "./stored-experiment.ts";

interface BaselineArguments extends GlobalOptions {
  window: string | undefined;
  reset: boolean;
  analysis: string | undefined;
}

export const baselineCommand: CommandModule<GlobalOptions, BaselineArguments> = {
  command: "baseline [window]",
  describe: "Show, set or reset the baseline of all curves, plots and reports",
  builder: (yargs) =>
    yargs
      .positional("window", { type: "string", describe: `FROM..TO: ${TIMES}` })
      .option("reset", { type: "boolean", default: false, describe: "Use the configured baseline again" })
      .option("analysis", ANALYSIS_OPTION)
      .example("$0 baseline", "show it")
      .example("$0 baseline 120..600", "from 120 s to 600 s after the first frame"),
  handler: async ({ config: file, window, reset, analysis, json, tz }) => {
    const { config } = loadConfig(file);
    const zone = shownZone(config, tz);
    if (reset && window !== undefined) throw new Failure("usage.invalid", "give a window or --reset, not both");
    if (reset) await changeExperiment(config, { type: "forget-baseline" });
    if (window !== undefined) {
      const { fromUs, toUs } = windowOf(config, window, zone);
      await changeExperiment(config, { type: "set-baseline", fromUs, toUs });
    }
    process.stdout.write(shown(config, analysis, json, zone));
  },
};

/** Parses the window that the user typed. */
function windowOf(config: Config, text: string, zone: TimeZone): TimeWindow {
  const manifest = openStored(config);
  try {
    const window = windowOption("the baseline", text, zone)(manifest.history.oldestCaptureUs());
    refuseEmpty("the baseline", window, manifest, zone);
    return window;
  } finally {
    manifest.close();
  }
}

function shown(config: Config, wanted: string | undefined, json: boolean, zone: TimeZone): string {
  const manifest = openStored(config);
  try {
    const analysis = chosenAnalysis(manifest, wanted);
    const baseline = new BaselineInForce(manifest, config.Analysis.baseline_seconds).of(analysis.analysisId);
    if (baseline === undefined) throw unmeasured();
    const { window, origin } = baseline;
    const choice = { roi: undefined, pairs: false };
    const curves = configuredSensorgrams(manifest, analysis, config, choice).curves();
    const warnings = baselineWarningLines(
      Array.from(curves, ({ label, precision }) => [label, precision.doubts] as const),
    );
    const [from, to] = [isoFromUs(window.fromUs), isoFromUs(window.toUs)];
    if (json) return `${JSON.stringify({ from, to, origin, why: baselineReason(baseline), warnings })}\n`;
    return [baselineText(baseline, zone), ...warnings, ""].join("\n");
  } finally {
    manifest.close();
  }
}
