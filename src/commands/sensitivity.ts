// `phorest sensitivity`: computes px per RIU of each grating, from injections of known refractive index.
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import {
  checkBufferIndex,
  isCalibration,
  sensitivitiesCsv,
  sensitivitiesOf,
  sensitivityJson,
  sensitivityLine,
} from "../evaluation/sensitivities.ts";
import { writeText } from "./export.ts";
import type { GlobalOptions } from "./global.ts";
import { INJECTION_OPTIONS, type InjectionArguments, injectionCurvesOf } from "./injection-options.ts";
import { openStored } from "./stored-experiment.ts";

interface SensitivityArguments extends InjectionArguments {
  readonly "buffer-index": number | undefined;
}

export const sensitivityCommand: CommandModule<GlobalOptions, SensitivityArguments> = {
  command: "sensitivity",
  describe: "Sensitivity of each grating in px/RIU, from injections of known refractive index",
  builder: (yargs) =>
    yargs
      .options(INJECTION_OPTIONS)
      .option("buffer-index", {
        type: "number",
        requiresArg: true,
        describe:
          "Refractive index of the running buffer (default: unknown; two calibration injections are then needed)",
      })
      .example("$0 sensitivity --buffer-index 1.333", "of each grating, as CSV"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const index = argv["buffer-index"];
    checkBufferIndex(index);
    const manifest = openStored(config);
    try {
      const found = sensitivitiesOf(injectionCurvesOf(manifest, config, argv, isCalibration), index);
      const text = argv.json ? `${JSON.stringify(found.map(sensitivityJson))}\n` : await sensitivitiesCsv(found);
      await writeText([text], argv.out);
      process.stderr.write(`${sensitivityLine(found)}\n`);
    } finally {
      manifest.close();
    }
  },
};
