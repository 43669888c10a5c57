// A line of processing_results.jsonl as other programs wrote it.

import { isKeptLabel } from "../measurement/label-rules.ts";
import { flagBits, METHODS, type Method, QUANTITIES, STATISTICS } from "../measurement/method.ts";
import { withoutNan } from "./established-metadata.ts";
import { usFromIso } from "./timestamps.ts";

/** Characters. */
const LONGEST_FILENAME = 1024;

/** The result of one frame. */
export interface EstablishedResult {
  readonly filename: string;
  readonly processedAtUs: number | undefined;
  readonly method: Method;
  readonly labels: readonly string[];
  /** [roi][quantity][statistic] row-major, NaN where there is none. */
  readonly statistics: Float64Array;
  /** px per ROI, with their doubt: from lines that this program wrote; undefined in those of others. */
  readonly doubt: Doubt | undefined;
  readonly brightness: number;
  readonly contrast: number;
}

interface Doubt {
  readonly position: Float64Array;
  readonly standardError: Float64Array;
  readonly quality: Float64Array;
  readonly flags: Uint8Array;
}

/** The result on a line; "failed" if the line is about a frame that was not measured, undefined when it cannot be used. */
export function parseResultLine(line: string): EstablishedResult | "failed" | undefined {
  const record = parseLoosely(line);
  if (!isRecord(record) || typeof record.image_filename !== "string") return undefined;
  if (record.image_filename.length > LONGEST_FILENAME) return undefined;
  if (record.processing_successful === false || record.image_analysis === null) return "failed";
  if (!Array.isArray(record.image_analysis)) return undefined;
  const [picture, ...rois] = record.image_analysis.filter(isRecord);
  const method = methodOf(rois[0]?.["Analysis-method"]);
  const labels = rois.map((roi) => roi["ROI-label"]);
  if (picture === undefined || method === undefined || !labels.every(isKeptLabel)) return undefined;
  const at = record.processing_timestamp_iso;
  return {
    filename: record.image_filename,
    processedAtUs: typeof at === "string" ? usFromIso(at) : undefined,
    method,
    labels,
    statistics: Float64Array.from(rois.flatMap((roi) => statisticsOf(roi, method))),
    doubt: doubtOf(record.resonances, labels),
    brightness: numberOrNan(picture.brightness),
    contrast: numberOrNan(picture.contrast),
  };
}

function statisticsOf(roi: Record<string, unknown>, method: Method): number[] {
  return QUANTITIES[method].flatMap((quantity) => {
    const summary = roi[quantity];
    return STATISTICS.map((statistic) => numberOrNan(isRecord(summary) ? summary[statistic] : undefined));
  });
}

/** The `resonances` of a line, if they are there for the same ROIs in the same order. */
function doubtOf(resonances: unknown, labels: readonly unknown[]): Doubt | undefined {
  if (!Array.isArray(resonances) || resonances.length !== labels.length) return undefined;
  const rois = resonances.filter(isRecord);
  if (!labels.every((label, roi) => rois[roi]?.["ROI-label"] === label)) return undefined;
  const numbers = (name: string) => Float64Array.from(rois, (roi) => numberOrNan(roi[name]));
  const flags = Uint8Array.from(rois, (roi) => flagBits(Array.isArray(roi.flags) ? roi.flags : []));
  return {
    position: numbers("position"),
    standardError: numbers("standard_error"),
    quality: numbers("quality"),
    flags,
  };
}

function methodOf(name: unknown): Method | undefined {
  return METHODS.find((method) => typeof name === "string" && name.toLowerCase() === method);
}

function numberOrNan(value: unknown): number {
  // JSON can say 1e999, which is infinite here.
  return typeof value === "number" && Number.isFinite(value) ? value : Number.NaN;
}

/** JSON, also with the NaN and Infinity that Python writes; undefined for anything else, such as half a line. */
function parseLoosely(line: string): unknown {
  for (const text of [line, withoutNan(line)]) {
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
