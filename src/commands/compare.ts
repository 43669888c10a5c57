// `phorest compare A B`: compares two experiments, or two analyses of one.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { CommandModule } from "yargs";
import { type Compared, type CurveFigures, compare, figuresOf } from "../assay/comparison.ts";
import type { WorkedSensorgram } from "../assay/sensorgrams.ts";
import { loadConfig } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import { configuredSensorgrams } from "../evaluation/configured-sensorgrams.ts";
import { Failure } from "../failure/failure.ts";
import { type CurvePair, comparisonFigure, type TimedCurve } from "../figures/comparison-figure.ts";
import { printVegaLite } from "../figures/print-picture.ts";
import { shortList } from "../system/counted.ts";
import { alignedLines } from "../terminal/text-table.ts";
import { chosenAnalysis } from "./chosen-analysis.ts";
import { figureFile, writeFigure } from "./figure-file.ts";
import type { GlobalOptions } from "./global.ts";
import { curveReading, JOINED_OPTION } from "./joined-curves.ts";
import { PAIRS_WORDS, type Pairs, pairsOf } from "./pairs-option.ts";
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

/** Largest number of curves in a figure; more would not be legible. */
const MOST_DRAWN = 8;

export const compareCommand: CommandModule<GlobalOptions, CompareArguments> = {
  command: "compare <a> <b>",
  describe:
    "Compare two experiments, or two analyses of one: shift, noise, drift and limit of detection of each grating",
  builder: (yargs) =>
    yargs
      .positional("a", { type: "string", describe: "Directory of an experiment; with #NAME its analysis NAME" })
      .positional("b", { type: "string", describe: "The same for the other one" })
      .option("roi", {
        type: "string",
        array: true,
        requiresArg: true,
        describe: "Names of ROIs or gratings; * matches any",
      })
      .option("pairs", { describe: PAIRS_WORDS, coerce: pairsOf })
      .option("joined", JOINED_OPTION)
      .option("figure", {
        type: "string",
        requiresArg: true,
        describe: `PNG or SVG file with the first ${MOST_DRAWN} curves over each other, and their difference`,
      })
      .example("$0 compare 2026-03-04_first 2026-03-05_second --pairs", "two experiments")
      .example("$0 compare '.#gaussian' '.#joint' --figure methods.png", "two analyses of the experiment here"),
  handler: async (argv) => {
    const figure = argv.figure === undefined ? undefined : figureFile("--figure", argv.figure);
    const [a, b] = [sideOf(argv.a ?? "", argv), sideOf(argv.b ?? "", argv)];
    const { compared, onlyA, onlyB } = compare(a.figures, b.figures);
    if (compared.length === 0) {
      throw new Failure("usage.invalid", "the two have no ROI in common", {
        hint: `A has ${first(onlyA)}; B has ${first(onlyB)}`,
      });
    }
    for (const [name, only] of [
      ["A", onlyA],
      ["B", onlyB],
    ] as const) {
      if (only.length > 0) process.stderr.write(`only in ${name}: ${shortList(only, NAMED)}\n`);
    }
    process.stdout.write(argv.json ? `${JSON.stringify(jsonOf(a, b, compared))}\n` : tableOf(a, b, compared));
    if (figure === undefined) return;
    const pairs = compared.slice(0, MOST_DRAWN).map(({ label }): CurvePair => {
      return { label, a: a.curves.get(label) as TimedCurve, b: b.curves.get(label) as TimedCurve };
    });
    await writeFigure(figure, await printVegaLite(comparisonFigure("Comparison", a.name, b.name, pairs)));
    process.stderr.write(`${figure.path}: ${pairs.length} of ${compared.length} curves\n`);
  },
};

const NAMED = 5;
const first = (labels: readonly string[]): string => labels.slice(0, NAMED).join(", ");

interface Side {
  readonly name: string;
  readonly figures: ReadonlyMap<string, CurveFigures>;
  readonly curves: ReadonlyMap<string, TimedCurve>;
}

/** Returns what to compare of an experiment, named as `DIRECTORY` or `DIRECTORY#ANALYSIS`. */
function sideOf(given: string, argv: CompareArguments): Side {
  const [directory, name] = directoryAndAnalysis(given);
  const { config } = loadConfig(undefined, resolve(directory === "" ? "." : directory));
  const manifest = openStored(config);
  try {
    const analysis = chosenAnalysis(manifest, name);
    const { source, lines } = curveReading(manifest, analysis, argv.joined);
    for (const line of lines) process.stderr.write(`${given}: ${shownZone(config, argv.tz).shown(line)}\n`);
    const figures = new Map<string, CurveFigures>();
    const curves = new Map<string, TimedCurve>();
    for (const curve of configuredSensorgrams(source, analysis, config, { ...argv, where: given }).curves()) {
      figures.set(curve.label, figuresOf(curve));
      curves.set(curve.label, timed(curve));
    }
    return { name: `${experimentName(config)} (${analysis.method}, analysis "${analysis.name}")`, figures, curves };
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

function timed({ timesUs, result, flags }: WorkedSensorgram): TimedCurve {
  const firstUs = timesUs[0] ?? 0;
  return {
    seconds: timesUs.map((timeUs) => (timeUs - firstUs) / 1e6),
    values: result.map((value, at) => (flags[at] === 0 ? value : Number.NaN)),
  };
}

function jsonOf(a: Side, b: Side, compared: readonly Compared[]): object {
  const plain = ({ finalShift, noise, driftPerHour, detectionLimit }: CurveFigures) => ({
    final_shift_px: finalShift,
    noise_px: noise,
    drift_px_per_hour: driftPerHour,
    detection_limit_px: detectionLimit,
  });
  return {
    a: a.name,
    b: b.name,
    curves: compared.map((one) => ({ label: one.label, a: plain(one.a), b: plain(one.b) })),
  };
}

function tableOf(a: Side, b: Side, compared: readonly Compared[]): string {
  const px = (value: number, decimals = 4) => (Number.isFinite(value) ? value.toFixed(decimals) : "-");
  const rows = [
    ["label", "shift A", "shift B", "B-A", "noise A", "noise B", "drift/h A", "drift/h B", "LOD A", "LOD B"],
    ...compared.map(({ label, a: ofA, b: ofB }) => [
      label,
      px(ofA.finalShift),
      px(ofB.finalShift),
      px(ofB.finalShift - ofA.finalShift),
      px(ofA.noise),
      px(ofB.noise),
      px(ofA.driftPerHour, 3),
      px(ofB.driftPerHour, 3),
      px(ofA.detectionLimit),
      px(ofB.detectionLimit),
    ]),
  ];
  const lines = alignedLines(rows, (column) => column > 0);
  return `A: ${a.name}\nB: ${b.name}\nAll in px; shift: median of the last tenth of the frames, from the baseline\n\n${lines.join("\n")}\n`;
}
