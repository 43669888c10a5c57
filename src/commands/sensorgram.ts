// `phorest sensorgram`: computes sensorgrams from the database; writes CSV, JSON lines, or a table of their precision.

import type { CommandModule } from "yargs";
import { withChangeMarks } from "../assay/analysis-changes.ts";
import { baselineWindow } from "../assay/baseline.ts";
import { PAIR_TEXTS } from "../assay/curve-units.ts";
import type { CurveManifest } from "../assay/joined.ts";
import { TWO_ERRORS } from "../assay/precision.ts";
import { sensitivitiesFor } from "../assay/sensitivity.ts";
import { Sensorgrams } from "../assay/sensorgrams.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { pairFormOf } from "../evaluation/configured-sensorgrams.ts";
import { TIMES, timeOption, typedWindow, windowOption, wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { labelMatcher } from "../measurement/labels.ts";
import { firstNames } from "../measurement/roi-names.ts";
import { ALWAYS, type TimeWindow } from "../measurement/time-window.ts";
import type { Beside } from "../outputs/csv/file/curve-lines.ts";
import { Temperatures } from "../web/temperatures.ts";
import { sayWhatIsArchived } from "./archived.ts";
import { ANALYSIS_OPTION, chosenAnalysis, linesByLabel } from "./chosen-analysis.ts";
import { refuseEmpty } from "./empty-window.ts";
import { writeText } from "./export.ts";
import type { GlobalOptions } from "./global.ts";
import { curveReading, JOINED_OPTION } from "./joined-curves.ts";
import { PAIRS_WORDS, type Pairs, pairsOf } from "./pairs-option.ts";
import { openShown, RECORDS_OPTION, RECORDS_ROIS_OPTION } from "./records-option.ts";
import { ROI_LIST } from "./roi-list.ts";
import { curvesCsv, curvesJson } from "./sensorgram-curves.ts";
import { summaryJson, summaryRows, summaryTable, summaryWarnings } from "./sensorgram-summary.ts";
import { shownZone } from "./shown-zone.ts";

interface SensorgramArguments extends GlobalOptions {
  roi: string[] | undefined;
  baseline: string | undefined;
  reference: string[] | undefined;
  blank: string | undefined;
  injection: string | undefined;
  pairs: Pairs | undefined;
  from: string | undefined;
  to: string | undefined;
  format: "csv" | "json" | undefined;
  smooth: number | undefined;
  analysis: string | undefined;
  records: string | undefined;
  rois: string | undefined;
  joined: boolean;
  tracking: boolean;
  summary: boolean;
  out: string | undefined;
}

export const sensorgramCommand: CommandModule<GlobalOptions, SensorgramArguments> = {
  command: "sensorgram",
  describe: "Export referenced sensorgrams in px and RIU, with noise, drift and limit of detection",
  builder: (yargs) =>
    yargs
      .option("roi", {
        ...ROI_LIST,
        describe: "ROI names; * matches any (default: all)",
      })
      .option("baseline", {
        type: "string",
        requiresArg: true,
        describe: `FROM..TO: ${TIMES} (default: chosen on the web page, else as configured)`,
      })
      .option("reference", {
        type: "string",
        array: true,
        requiresArg: true,
        describe: "Reference ROIs, on which nothing binds (default: as configured)",
      })
      .option("blank", {
        type: "string",
        requiresArg: true,
        implies: "injection",
        describe: `FROM..TO of a blank injection: ${TIMES}`,
      })
      .option("injection", {
        type: "string",
        requiresArg: true,
        implies: "blank",
        describe: "Start of the injection that the blank is subtracted from",
      })
      .option("pairs", { describe: PAIRS_WORDS, coerce: pairsOf })
      .option("from", { type: "string", requiresArg: true, describe: `Write frames from this time on: ${TIMES}` })
      .option("to", { type: "string", requiresArg: true, describe: "Write frames before this time" })
      .option("format", {
        choices: ["csv", "json"] as const,
        describe: "csv, or json for one line per curve (default: csv)",
      })
      .option("smooth", { type: "number", requiresArg: true, describe: "Add a curve smoothed over this many frames" })
      .option("analysis", ANALYSIS_OPTION)
      .option("records", RECORDS_OPTION)
      .option("rois", RECORDS_ROIS_OPTION)
      .option("joined", JOINED_OPTION)
      .option("tracking", {
        type: "boolean",
        default: false,
        describe: "Use the tracking results that were measured in addition to the method",
      })
      .option("summary", { type: "boolean", default: false, describe: "Only noise, drift and limit of detection" })
      .option("out", { type: "string", requiresArg: true, describe: "File to write (default: standard output)" })
      .example("$0 sensorgram --pairs --summary", "the precision of each grating")
      .example("$0 sensorgram --roi '05*' --reference '130*' --baseline 0..600 --out shifts.csv", "referenced shifts")
      .example("$0 sensorgram --records results/processing_results.jsonl", "of what `phorest analyse` has measured"),
  handler: async (argv) => {
    const { config, manifest, close } = await openShown(loadConfig(argv.config).config, argv.records, argv.rois);
    try {
      sayWhatIsArchived(manifest);
      const analysis = chosenAnalysis(manifest, argv.analysis, { tracking: argv.tracking });
      const { source, marks, lines } = curveReading(manifest, analysis, argv.joined);
      const zone = shownZone(config, argv.tz);
      for (const line of lines) process.stderr.write(`${zone.shown(line)}\n`);
      const sensorgrams = open(manifest, source, analysis, config, argv);
      const form = pairFormOf(argv, config);
      if (form !== undefined) process.stderr.write(`values of gratings: ${PAIR_TEXTS[form]}\n`);
      const beside: Beside = {
        temperatures: new Temperatures(manifest),
        markers: withChangeMarks(manifest.markers.events(), marks),
        frames: {
          firstUs: manifest.history.oldestCaptureUs(),
          guessed: source.results.guessedFrames(analysis.analysisId),
          simulated: source.results.simulatedFrames(analysis.analysisId),
        },
      };
      await writeText(written(sensorgrams, argv, beside, writtenWindow(manifest, config, argv)), argv.out);
    } finally {
      close();
    }
  },
};

function written(
  sensorgrams: Sensorgrams,
  { summary, json: asJson, format }: SensorgramArguments,
  beside: Beside,
  window: TimeWindow,
): Iterable<string> | AsyncIterable<string> {
  const json = format === undefined ? asJson : format === "json";
  if (!summary) return json ? curvesJson(sensorgrams, beside, window) : curvesCsv(sensorgrams, beside, window);
  const rows = summaryRows(sensorgrams);
  const { simulated, guessed } = beside.frames;
  if (!simulated.none) process.stderr.write("warning: some or all of these frames show the simulated chip\n");
  if (!guessed.none) {
    process.stderr.write(
      "warning: some or all of these times are guessed from other images or from the time of modification of the file\n",
    );
  }
  for (const line of summaryWarnings(rows)) process.stderr.write(`${line}\n`);
  if (json) return summaryJson(rows);
  process.stderr.write(`${TWO_ERRORS}\n`);
  return summaryTable(rows);
}

/** Returns the frames to write. Throws Failure `usage.invalid` for a window without any. */
function writtenWindow(manifest: Manifest, config: Config, { from, to, tz }: SensorgramArguments): TimeWindow {
  const zone = shownZone(config, tz);
  const window = typedWindow({ from, to }, manifest.history.oldestCaptureUs(), zone);
  if (window === undefined) return ALWAYS;
  refuseEmpty("--from and --to", window, manifest, zone);
  return window;
}

function open(
  manifest: Manifest,
  source: CurveManifest,
  analysis: Analysis,
  config: Config,
  argv: SensorgramArguments,
): Sensorgrams {
  const { Analysis: configured } = config;
  const zone = shownZone(config, argv.tz);
  const references = argv.reference ?? configured.reference_rois;
  const stored = baselineWindow(source, configured.baseline_seconds, analysis.analysisId);
  const baseline =
    argv.baseline === undefined ? () => stored : ofFirst(windowOption("--baseline", argv.baseline, zone));
  const blank = argv.blank === undefined ? undefined : ofFirst(windowOption("--blank", argv.blank, zone));
  const injection = argv.injection === undefined ? undefined : ofFirst(timeOption("--injection", argv.injection, zone));
  const firstUs = manifest.history.oldestCaptureUs();
  for (const [option, text] of [
    ["--baseline", argv.baseline],
    ["--blank", argv.blank],
  ] as const) {
    if (text !== undefined) refuseEmpty(option, windowOption(option, text, zone)(firstUs), manifest, zone);
  }
  if (argv.smooth !== undefined && !(argv.smooth >= 3)) throw wrongOption("--smooth", "at least 3 frames", argv.smooth);
  const sensorgrams = new Sensorgrams(source, analysis, {
    isWanted: labelMatcher(argv.roi ?? ["*"]),
    isReference: labelMatcher(references),
    baseline,
    pairs: (argv.pairs ?? false) !== false,
    pairForm: pairFormOf(argv, config) ?? configured.pair_form,
    groups: configured.groups,
    sensitivities: sensitivitiesFor(config),
    injectionsUs: manifest.markers.moments(),
    smoothFrames: argv.smooth,
    lines: linesByLabel(manifest, analysis),
    ...(blank === undefined || injection === undefined
      ? {}
      : { blank: (timesUs: Float64Array) => ({ window: blank(timesUs), injectionUs: injection(timesUs) }) }),
  });
  sensorgrams.refuseUnknown(argv.roi);
  sensorgrams.refuseUnknown(argv.reference, "--reference");
  if (references.length > 0 && sensorgrams.references.length === 0) {
    throw new Failure("usage.invalid", `none of the reference ROIs has a baseline: ${references.join(", ")}`, {
      hint: firstNames(analysis.labels),
    });
  }
  return sensorgrams;
}

/** Converts a function of the first frame's time to one of the times of all frames. */
function ofFirst<T>(of: (firstUs: number | undefined) => T): (timesUs: Float64Array) => T {
  return (timesUs) => of(timesUs[0]);
}
