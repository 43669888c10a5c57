// `phorest kinetics`: fits the injections of an experiment, grating by grating and group by group.
import { resolve } from "node:path";
import { type ExperimentKinetics, experimentKinetics } from "../assay/kinetics/experiment/experiment-kinetics.ts";
import { type KineticsRequest, planOf } from "../assay/kinetics/experiment/plan.ts";
import { kineticsView } from "../assay/kinetics/experiment/view.ts";
import { loadConfig } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import type { Config } from "../config/schema.ts";
import { kineticsCsv } from "../evaluation/kinetics-csv.ts";
import { Failure } from "../failure/failure.ts";
import { renderVegaLite } from "../figures/render.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { packageVersion, writeDurably } from "../system/files.ts";
import { chosenAnalysis, firstLabels } from "./chosen-analysis.ts";
import { figureFile, writeFigure } from "./figure-file.ts";
import type { GlobalOptions } from "./global.ts";
import { drawnFits, MOST_DRAWN } from "./kinetics-figures.ts";
import { groupsTable, kineticsTable, linesOf, SOME_FAILED } from "./kinetics-text.ts";
import { openStored } from "./stored-experiment.ts";

/** Which curves and how; `phorest map ka` has the same. */
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
}

export async function kineticsOfExperiment(argv: ExperimentArguments): Promise<void> {
  const figure = argv.figure === undefined ? undefined : figureFile("--figure", argv.figure);
  const { config } = loadConfig(argv.config);
  const manifest = openStored(config);
  try {
    const found = fitted(manifest, config, argv);
    const fits = found.gratings.map((one) => one.found);
    for (const note of found.notes) process.stderr.write(`${note}\n`);
    for (const line of fits.flatMap(linesOf)) process.stderr.write(`${line}\n`);
    if (argv.csv !== undefined) await writeDurably(resolve(argv.csv), await kineticsCsv(fits));
    if (figure !== undefined) {
      if (fits.length > MOST_DRAWN)
        process.stderr.write(`the figure shows the first ${MOST_DRAWN} curves; --roi chooses others\n`);
      await writeFigure(
        figure,
        await renderVegaLite(drawnFits(fits, "px", `${experimentName(config)}: ${found.plan.solution}`)),
      );
    }
    if (!argv.json) process.stdout.write(kineticsTable(fits, "px") + groupsTable(found.groups));
    else {
      const text = `${JSON.stringify({ version: packageVersion(), ...kineticsView(found) })}\n`;
      if (argv.output === undefined || argv.output === "" || argv.output === "-") process.stdout.write(text);
      else await writeDurably(resolve(argv.output), text);
    }
    if (fits.some((one) => "why" in one)) process.exitCode = SOME_FAILED;
  } finally {
    manifest.close();
  }
}

/** The fits that options ask for. Failure `usage.invalid` where there is nothing to fit. */
function fitted(manifest: Manifest, config: Config, argv: KineticsChoice): ExperimentKinetics {
  const analysis = chosenAnalysis(manifest, argv.analysis);
  const request: KineticsRequest = {
    roi: argv.roi,
    group: argv.group,
    pairs: argv.pairs,
    model: argv.model,
    solution: argv.solution,
    delayS: argv.delay,
    subtractBlanks: argv.blanks,
    pooled: argv.pooled,
  };
  const found = experimentKinetics(manifest, analysis, planOf(manifest, config, analysis, request));
  if (found.gratings.length > 0) return found;
  throw new Failure("usage.invalid", "no ROI has this name, or all of them are references", {
    hint: firstLabels(analysis),
  });
}
