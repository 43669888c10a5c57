// `phorest kinetics --table FILE`: fits sensorgrams of any instrument. Rates, affinities and what the data do not fix.
import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { highestOf } from "../assay/kinetics/curve-set.ts";
import { fitCurveSet, type KineticsFit, type NoFit } from "../assay/kinetics/fit.ts";
import { modelName, modelNamed } from "../assay/kinetics/models.ts";
import { recordOf } from "../assay/kinetics/record.ts";
import { readTable, type Table, type TableOptions } from "../assay/kinetics/table/read-table.ts";
import { CONCENTRATION_UNITS, concentrationUnit, TIME_UNITS, type TimeUnit } from "../assay/kinetics/table/units.ts";
import { Failure } from "../failure/failure.ts";
import { type DrawnSet, kineticsFigure } from "../figures/kinetics-figure.ts";
import { renderVegaLite } from "../figures/render.ts";
import { packageVersion, writeDurably } from "../system/files.ts";
import type { GlobalOptions } from "./global.ts";
import { kineticsCsv, kineticsTable } from "./kinetics-text.ts";

interface KineticsArguments extends GlobalOptions {
  output: string | undefined;
  table: string;
  model: string;
  csv: string | undefined;
  figure: string | undefined;
  "time-unit": TimeUnit | undefined;
  "concentration-unit": string | undefined;
  "response-unit": string;
  columns: string | undefined;
  association: string | undefined;
  dissociation: string | undefined;
  concentrations: string | undefined;
  blanks: boolean;
}

/** Curve sets that a figure draws; more would not be legible. */
const MOST_DRAWN = 8;
const SOME_FAILED = 3;

export const kineticsCommand: CommandModule<GlobalOptions, KineticsArguments> = {
  command: "kinetics [output]",
  describe: "Fit binding kinetics (ka, kd, KD, Rmax) to a table of sensorgrams of any instrument",
  builder: (yargs) =>
    yargs
      // yargs gives "" for a lone dash.
      .positional("output", { type: "string", describe: "With --json: file for the JSON, or - for the terminal" })
      .option("table", { type: "string", requiresArg: true, demandOption: true, describe: "CSV or text file" })
      .option("model", {
        type: "string",
        requiresArg: true,
        default: "auto",
        describe:
          "auto, 1:1, mass-transport, two-site, dissociation, steady-state or hill; add +bulk, +drift or +local (Rmax per cycle)",
      })
      .option("csv", { type: "string", requiresArg: true, describe: "Also write one line per curve set to this file" })
      .option("figure", {
        type: "string",
        requiresArg: true,
        describe: "PNG or SVG file with curves, fits and residuals",
      })
      .option("time-unit", { choices: Object.keys(TIME_UNITS) as TimeUnit[], describe: "Unit of the times" })
      .option("concentration-unit", {
        type: "string",
        requiresArg: true,
        describe: `Unit of the concentrations: ${Object.keys(CONCENTRATION_UNITS).join(", ")}`,
      })
      .option("response-unit", { type: "string", requiresArg: true, default: "RU", describe: "Unit to print" })
      .option("columns", {
        type: "string",
        requiresArg: true,
        describe: "Names of columns: time=..,response=..,concentration=..,cycle=..,curve=..",
      })
      .option("association", {
        type: "string",
        requiresArg: true,
        describe: "FROM..TO in the table's unit of time; several with commas",
      })
      .option("dissociation", {
        type: "string",
        requiresArg: true,
        describe: "FROM..TO of the dissociation that is fitted",
      })
      .option("concentrations", {
        type: "string",
        requiresArg: true,
        describe: "Of the associations in order, where the table has none",
      })
      .option("blanks", {
        type: "boolean",
        default: true,
        describe: "Subtract the mean of cycles of concentration 0; --no-blanks leaves them out of account",
      })
      .example("$0 kinetics --table binding.csv", "find the windows and the model")
      .example("$0 kinetics --table binding.csv --model 1:1+bulk --json -", "for a program"),
  handler: async (argv) => {
    if (argv.output !== undefined && !argv.json) {
      throw new Failure("usage.invalid", `unexpected argument "${argv.output}"`, { hint: "the table follows --table" });
    }
    const figure = argv.figure === undefined ? undefined : figureFile(argv.figure);
    const model = modelNamed(argv.model);
    const text = await tableText(argv.table);
    const table = await readTable(
      text,
      argv.table,
      tableOptions(argv, model !== "auto" && model.kind === "dissociation"),
    );
    const fits = table.sets.map((set) => fitCurveSet(set, model));
    for (const note of table.notes) process.stderr.write(`${note}\n`);
    for (const line of fits.flatMap(linesOf)) process.stderr.write(`${line}\n`);
    if (argv.csv !== undefined) await writeDurably(resolve(argv.csv), await kineticsCsv(fits));
    if (figure !== undefined) await draw(figure, argv, fits);
    if (argv.json) await writeJson(argv, table, fits);
    if (!argv.json) process.stdout.write(kineticsTable(fits, argv["response-unit"]));
    if (fits.some((found) => "why" in found)) process.exitCode = SOME_FAILED;
  },
};

/** Notes and failures of a set, a line each. */
function linesOf(found: KineticsFit | NoFit): string[] {
  if ("why" in found) return [`${found.set.name}: not fitted: ${found.why}`];
  return found.notes.map((note) => `${found.set.name}: ${note}`);
}

async function tableText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return bytes.toString(isUtf16 ? "utf16le" : "utf8");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Failure("usage.invalid", `--table ${file}: cannot read it: ${error.message.replace(/, open.*$/, "")}`, {
      hint: "check the name and the permissions",
      cause: error,
    });
  }
}

function tableOptions(argv: KineticsArguments, isDissociation: boolean): TableOptions {
  const typed = argv["concentration-unit"];
  const unit = typed === undefined ? undefined : concentrationUnit(typed);
  if (typed !== undefined && unit === undefined) {
    throw new Failure("usage.invalid", `--concentration-unit ${typed}: there is no such unit`, {
      hint: `choose from ${Object.keys(CONCENTRATION_UNITS).join(", ")}`,
    });
  }
  const dissociation = argv.dissociation === undefined ? undefined : windowsIn("--dissociation", argv.dissociation)[0];
  return {
    timeUnit: argv["time-unit"],
    concentrationUnit: unit,
    columns: argv.columns,
    associations: argv.association === undefined ? [] : windowsIn("--association", argv.association),
    dissociation,
    concentrations: argv.concentrations === undefined ? [] : numbersIn(argv.concentrations),
    subtractBlanks: argv.blanks,
    needsConcentration: !isDissociation,
  };
}

function windowsIn(option: string, text: string): [number, number][] {
  const windows = text.split(",").map((part): [number, number] => {
    const [from, to] = part.split("..").map((end) => (end.trim() === "" ? Number.NaN : Number(end)));
    return [from ?? Number.NaN, to ?? Number.NaN];
  });
  const isGood = windows.every(
    ([from, to], at) => from < to && from >= (windows[at - 1]?.[1] ?? Number.NEGATIVE_INFINITY),
  );
  if (isGood) return windows;
  throw new Failure("usage.invalid", `${option} ${text}: not a window`, {
    hint: "write FROM..TO with FROM before TO, such as 60..360; several in order with commas between",
  });
}

function numbersIn(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.every((value) => Number.isFinite(value) && value >= 0)) return numbers;
  throw new Failure("usage.invalid", `--concentrations ${text}: not numbers of 0 or more`, { hint: "such as 1,3,10" });
}

function figureFile(file: string): { readonly path: string; readonly isSvg: boolean } {
  const extension = extname(file).toLowerCase();
  if (extension !== ".png" && extension !== ".svg") {
    throw new Failure("usage.invalid", `--figure ${file}: the name must end with .png or .svg`);
  }
  return { path: resolve(file), isSvg: extension === ".svg" };
}

async function draw(
  figure: { path: string; isSvg: boolean },
  argv: KineticsArguments,
  fits: readonly (KineticsFit | NoFit)[],
) {
  const drawn = fits.flatMap((found) => ("why" in found ? [] : [found])).slice(0, MOST_DRAWN);
  const sets = drawn.map(({ set, model, fit }): DrawnSet => {
    const cycles = fit.cycles.map(({ cycle, index, fitted }) => ({
      name: `${cycle.name}, ${highestOf(cycle).toPrecision(3)} M`,
      timesS: Float64Array.from(index, (at) => cycle.timesS[at] as number),
      responses: Float64Array.from(index, (at) => cycle.responses[at] as number),
      fitted,
    }));
    return { title: `${set.name}: ${modelName(model)}`, cycles };
  });
  const { svg, png } = await renderVegaLite(kineticsFigure("Kinetics", argv["response-unit"], sets));
  await writeDurably(figure.path, figure.isSvg ? svg : png);
}

async function writeJson(
  { output, table: file, model, ...argv }: KineticsArguments,
  table: Table,
  fits: readonly (KineticsFit | NoFit)[],
) {
  const text = `${JSON.stringify({
    version: packageVersion(),
    table: file,
    sha256: table.sha256,
    settings: {
      model,
      time_unit: table.timeUnit,
      concentration_unit: table.concentrationUnit,
      response_unit: argv["response-unit"],
      columns: argv.columns ?? null,
      association: argv.association ?? null,
      dissociation: argv.dissociation ?? null,
      concentrations: argv.concentrations ?? null,
      subtract_blanks: argv.blanks,
    },
    left_out: { missing: table.tally.missing, duplicates: table.tally.duplicates },
    notes: table.notes,
    curves: fits.map(recordOf),
  })}\n`;
  if (output === undefined || output === "" || output === "-") process.stdout.write(text);
  else await writeDurably(resolve(output), text);
}
