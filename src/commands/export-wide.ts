// `phorest export --format csv-wide`: one line per frame and one column per grating or ROI, for spreadsheets and plotting
// programs. Lines that begin with # explain the values.

import { writeToString } from "fast-csv";
import { type Baseline, BaselineInForce, baselineReason } from "../assay/baseline.ts";
import { PAIR_TEXTS } from "../assay/curve-units.ts";
import type { CurveManifest } from "../assay/joined.ts";
import type { Sensorgrams } from "../assay/sensorgrams.ts";
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import { experimentFacts, experimentName } from "../config/identity.ts";
import type { Config } from "../config/schema.ts";
import { configuredSensorgrams, matchingSensorgrams } from "../evaluation/configured-sensorgrams.ts";
import { Failure } from "../failure/failure.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs, lowerBound } from "../manifest/timestamps.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import { elapsedText } from "../outputs/csv/file/frame-columns.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { packageVersion } from "../system/files.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { chosenAnalysis } from "./chosen-analysis.ts";
import { emptyWindow } from "./empty-window.ts";
import { curveReading } from "./joined-curves.ts";
import type { Pairs } from "./pairs-option.ts";

/** The values that a column can have; with the same number of decimals as in `phorest sensorgram`. */
export const QUANTITIES = ["shift", "position", "referenced", "riu", "standard_error"] as const;
export type Quantity = (typeof QUANTITIES)[number];

const OF: Readonly<
  Record<
    Quantity,
    { readonly unit: string; readonly decimals: number; values(curve: WorkedSensorgram): Float64Array | undefined }
  >
> = {
  shift: { unit: "px", decimals: 5, values: (curve) => curve.shift },
  position: { unit: "px", decimals: 5, values: (curve) => curve.position },
  referenced: { unit: "px", decimals: 5, values: (curve) => curve.referenced },
  riu: { unit: "RIU", decimals: 10, values: (curve) => curve.riu },
  standard_error: { unit: "px", decimals: 5, values: (curve) => curve.standardError },
};

export interface WideOptions {
  readonly roi: readonly string[] | undefined;
  readonly analysis: string | undefined;
  readonly joined: boolean;
  readonly quantity: Quantity;
  /** One column per grating, combined from both halves; undefined: if gratings have two halves. */
  readonly pairs: Pairs | undefined;
  /** Only frames captured in this window. */
  readonly window: TimeWindow;
  /** Time zone of the times for people. */
  readonly zone: TimeZone;
  /** Whether to include values of flagged results. */
  readonly keepFlagged: boolean;
  /** Whether to use decimal commas, and semicolons between cells. */
  readonly decimalComma: boolean;
}

/** Yields the lines of the file. Throws Failure `usage.invalid` if there is nothing to write. */
export async function* wideCsv(manifest: Manifest, config: Config, options: WideOptions): AsyncGenerator<string> {
  const analysis = chosenAnalysis(manifest, options.analysis);
  const { quantity, decimalComma, keepFlagged } = options;
  const { unit, decimals, values } = OF[quantity];
  const { source, lines } = curveReading(manifest, analysis, options.joined);
  for (const line of lines) process.stderr.write(`${options.zone.shown(line)}\n`);
  const sensorgrams = openWide(source, analysis, config, options);
  const columns: { label: string; values: Float64Array | undefined; flags: Uint8Array }[] = [];
  const { baseline_seconds } = config.Analysis;
  const baseline = new BaselineInForce(source, baseline_seconds).of(analysis.analysisId);
  let timesUs = new Float64Array(0);
  for (const curve of sensorgrams.curves()) {
    const column = values(curve);
    timesUs = curve.timesUs as Float64Array<ArrayBuffer>;
    columns.push({ label: curve.label, values: column, flags: curve.flags });
  }
  if (columns.every((column) => column.values === undefined)) throw absent(quantity);
  const firstUs = manifest.history.oldestCaptureUs();
  const [from, to] = indicesIn(timesUs, options);
  const { references } = sensorgrams;
  const facts: [string, string][] = [
    ["experiment", experimentName(config)],
    ...experimentFacts(config),
    ["quantity", `${quantity.replace("_", " ")} in ${unit}`],
    ["method", `${analysis.method} (analysis "${analysis.name}", kernel ${analysis.kernelVersion})`],
    ...lines.map((line): [string, string] => ["joined", line]),
    ["baseline", baseline === undefined ? "none" : baselineWords(baseline)],
    ...(typeof options.pairs === "string" || (options.pairs !== false && isPaired(sensorgrams, analysis))
      ? [pairsFact(options.pairs, config)]
      : []),
    ["references", references.length === 0 ? "none" : references.join(", ")],
    ["flagged results", keepFlagged ? "included" : "left out (empty cells)"],
    ["time_s", `seconds since the first frame, ${firstUs === undefined ? "unknown" : isoFromUs(firstUs)}`],
    ...(source.results.guessedFrames(analysis.analysisId).none ? [] : [GUESSED]),
    ["written by", `phorest ${packageVersion()}`],
  ];
  for (const [what, text] of facts) yield `# ${what}: ${safeText(text).replaceAll(/\s+/g, " ")}\n`;
  const form = { headers: false, includeEndRowDelimiter: true, delimiter: decimalComma ? ";" : "," };
  const shown = (text: string) => (decimalComma ? text.replace(".", ",") : text);
  yield await writeToString([["time_s", "time", ...columns.map(({ label }) => safeText(label))]], form);
  for (let at = from; at < to; at += ROWS_AT_ONCE) {
    const rows: string[][] = [];
    for (let frame = at; frame < Math.min(to, at + ROWS_AT_ONCE); frame++) {
      const timeUs = timesUs[frame] as number;
      const cells = columns.map(({ values: of, flags }) => {
        const value = of?.[frame] ?? Number.NaN;
        const isLeftOut = !Number.isFinite(value) || (!keepFlagged && flags[frame] !== 0);
        return isLeftOut ? "" : shown(String(Number(value.toFixed(decimals))));
      });
      rows.push([shown(elapsedText(timeUs, firstUs)), isoFromUs(timeUs), ...cells]);
    }
    yield await writeToString(rows, form);
  }
}

const GUESSED: [string, string] = [
  "times",
  "some or all are guessed from other images or from the time of modification of the file",
];

const ROWS_AT_ONCE = 100;

function openWide(manifest: CurveManifest, analysis: Analysis, config: Config, options: WideOptions): Sensorgrams {
  const { roi } = options;
  const isPaired = () => matchingSensorgrams(manifest, analysis, config, { roi, pairs: true }).labels.length > 0;
  const pairs = options.pairs ?? isPaired();
  return configuredSensorgrams(manifest, analysis, config, { roi, pairs });
}

/** Whether the columns are gratings, not ROIs. */
function isPaired({ labels }: Sensorgrams, analysis: Analysis): boolean {
  return labels.some((label) => !analysis.labels.includes(label));
}

function pairsFact(pairs: WideOptions["pairs"], { Analysis: { pair_form } }: Config): [string, string] {
  return ["pairs", PAIR_TEXTS[typeof pairs === "string" ? pairs : pair_form]];
}

function baselineWords(baseline: Baseline): string {
  const { fromUs, toUs } = baseline.window;
  return `${isoFromUs(fromUs)} to ${isoFromUs(toUs)}, ${baselineReason(baseline)}`;
}

/** Returns the indices of the first frame in the window, and of the one after its last. */
function indicesIn(timesUs: Float64Array, { window, zone }: WideOptions): [number, number] {
  const [first, end] = [lowerBound(timesUs, window.fromUs), lowerBound(timesUs, window.toUs)];
  if (end > first) return [first, end];
  throw emptyWindow("--from and --to", timesUs[0], timesUs.at(-1), zone);
}

function absent(quantity: Quantity): Failure {
  return quantity === "riu"
    ? new Failure("usage.invalid", "RIU needs the sensitivity of the gratings", {
        hint: "measure it with `phorest sensitivity --save`, or set Analysis.sensitivity_px_per_riu",
      })
    : new Failure("usage.invalid", `there is no ${quantity} curve without references`, {
        hint: "set Analysis.reference_rois",
      });
}
