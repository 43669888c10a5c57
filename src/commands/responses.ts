// `phorest responses`: shows how far each curve moved in each injection, at fixed points of the injection.
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import {
  type ResponseRow,
  responseJson,
  responseRows,
  responseSummary,
  responsesCsv,
} from "../evaluation/responses.ts";
import { concentrationText } from "../measurement/concentration.ts";
import { textTable } from "../terminal/text-table.ts";
import { writeText } from "./export.ts";
import type { GlobalOptions } from "./global.ts";
import { INJECTION_OPTIONS, type InjectionArguments, injectionCurvesOf } from "./injection-options.ts";
import { openStored } from "./stored-experiment.ts";

interface ResponsesArguments extends InjectionArguments {
  readonly summary: boolean;
}

export const responsesCommand: CommandModule<GlobalOptions, ResponsesArguments> = {
  command: "responses",
  describe: "How far each grating moved in each injection, with errors",
  builder: (yargs) =>
    yargs
      .options(INJECTION_OPTIONS)
      .option("summary", {
        type: "boolean",
        default: false,
        describe: "One line for each injection, over all gratings",
      })
      .example("$0 responses --summary", "the response to each injection")
      .example("$0 responses --roi '05*' --injection 3 --out responses.csv", "grating by grating"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const manifest = openStored(config);
    try {
      const rows = responseRows(injectionCurvesOf(manifest, config, argv));
      if (argv.summary) {
        process.stdout.write(argv.json ? `${JSON.stringify(responseSummary(rows))}\n` : summaryTable(rows));
      } else {
        const text = argv.json ? `${JSON.stringify(rows.map(responseJson))}\n` : await responsesCsv(rows);
        await writeText([text], argv.out);
      }
    } finally {
      manifest.close();
    }
  },
};

function summaryTable(rows: readonly ResponseRow[]): string {
  const names = [
    "injection",
    "solution",
    "concentration",
    "point",
    "gratings",
    "median px",
    "spread px",
    "error px",
    "flagged",
  ];
  const lines = responseSummary(rows).map((one) => [
    String(one.injection),
    one.solution,
    one.concentration_M === null ? "" : concentrationText(one.concentration_M),
    one.point,
    String(one.gratings),
    one.median_px?.toFixed(4) ?? "-",
    one.spread_px?.toFixed(4) ?? "-",
    one.median_error_px?.toFixed(4) ?? "-",
    String(one.flagged),
  ]);
  return textTable(names, lines, "rlrlrrrrr");
}
