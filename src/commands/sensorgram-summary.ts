// `phorest sensorgram --summary`: shows how precise each curve and group is, as a table for people and as JSON.
import { baselineWarningLines, DOUBT_WORDS } from "../assay/baseline-warnings.ts";
import { inRiu, type Precision, repeatsLine, type Sensitivity } from "../assay/precision.ts";
import type { Sensorgrams } from "../assay/sensorgrams.ts";
import type { WorkedSensorgram } from "../assay/worked-sensorgram.ts";
import { alignedLines } from "../terminal/text-table.ts";

/** One line of the summary. */
export interface SummaryRow extends Precision {
  readonly label: string;
  readonly line: string | undefined;
  readonly kind: "roi" | "reference" | "group";
  readonly members: number;
  /** Undefined without a sensitivity. */
  readonly limitRiu: { readonly value: number; readonly error: number } | undefined;
}

/** Returns a row for each curve, in order, then one for each group. */
export function summaryRows(sensorgrams: Sensorgrams): SummaryRow[] {
  const kindOf = ({ reference }: WorkedSensorgram) => (reference ? "reference" : "roi");
  const withRiu = (precision: Precision, sensitivity: Sensitivity | undefined) => ({
    ...precision,
    limitRiu: sensitivity && inRiu(precision.detectionLimit, precision.detectionLimitError, sensitivity),
  });
  const rows: SummaryRow[] = [];
  for (const curve of sensorgrams.curves()) {
    const { label, line, precision, sensitivity } = curve;
    rows.push({ label, line, kind: kindOf(curve), members: 1, ...withRiu(precision, sensitivity) });
  }
  for (const { group, members, precision, sensitivity } of sensorgrams.groups()) {
    rows.push({ label: group, line: undefined, kind: "group", members, ...withRiu(precision, sensitivity) });
  }
  return rows;
}

/** Yields all rows as one line of JSON; NaN becomes null. */
export function* summaryJson(rows: readonly SummaryRow[]): Generator<string> {
  const shown = rows.map((row) => ({
    label: row.label,
    kind: row.kind,
    line: row.line ?? null,
    members: row.members,
    points: row.points,
    excluded: row.excluded,
    noise_px: row.noise,
    noise_standard_error_px: row.noiseError,
    noise_plain_px: row.noisePlain,
    drift_px_per_hour: row.driftPerHour,
    drift_standard_error: row.driftError,
    drift_half_width_95: row.driftError95,
    repeats: row.repeats,
    detection_limit_px: row.detectionLimit,
    detection_limit_standard_error_px: row.detectionLimitError,
    detection_limit_riu: row.limitRiu?.value ?? null,
    detection_limit_standard_error_riu: row.limitRiu?.error ?? null,
    baseline_doubts: row.doubts,
  }));
  yield `${JSON.stringify(shown)}\n`;
}

/**
 * Yields a table for people; `-` if the baseline has too few points or constant values. A row ends with the problems of its
 * baseline.
 */
export function* summaryTable(rows: readonly SummaryRow[]): Generator<string> {
  const px = (value: number, decimals = 4) => (Number.isFinite(value) ? value.toFixed(decimals) : "-");
  const give = (value: number, error: number, form: (value: number) => string) =>
    Number.isFinite(error) ? `${form(value)} ±${form(error)}` : form(value);
  const riu = (value: number) => (Number.isFinite(value) ? value.toExponential(2) : "-");
  const lined = rows.some(({ line }) => line !== undefined);
  const left = lined ? 3 : 2;
  const head = ["label", "kind", ...(lined ? ["line"] : []), "of", "frames", "left out", "noise px", "drift px/h"];
  const table = [
    [...head, "+/-", "LOD px", "LOD RIU", ""],
    ...rows.map((row) => [
      row.label,
      row.kind,
      ...(lined ? [row.line ?? "-"] : []),
      ...[row.members, row.points, row.excluded].map(String),
      ...[give(row.noise, row.noiseError, px), px(row.driftPerHour, 3), px(row.driftError, 3)],
      give(row.detectionLimit, row.detectionLimitError, px),
      row.limitRiu === undefined ? "-" : give(row.limitRiu.value, row.limitRiu.error, riu),
      row.doubts.map((doubt) => DOUBT_WORDS[doubt]).join(", "),
    ]),
  ];
  const last = (table[0]?.length ?? 0) - 1;
  for (const line of alignedLines(table, (column) => column >= left && column < last)) yield `${line}\n`;
  const repeating = rows.filter(({ repeats }) => repeats).length;
  if (repeating > 0) yield `${repeatsLine(repeating)}\n`;
}

/** Returns warnings about the baselines of these rows. */
export function summaryWarnings(rows: readonly SummaryRow[]): string[] {
  return baselineWarningLines(rows.map(({ label, doubts }) => [label, doubts] as const));
}
