// `phorest kinetics`: fits rates and affinities of an experiment or, with `--table`, of sensorgrams from any instrument.

import type { CommandModule } from "yargs";
import { TIME_UNITS, type TimeUnit } from "../assay/kinetics/table/units.ts";
import { Failure } from "../failure/failure.ts";
import { CONCENTRATION_UNITS } from "../measurement/concentration.ts";
import { ANALYSIS_OPTION } from "./chosen-analysis.ts";
import type { GlobalOptions } from "./global.ts";
import { type ExperimentArguments, kineticsOfExperiment, repeatKinetics } from "./kinetics-of-experiment.ts";
import { kineticsOfTable, type TableArguments } from "./kinetics-of-table.ts";
import { ROI_LIST } from "./roi-list.ts";

type KineticsArguments = GlobalOptions &
  TableArguments &
  ExperimentArguments & { readonly table: string | undefined; readonly repeat: string | undefined };

/** Options that apply only to a table, or only to an experiment. */
const OF_TABLE = [
  "time-unit",
  "concentration-unit",
  "columns",
  "association",
  "dissociation",
  "concentrations",
] as const;
const OF_EXPERIMENT = ["roi", "group", "analysis", "solution", "iso-affinity"] as const;

export const kineticsCommand: CommandModule<GlobalOptions, KineticsArguments> = {
  command: "kinetics [output]",
  describe:
    "Fit binding kinetics (ka, kd, KD, Rmax) to the injections of an experiment, or to a table of any instrument",
  builder: (yargs) =>
    yargs
      // yargs returns "" for a single dash.
      .positional("output", { type: "string", describe: "With --json: file for the JSON, or - for the terminal" })
      .option("table", {
        type: "string",
        requiresArg: true,
        describe: "Fit this CSV or text file of any instrument, not the experiment",
      })
      .option("roi", {
        ...ROI_LIST,
        describe: "Gratings or ROIs; * matches any (default: all)",
      })
      .option("group", { type: "string", array: true, requiresArg: true, describe: "Groups (default: all)" })
      .option("pairs", { type: "boolean", default: true, describe: "One curve per grating, from both halves" })
      .option("analysis", ANALYSIS_OPTION)
      .option("solution", {
        type: "string",
        requiresArg: true,
        describe: "Which solution (default: the one injected most often)",
      })
      .option("delay", {
        type: "number",
        requiresArg: true,
        default: 0,
        describe: "Seconds from the start of an injection until the liquid is over the chip",
      })
      .option("pooled", {
        type: "boolean",
        default: false,
        describe: "Also one fit over each group, with common ka and kd",
      })
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
      .option("repeat", {
        type: "string",
        requiresArg: true,
        conflicts: "table",
        describe: "Fit again what this file of --json says, and compare every number",
      })
      .option("iso-affinity", {
        type: "string",
        requiresArg: true,
        describe: "PNG or SVG file with ka against kd of all gratings, and lines of equal KD",
      })
      .option("time-unit", { choices: Object.keys(TIME_UNITS) as TimeUnit[], describe: "Unit of the times" })
      .option("concentration-unit", {
        type: "string",
        requiresArg: true,
        describe: `Unit of the concentrations: ${CONCENTRATION_UNITS.join(", ")}`,
      })
      .option("response-unit", {
        type: "string",
        requiresArg: true,
        default: "RU",
        describe: "With --table: unit to print",
      })
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
        describe: "Concentrations of the associations, in order, if the table has none",
      })
      .option("blanks", {
        type: "boolean",
        default: true,
        describe: "Subtract blanks; --no-blanks ignores them",
      })
      .example("$0 kinetics --model 1:1+bulk --pooled", "of the experiment, grating by grating and by group")
      .example("$0 kinetics --table binding.csv", "find the windows and the model")
      .example("$0 kinetics --table binding.csv --model 1:1+bulk --json -", "for a program"),
  handler: async (argv) => {
    if (argv.output !== undefined && !argv.json) {
      const hint = argv.table === undefined ? "see phorest kinetics --help" : "the table follows --table";
      throw new Failure("usage.invalid", `unexpected argument "${argv.output}"`, { hint });
    }
    const others = argv.table === undefined ? OF_TABLE : OF_EXPERIMENT;
    const misplaced = others.find((name) => argv[name] !== undefined);
    if (misplaced !== undefined) {
      throw new Failure(
        "usage.invalid",
        argv.table === undefined
          ? `--${misplaced} is for a table of another instrument`
          : `--${misplaced} is for an experiment; a table has none`,
        { hint: argv.table === undefined ? "add --table FILE" : "leave it out" },
      );
    }
    if (argv.repeat !== undefined) await repeatKinetics(argv.repeat, argv);
    else if (argv.table === undefined) await kineticsOfExperiment(argv);
    else await kineticsOfTable(argv.table, argv);
  },
};
