// `phorest arrival`: when the front of an injection arrives at each grating, and which way and how fast the liquid flows.
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { arrivalsCsv, arrivalsJson, arrivalsOf, flowLine } from "../evaluation/arrivals.ts";
import { writeText } from "./export.ts";
import type { GlobalOptions } from "./global.ts";
import { INJECTION_OPTIONS, type InjectionArguments, injectionCurvesOf } from "./injection-options.ts";
import { openStored } from "./stored-experiment.ts";

export const arrivalCommand: CommandModule<GlobalOptions, InjectionArguments> = {
  command: "arrival",
  describe: "When each injection arrives at each grating, and the direction and speed of the flow",
  builder: (yargs) =>
    yargs
      .options(INJECTION_OPTIONS)
      .example("$0 arrival --injection 2 --out arrival.csv", "times at which half of the front has passed"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const manifest = openStored(config);
    try {
      const { rows, flows } = arrivalsOf(manifest, injectionCurvesOf(manifest, config, argv));
      const text = argv.json ? `${JSON.stringify(arrivalsJson(rows, flows))}\n` : await arrivalsCsv(rows);
      await writeText([text], argv.out);
      for (const flow of flows) process.stderr.write(`${flowLine(flow)}\n`);
    } finally {
      manifest.close();
    }
  },
};
