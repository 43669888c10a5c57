// Computes the responses of all selected curves to all selected injections: as lines of a file, and summarised over the
// gratings.
import { writeToString } from "fast-csv";
import { type Phases, REPORT_POINTS, type ReportPoint, type Response, responsesOf } from "../assay/responses.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { medianOf } from "../measurement/statistics.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import type { InjectionCurves } from "./injection-curves.ts";
import { digits, numberOrNull } from "./numbers.ts";

/** A response of a grating. */
export interface ResponseRow extends Response {
  readonly label: string;
  readonly phases: Phases;
}

/** Returns the responses curve by curve, injection by injection. */
export function responseRows({ phases, windowUs, curves }: InjectionCurves): ResponseRow[] {
  const rows: ResponseRow[] = [];
  for (const curve of curves()) {
    for (const one of phases) {
      for (const response of responsesOf(curve, one, windowUs))
        rows.push({ ...response, label: curve.label, phases: one });
    }
  }
  return rows;
}

const COLUMNS = [
  "label",
  "injection",
  "cycle",
  "type",
  "solution",
  "concentration_M",
  "point",
  "from",
  "to",
  "frames",
  "response_px",
  "standard_error_px",
  "flags",
];

export function responsesCsv(rows: readonly ResponseRow[]): Promise<string> {
  const lines = rows.map(({ label, phases: { injection }, point, window, frames, px, error, flags }) => [
    safeText(label),
    injection.injectionId,
    injection.cycle,
    injection.type,
    safeText(injection.solution),
    injection.concentration ?? "",
    point,
    isoFromUs(window.fromUs),
    isoFromUs(window.toUs),
    frames,
    digits(px, 7),
    digits(error, 4),
    flags.join("|"),
  ]);
  return writeToString([COLUMNS, ...lines], { headers: false, includeEndRowDelimiter: true });
}

/** Returns a response in the form for other programs. */
export function responseJson({ label, phases: { injection }, point, window, frames, px, error, flags }: ResponseRow) {
  return {
    label,
    injection: injection.injectionId,
    cycle: injection.cycle,
    type: injection.type,
    solution: injection.solution,
    concentration_M: injection.concentration,
    point,
    from: isoFromUs(window.fromUs),
    to: isoFromUs(window.toUs),
    frames,
    response_px: numberOrNull(px),
    standard_error_px: numberOrNull(error),
    flags,
  };
}

/** The responses to an injection at one point, over all gratings. */
export interface ResponseSummary {
  readonly injection: number;
  readonly solution: string;
  readonly concentration_M: number | null;
  readonly point: ReportPoint;
  readonly gratings: number;
  readonly without_response: number;
  readonly flagged: number;
  readonly median_px: number | null;
  /** Half the distance between the 16th and the 84th percentile. */
  readonly spread_px: number | null;
  readonly median_error_px: number | null;
}

/** Summarises over all gratings, by injection and point. */
export function responseSummary(rows: readonly ResponseRow[]): ResponseSummary[] {
  const injections = [...new Map(rows.map(({ phases }) => [phases.injection.injectionId, phases.injection])).values()];
  return injections.flatMap((injection) =>
    REPORT_POINTS.map((point): ResponseSummary => {
      const own = rows.filter((row) => row.phases.injection === injection && row.point === point);
      const values = own
        .map(({ px }) => px)
        .filter(Number.isFinite)
        .sort((a, b) => a - b);
      const at = (share: number) => values[Math.round(share * (values.length - 1))] ?? Number.NaN;
      return {
        injection: injection.injectionId,
        solution: injection.solution,
        concentration_M: injection.concentration,
        point,
        gratings: own.length,
        without_response: own.length - values.length,
        flagged: own.filter(({ flags }) => flags.length > 0).length,
        median_px: numberOrNull(medianOf(Float64Array.from(values))),
        spread_px: numberOrNull((at(0.84) - at(0.16)) / 2),
        median_error_px: numberOrNull(medianOf(Float64Array.from(own, ({ error }) => error))),
      };
    }),
  );
}
