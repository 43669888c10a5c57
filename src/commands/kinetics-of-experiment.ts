// `phorest kinetics`: fits the injections of an experiment, by grating and by group.
import { experimentKinetics } from "../assay/kinetics/experiment/experiment-kinetics.ts";
import type { KineticsRequest } from "../assay/kinetics/experiment/plan.ts";
import { differences, parseRecord } from "../assay/kinetics/experiment/repeat.ts";
import { loadConfig } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import { textOf } from "../evaluation/csv-rows.ts";
import {
  affinityFigure,
  kineticsOf,
  kineticsRecordOf,
  kineticsRecordText,
  MOST_DRAWN,
} from "../evaluation/kinetics.ts";
import { Failure } from "../failure/failure.ts";
import { renderVegaLite } from "../figures/render.ts";
import { writeOutput } from "../system/output-file.ts";
import { chosenAnalysis } from "./chosen-analysis.ts";
import { figureFile, writeFigure } from "./figure-file.ts";
import type { GlobalOptions } from "./global.ts";
import { writeFitFiles } from "./kinetics-files.ts";
import { groupsTable, kineticsTable, linesOf, SOME_FAILED } from "./kinetics-text.ts";
import { openStored } from "./stored-experiment.ts";

/** Which curves are fitted and how; also used by `phorest map ka`. */
interface KineticsChoice {
  readonly roi: string[] | undefined;
  readonly group: string[] | undefined;
  readonly pairs: boolean;
  readonly analysis: string | undefined;
  readonly solution: string | undefined;
  readonly delay: number;
  readonly model: string;
  readonly blanks: boolean;
  readonly pooled: boolean;
}

export interface ExperimentArguments extends GlobalOptions, KineticsChoice {
  readonly output: string | undefined;
  readonly csv: string | undefined;
  readonly figure: string | undefined;
  readonly "iso-affinity": string | undefined;
}

export async function kineticsOfExperiment(argv: ExperimentArguments): Promise<void> {
  const figure = argv.figure === undefined ? undefined : figureFile("--figure", argv.figure);
  const affinity = argv["iso-affinity"] === undefined ? undefined : figureFile("--iso-affinity", argv["iso-affinity"]);
  const { config } = loadConfig(argv.config);
  const manifest = openStored(config);
  try {
    const found = kineticsOf(manifest, config, chosenAnalysis(manifest, argv.analysis), requestOf(argv));
    const fits = found.gratings.map((one) => one.found);
    for (const note of found.notes) process.stderr.write(`${note}\n`);
    for (const line of fits.flatMap(linesOf)) process.stderr.write(`${line}\n`);
    if (figure !== undefined && fits.length > MOST_DRAWN)
      process.stderr.write(`the figure shows the first ${MOST_DRAWN} curves; --roi chooses others\n`);
    await writeFitFiles(fits, { csv: argv.csv, figure }, "px", `${experimentName(config)}: ${found.plan.solution}`);
    if (affinity !== undefined) {
      const drawn = affinityFigure(found, `${experimentName(config)}: ${found.plan.solution}`);
      if (drawn === undefined)
        process.stderr.write("no --iso-affinity figure: no grating has both ka and kd as numbers\n");
      else await writeFigure(affinity, await renderVegaLite(drawn));
    }
    if (!argv.json) process.stdout.write(kineticsTable(fits, "px") + groupsTable(found.groups));
    else {
      const text = kineticsRecordText(found);
      if (argv.output === undefined || argv.output === "" || argv.output === "-") process.stdout.write(text);
      else await writeOutput(argv.output, text);
    }
    if (fits.some((one) => "why" in one)) process.exitCode = SOME_FAILED;
  } finally {
    manifest.close();
  }
}

/** Repeats the fits of a record, and compares every number. */
export async function repeatKinetics(file: string, { config: configFile, json }: GlobalOptions): Promise<void> {
  const { config } = loadConfig(configFile);
  const record = parseRecord(await textOf(file));
  if (typeof record === "string") {
    throw new Failure("usage.invalid", `--repeat ${file}: ${record}`, {
      hint: "give a file that `phorest kinetics --json FILE` wrote",
    });
  }
  const manifest = openStored(config);
  try {
    const { plan } = record;
    const analysis = manifest.analyses
      .all()
      .find(({ analysisId, name }) => analysisId === plan.analysisId && name === plan.analysis);
    if (analysis === undefined) {
      throw new Failure("usage.invalid", `--repeat ${file}: this experiment has no analysis "${plan.analysis}"`, {
        hint: "was the record made of another experiment?",
      });
    }
    const again = kineticsRecordOf(experimentKinetics(manifest, analysis, plan));
    const found = differences(record, again);
    if (json) process.stdout.write(`${JSON.stringify({ same: found.length === 0, differences: found })}\n`);
    else if (found.length === 0)
      process.stdout.write(`${file}: repeated; every number is the same to the last digit\n`);
    for (const line of found) process.stderr.write(`${file}: ${line}\n`);
    if (found.length > 0) process.exitCode = SOME_FAILED;
  } finally {
    manifest.close();
  }
}

/** Returns the request that the options describe. */
function requestOf(argv: KineticsChoice): KineticsRequest {
  const { roi, group, pairs, model, solution, pooled } = argv;
  return { roi, group, pairs, model, solution, delayS: argv.delay, subtractBlanks: argv.blanks, pooled };
}
