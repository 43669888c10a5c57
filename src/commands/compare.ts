// `phorest compare A B`: compares two experiments, or two analyses of one.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import {
  type Comparison,
  type ComparisonSide,
  comparisonDrawing,
  comparisonJson,
  comparisonNote,
  comparisonOf,
  comparisonRows,
  comparisonSide,
  forOtherSide,
  MOST_COMPARED_CURVES,
} from "../evaluation/comparisons.ts";
import { printVegaLite } from "../figures/print-picture.ts";
import { alignedLines } from "../terminal/text-table.ts";
import { chosenAnalysis } from "./chosen-analysis.ts";
import { figureFile, writeFigure } from "./figure-file.ts";
import type { GlobalOptions } from "./global.ts";
import { curveReading, JOINED_OPTION } from "./joined-curves.ts";
import { PAIRS_WORDS, type Pairs, pairsOf } from "./pairs-option.ts";
import { ROI_LIST } from "./roi-list.ts";
import { shownZone } from "./shown-zone.ts";
import { openStored } from "./stored-experiment.ts";

interface CompareArguments extends GlobalOptions {
  a: string | undefined;
  b: string | undefined;
  roi: string[] | undefined;
  pairs: Pairs | undefined;
  figure: string | undefined;
  joined: boolean;
}

export const compareCommand: CommandModule<GlobalOptions, CompareArguments> = {
  command: "compare <a> <b>",
  describe:
    "Compare two experiments, or two analyses of one: shift, noise, drift and limit of detection of each grating",
  builder: (yargs) =>
    yargs
      .positional("a", { type: "string", describe: "Directory of an experiment; with #NAME its analysis NAME" })
      .positional("b", { type: "string", describe: "The same for the other one" })
      .option("roi", {
        ...ROI_LIST,
        describe: "Names of ROIs or gratings; * matches any",
      })
      .option("pairs", { describe: PAIRS_WORDS, coerce: pairsOf })
      .option("joined", JOINED_OPTION)
      .option("figure", {
        type: "string",
        requiresArg: true,
        describe: `PNG or SVG file with the first ${MOST_COMPARED_CURVES} curves over each other, and their difference`,
      })
      .example("$0 compare 2026-03-04_first 2026-03-05_second --pairs", "two experiments")
      .example("$0 compare '.#gaussian' '.#joint' --figure methods.png", "two analyses of the experiment here"),
  handler: async (argv) => {
    const figure = argv.figure === undefined ? undefined : figureFile("--figure", argv.figure);
    const a = sideOf(argv.a ?? "", argv);
    const b = sideOf(argv.b ?? "", { ...argv, pairs: forOtherSide(a, argv.pairs) });
    const comparison = comparisonOf(a, b);
    for (const line of comparison.left) process.stderr.write(`${line}\n`);
    process.stdout.write(argv.json ? `${JSON.stringify(comparisonJson(comparison))}\n` : tableOf(comparison));
    if (figure === undefined) return;
    await writeFigure(figure, await printVegaLite(comparisonDrawing(comparison)));
    const { length } = comparison.compared;
    process.stderr.write(`${figure.path}: ${Math.min(length, MOST_COMPARED_CURVES)} of ${length} curves\n`);
  },
};

/** Returns what to compare of an experiment, named as `DIRECTORY` or `DIRECTORY#ANALYSIS`. */
function sideOf(given: string, argv: CompareArguments): ComparisonSide {
  const [directory, name] = directoryAndAnalysis(given);
  const { config } = loadConfig(undefined, resolve(directory === "" ? "." : directory));
  const manifest = openStored(config);
  try {
    // First, because the notices of chosenAnalysis name times.
    const zone = shownZone(config, argv.tz);
    const analysis = chosenAnalysis(manifest, name, { naming: (other) => JSON.stringify(`${directory}#${other}`) });
    const { source, lines } = curveReading(manifest, analysis, argv.joined);
    for (const line of lines) process.stderr.write(`${given}: ${zone.shown(line)}\n`);
    return comparisonSide(source, config, analysis, { ...argv, where: given });
  } finally {
    manifest.close();
  }
}

/** A directory name may contain #: if the whole text is a directory, it is taken as such. */
function directoryAndAnalysis(given: string): readonly [directory: string, analysis: string | undefined] {
  const at = given.lastIndexOf("#");
  if (at < 0 || existsSync(resolve(given))) return [given, undefined];
  return [given.slice(0, at), given.slice(at + 1)];
}

function tableOf(comparison: Comparison): string {
  const lines = alignedLines(comparisonRows(comparison), (column) => column > 0);
  return `A: ${comparison.a.name}\nB: ${comparison.b.name}\n${comparisonNote(comparison)}\n\n${lines.join("\n")}\n`;
}
