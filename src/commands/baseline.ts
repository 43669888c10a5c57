// `phorest baseline`: shows, sets or resets the baseline that all curves, plots and figures of precision use.
import type { CommandModule } from "yargs";
import { type BaselineOrigin, baselineOf } from "../assay/baseline.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { changeExperiment } from "./change-experiment.ts";
import type { GlobalOptions } from "./global.ts";
import { openStored } from "./stored-experiment.ts";
import { TIMES, windowOption } from "./time-options.ts";

interface BaselineArguments extends GlobalOptions {
  window: string | undefined;
  reset: boolean;
}

export const baselineCommand: CommandModule<GlobalOptions, BaselineArguments> = {
  command: "baseline [window]",
  describe: "Show, set or reset the baseline of all curves, plots and reports",
  builder: (yargs) =>
    yargs
      .positional("window", { type: "string", describe: `FROM..TO: ${TIMES}` })
      .option("reset", { type: "boolean", default: false, describe: "Use the configured baseline again" })
      .example("$0 baseline", "show it")
      .example("$0 baseline 120..600", "from 120 s to 600 s after the first frame"),
  handler: async ({ config: file, window, reset, json }) => {
    const { config } = loadConfig(file);
    if (reset && window !== undefined) throw new Failure("usage.invalid", "give a window or --reset, not both");
    if (reset) await changeExperiment(config, { type: "forget-baseline" });
    if (window !== undefined) {
      const { fromUs, toUs } = windowOption("the baseline", window)(firstFrameUs(config));
      await changeExperiment(config, { type: "set-baseline", fromUs, toUs });
    }
    process.stdout.write(shown(config, json));
  },
};

function firstFrameUs(config: Config): number | undefined {
  const manifest = openStored(config);
  try {
    return manifest.history.oldestCaptureUs();
  } finally {
    manifest.close();
  }
}

const WHY: Readonly<Record<BaselineOrigin, string>> = {
  chosen: "chosen by a person",
  opening: "as configured (Analysis.baseline_seconds)",
  markers: "the part of the configured length (Analysis.baseline_seconds) without a marker",
};

function shown(config: Config, json: boolean): string {
  const manifest = openStored(config);
  try {
    const firstUs = manifest.history.oldestCaptureUs();
    if (firstUs === undefined) throw new Failure("usage.invalid", "no frame has been captured yet");
    const { window, origin } = baselineOf(manifest, firstUs, config.Analysis.baseline_seconds);
    const [from, to] = [isoFromUs(window.fromUs), isoFromUs(window.toUs)];
    return json ? `${JSON.stringify({ from, to, origin })}\n` : `${from} to ${to}: ${WHY[origin]}\n`;
  } finally {
    manifest.close();
  }
}
