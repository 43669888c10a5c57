// `phorest export`: streams the database in the formats of the established system.
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { writeToString } from "fast-csv";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { TIMES } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { allOutcomes, metadataManifest, type Part, processingResults } from "../manifest/established-export.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { ELAPSED, elapsedText, TIME_GUESSED, YES } from "../outputs/csv/file/frame-columns.ts";
import { csvColumns, csvLines, DEGREES, PAGE } from "../outputs/csv/file/lines.ts";
import { writeOutput } from "../system/output-file.ts";
import { sayWhatIsArchived } from "./archived.ts";
import { ANALYSIS_OPTION, exportedAnalyses } from "./chosen-analysis.ts";
import { exportedRois, exportedWindow } from "./export-part.ts";
import { QUANTITIES, type Quantity, wideCsv } from "./export-wide.ts";
import type { GlobalOptions } from "./global.ts";
import { JOINED_OPTION } from "./joined-curves.ts";
import { PAIRS_WORDS, type Pairs, pairsOf } from "./pairs-option.ts";
import { ROI_LIST } from "./roi-list.ts";
import { shownZone } from "./shown-zone.ts";
import { openStored } from "./stored-experiment.ts";

const FORMATS = ["manifest-json", "results-jsonl", "csv", "csv-wide"] as const;
type Format = (typeof FORMATS)[number];

interface ExportArguments extends GlobalOptions {
  format: Format;
  since: string | undefined;
  roi: string[] | undefined;
  from: string | undefined;
  to: string | undefined;
  analysis: string | undefined;
  quantity: Quantity;
  pairs: Pairs | undefined;
  joined: boolean;
  "keep-flagged": boolean;
  "decimal-comma": boolean;
  out: string | undefined;
}

const WIDE_OPTIONS = {
  quantity: { choices: QUANTITIES, default: "shift", describe: "What the columns hold" },
  pairs: {
    describe: `${PAIRS_WORDS} (default: if gratings have two halves)`,
    coerce: (given: unknown) => (given === undefined ? undefined : pairsOf(given)),
  },
  joined: JOINED_OPTION,
  "keep-flagged": { type: "boolean", default: false, describe: "Write the values of flagged results, too" },
  "decimal-comma": { type: "boolean", default: false, describe: "Decimal commas, and semicolons between the cells" },
} as const;

export const exportCommand: CommandModule<GlobalOptions, ExportArguments> = {
  command: "export",
  describe: "Export frames or results, one line per result or one column per grating",
  builder: (yargs) =>
    yargs
      .option("format", { choices: FORMATS, demandOption: true, describe: "Format of the export" })
      .option("from", { type: "string", requiresArg: true, describe: `Frames from this time on: ${TIMES}` })
      .option("to", { type: "string", requiresArg: true, describe: "Frames up to this time" })
      .option("since", { type: "string", requiresArg: true, describe: "The same as --from" })
      .option("roi", {
        ...ROI_LIST,
        describe: "Names of ROIs or gratings; * matches any (default: all)",
      })
      .option("analysis", ANALYSIS_OPTION)
      .option("out", { type: "string", requiresArg: true, describe: "File to write (default: standard output)" })
      .options(WIDE_OPTIONS)
      .group(Object.keys(WIDE_OPTIONS), "Options of csv-wide:")
      .example("$0 export --format csv-wide --decimal-comma --out shifts.csv", "for Excel with a decimal comma")
      .example("$0 export --format manifest-json --out metadata_manifest.json", "as the established system writes it")
      .example(
        "$0 export --format csv --from 2026-03-04T12:00:00Z --roi '05*'",
        "one line per ROI and frame since noon UTC",
      ),
  handler: async (argv) => {
    const { config: file, format, out } = argv;
    checkOptionsOf(argv);
    const { config } = loadConfig(file);
    const zone = shownZone(config, argv.tz);
    const manifest = openStored(config);
    try {
      sayWhatIsArchived(manifest);
      const window = exportedWindow(manifest, argv, zone);
      const wide = { ...argv, keepFlagged: argv["keep-flagged"], decimalComma: argv["decimal-comma"], window, zone };
      await writeText(
        format === "csv-wide" ? wideCsv(manifest, config, wide) : piecesOf(format, manifest, window, argv),
        out,
      );
    } finally {
      manifest.close();
    }
  },
};

/** Throws Failure `usage.invalid` for an option that the format does not support. */
function checkOptionsOf(argv: ExportArguments): void {
  if (argv.format === "csv-wide") return;
  const ofResults = (["roi", "analysis"] as const).find((name) => argv[name] !== undefined);
  if (argv.format === "manifest-json" && ofResults !== undefined) {
    throw new Failure("usage.invalid", `--${ofResults}: manifest-json holds frames, not results`, {
      hint: "use results-jsonl, csv or csv-wide",
    });
  }
  const given = Object.keys(WIDE_OPTIONS).find((name) => {
    const value = argv[name as keyof typeof WIDE_OPTIONS];
    return value !== undefined && value !== false && !(name === "quantity" && value === "shift");
  });
  if (given === undefined) return;
  throw new Failure("usage.invalid", `--${given} is an option of --format csv-wide`, {
    hint: "`phorest sensorgram` writes one line per ROI and frame with these options",
  });
}

function piecesOf(
  format: Exclude<Format, "csv-wide">,
  manifest: Manifest,
  window: TimeWindow,
  { analysis, roi }: Pick<ExportArguments, "analysis" | "roi">,
): Iterable<string> | AsyncIterable<string> {
  if (format === "manifest-json") return metadataManifest(manifest, window);
  const analyses = exportedAnalyses(manifest, analysis);
  const part = { window, analyses, isWanted: exportedRois(manifest, analyses, roi) };
  return format === "csv" ? csv(manifest, part) : processingResults(manifest, part);
}

async function* csv(manifest: Manifest, part: Part): AsyncGenerator<string> {
  const { analyses } = part;
  const methods = manifest.analyses
    .all()
    .flatMap(({ analysisId, method }) => (analyses?.has(analysisId) === false ? [] : [method]));
  const sensors = manifest.readings.sensors().filter(({ unit }) => unit === DEGREES);
  const columns = csvColumns(methods, new Set(sensors.map(({ sensor }) => sensor)));
  if (manifest.history.hasPages()) columns.push(PAGE);
  const firstUs = manifest.history.oldestCaptureUs();
  const hasGuessed = manifest.history.guessedTimes() > 0;
  const form = { headers: false, includeEndRowDelimiter: true };
  yield await writeToString([[...columns, ELAPSED, ...(hasGuessed ? [TIME_GUESSED] : [])]], form);
  for (const outcome of allOutcomes(manifest, part)) {
    const guessed = hasGuessed ? [outcome.timeSource === "file" ? YES : ""] : [];
    const more = [elapsedText(outcome.capturedAtUs, firstUs), ...guessed];
    const lines = csvLines(outcome, columns).map((cells) => [...cells, ...more]);
    if (lines.length > 0) yield await writeToString(lines, form);
  }
}

/** Writes to standard output, or to the file `out`, which gets its name only when it is complete and durable. */
export async function writeText(
  pieces: Iterable<string> | AsyncIterable<string>,
  out: string | undefined,
): Promise<void> {
  if (out === undefined) {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
    return;
  }
  const path = resolve(out);
  if (!existsSync(dirname(path))) {
    throw new Failure("usage.invalid", `--out ${out}: the directory ${dirname(path)} does not exist`, {
      hint: "create it first",
    });
  }
  await writeOutput(path, pieces);
}
