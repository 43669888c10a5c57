// `phorest responses`: shows how far each curve moved in each injection, at fixed points of the injection.
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import { doseLines, doseResponseFigure, doseResponses } from "../evaluation/dose-response.ts";
import {
  type ResponseRow,
  responseJson,
  responseRows,
  responseSummary,
  responsesCsv,
} from "../evaluation/responses.ts";
import { Failure } from "../failure/failure.ts";
import { MOST_DOSE_CURVES } from "../figures/dose-figure.ts";
import { renderVegaLite } from "../figures/render.ts";
import { concentrationText } from "../measurement/concentration.ts";
import { textTable } from "../terminal/text-table.ts";
import { writeText } from "./export.ts";
import { type FigureFile, figureFile, writeFigure } from "./figure-file.ts";
import type { GlobalOptions } from "./global.ts";
import { INJECTION_OPTIONS, type InjectionArguments, injectionCurvesOf } from "./injection-options.ts";
import { openStored } from "./stored-experiment.ts";

interface ResponsesArguments extends InjectionArguments {
  readonly summary: boolean;
  readonly figure: string | undefined;
  readonly hill: boolean;
  readonly solution: string | undefined;
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
      .option("figure", {
        type: "string",
        requiresArg: true,
        describe: "PNG or SVG file: late responses against concentration, with Langmuir's equation fitted",
      })
      .option("hill", { type: "boolean", default: false, describe: "--figure: fit Hill's equation too" })
      .option("solution", {
        type: "string",
        requiresArg: true,
        describe: "--figure: which solution (default: the one with most injections)",
      })
      .example("$0 responses --summary", "the response to each injection")
      .example("$0 responses --roi '05*' --injection 3 --out responses.csv", "grating by grating")
      .example(
        "$0 responses --summary --roi '05*' --figure doses.svg --hill",
        "dose response, with KD of each grating",
      ),
  handler: async (argv) => {
    const figure = argv.figure === undefined ? undefined : figureFile("--figure", argv.figure);
    if (figure === undefined && (argv.hill || argv.solution !== undefined)) {
      throw new Failure("usage.invalid", "--hill and --solution need --figure FILE");
    }
    const { config } = loadConfig(argv.config);
    const manifest = openStored(config);
    try {
      const rows = responseRows(injectionCurvesOf(manifest, config, argv));
      if (figure !== undefined) await drawDoses(figure, rows, argv, experimentName(config));
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

/** Writes the figure of the dose response, and its numbers as lines on standard error. */
async function drawDoses(
  figure: FigureFile,
  rows: readonly ResponseRow[],
  { solution, hill }: ResponsesArguments,
  title: string,
): Promise<void> {
  const found = doseResponses(rows, solution, hill);
  for (const line of doseLines(found)) process.stderr.write(`${line}\n`);
  if (found.gratings.length > MOST_DOSE_CURVES)
    process.stderr.write(`the figure shows the first ${MOST_DOSE_CURVES} curves; --roi chooses others\n`);
  await writeFigure(figure, await renderVegaLite(doseResponseFigure(found, title)));
}

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
