// Parses a line of processing_results.jsonl written by another program.

import { TIME_SOURCES, type TimeSource } from "../image/times/source.ts";
import { isKeptLabel } from "../measurement/label-rules.ts";
import { flagBits, LINES, METHODS, type Method, QUANTITIES, STATISTICS } from "../measurement/method.ts";
import { withoutNan } from "./established-metadata.ts";
import { usFromIso } from "./timestamps.ts";

/** Longest file name, characters. */
const LONGEST_FILENAME = 1024;

/** What a line says about the frame of a result. Times in microseconds since the epoch. */
interface RecordedFrame {
  readonly filename: string;
  readonly capturedAtUs: number | undefined;
  readonly timeSource: TimeSource | undefined;
  /** Path of the image as given to `phorest analyse`. */
  readonly path: string | undefined;
  /** Which page of the file, from 0. */
  readonly page: number | undefined;
  /** Temperatures in degrees C by sensor. */
  readonly temperatures: ReadonlyMap<string, number>;
}

/** The result of one frame. */
export interface EstablishedResult extends RecordedFrame {
  readonly processedAtUs: number | undefined;
  readonly method: Method;
  readonly labels: readonly string[];
  /** [roi][quantity][statistic] row-major, NaN where there is none. */
  readonly statistics: Float64Array;
  /** px per ROI, with their uncertainties. Only lines that phorest wrote have them; undefined otherwise. */
  readonly doubt: Doubt | undefined;
  readonly brightness: number;
  readonly contrast: number;
}

interface Doubt {
  readonly position: Float64Array;
  readonly standardError: Float64Array;
  readonly quality: Float64Array;
  readonly flags: Uint8Array;
  /** LINES codes: 1 + the index; 0 if the line does not say. */
  readonly lines: Uint8Array;
}

/**
 * Parses the result on a line. Returns "failed" if the line is about a frame that was not measured, undefined if it cannot be
 * used.
 */
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
    ...frameOf(record, record.image_filename),
    processedAtUs: typeof at === "string" ? usFromIso(at) : undefined,
    method,
    labels,
    statistics: Float64Array.from(rois.flatMap((roi) => statisticsOf(roi, method))),
    doubt: doubtOf(record.resonances, labels),
    brightness: numberOrNan(picture.brightness),
    contrast: numberOrNan(picture.contrast),
  };
}

function frameOf(record: Record<string, unknown>, filename: string): RecordedFrame {
  const { image_timestamp: at, time_source: source, image_path: path, page, temperature_readings: readings } = record;
  return {
    filename,
    capturedAtUs: typeof at === "string" ? usFromIso(at) : undefined,
    timeSource: TIME_SOURCES.find((one) => one === source),
    path: typeof path === "string" ? path : undefined,
    page: Number.isSafeInteger(page) && Number(page) >= 1 ? Number(page) - 1 : undefined,
    temperatures: new Map(
      Object.entries(isRecord(readings) ? readings : {}).flatMap(([sensor, celsius]) =>
        isKeptLabel(sensor) && typeof celsius === "number" ? [[sensor, celsius]] : [],
      ),
    ),
  };
}

function statisticsOf(roi: Record<string, unknown>, method: Method): number[] {
  return QUANTITIES[method].flatMap((quantity) => {
    const summary = roi[quantity];
    return STATISTICS.map((statistic) => numberOrNan(isRecord(summary) ? summary[statistic] : undefined));
  });
}

/** Returns the `resonances` of a line, if they have the same ROIs in the same order. */
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
    lines: Uint8Array.from(rois, ({ line }) => 1 + (LINES as readonly unknown[]).indexOf(line)),
  };
}

function methodOf(name: unknown): Method | undefined {
  return METHODS.find((method) => typeof name === "string" && name.toLowerCase() === method);
}

function numberOrNan(value: unknown): number {
  // JSON can contain 1e999, which becomes Infinity.
  return typeof value === "number" && Number.isFinite(value) ? value : Number.NaN;
}

/** Parses JSON that may contain Python's NaN and Infinity; undefined for anything else, such as half a line. */
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
