// `phorest kinetics --table FILE`: fits sensorgrams of any instrument.

import { readFile } from "node:fs/promises";
import { fitCurveSet, type KineticsFit, type NoFit } from "../assay/kinetics/fit.ts";
import { modelNamed } from "../assay/kinetics/models.ts";
import { recordOf } from "../assay/kinetics/record.ts";
import { readTable, type Table, type TableOptions } from "../assay/kinetics/table/read-table.ts";
import { concentrationUnit, type TimeUnit } from "../assay/kinetics/table/units.ts";
import { Failure } from "../failure/failure.ts";
import { CONCENTRATION_UNITS } from "../measurement/concentration.ts";
import { packageVersion } from "../system/files.ts";
import { writeOutput } from "../system/output-file.ts";
import { figureFile } from "./figure-file.ts";
import { writeFitFiles } from "./kinetics-files.ts";
import { kineticsTable, linesOf, SOME_FAILED } from "./kinetics-text.ts";

/** The options of a table. */
export interface TableArguments {
  readonly json: boolean;
  readonly output: string | undefined;
  readonly model: string;
  readonly csv: string | undefined;
  readonly figure: string | undefined;
  readonly "time-unit": TimeUnit | undefined;
  readonly "concentration-unit": string | undefined;
  readonly "response-unit": string;
  readonly columns: string | undefined;
  readonly association: string | undefined;
  readonly dissociation: string | undefined;
  readonly concentrations: string | undefined;
  readonly blanks: boolean;
}

export async function kineticsOfTable(file: string, argv: TableArguments): Promise<void> {
  const figure = argv.figure === undefined ? undefined : figureFile("--figure", argv.figure);
  const model = modelNamed(argv.model);
  const text = await tableText(file);
  const table = await readTable(text, file, tableOptions(argv, model !== "auto" && model.kind === "dissociation"));
  const fits = table.sets.map((set) => fitCurveSet(set, model));
  for (const note of table.notes) process.stderr.write(`${note}\n`);
  for (const line of fits.flatMap(linesOf)) process.stderr.write(`${line}\n`);
  await writeFitFiles(fits, { csv: argv.csv, figure }, argv["response-unit"]);
  if (argv.json) await writeJson(file, argv, table, fits);
  else process.stdout.write(kineticsTable(fits, argv["response-unit"]));
  if (fits.some((found) => "why" in found)) process.exitCode = SOME_FAILED;
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

function tableOptions(argv: TableArguments, isDissociation: boolean): TableOptions {
  const typed = argv["concentration-unit"];
  const unit = typed === undefined ? undefined : concentrationUnit(typed);
  if (typed !== undefined && unit === undefined) {
    throw new Failure("usage.invalid", `--concentration-unit ${typed}: there is no such unit`, {
      hint: `choose from ${CONCENTRATION_UNITS.join(", ")}`,
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

async function writeJson(
  file: string,
  { output, model, ...argv }: TableArguments,
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
    curves: fits.map((found) => recordOf(found)),
  })}\n`;
  if (output === undefined || output === "" || output === "-") process.stdout.write(text);
  else await writeOutput(output, text);
}
