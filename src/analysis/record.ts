// Writes one line of processing_results.jsonl in the established form. Notebooks read these names; our own new fields come
// after the established ones.
import type { TimeSource } from "../image/times/source.ts";
import { type FrameResult, flagNames, lineOfCode, QUANTITIES, STATISTICS } from "../measurement/method.ts";

/** A frame and its results; null if there are none. Time stamps are ISO with `Z`. */
export interface RecordInput {
  readonly entryTimestamp: string | null;
  readonly imageTimestamp: string | null;
  readonly temperatureTimestamp: string | null;
  readonly imageFilename: string | null;
  readonly processingTimestamp: string;
  /** Null if the frame was measured. */
  readonly failureMessage: string | null;
  readonly result: FrameResult | null;
  /** ROI labels in the order of the result. */
  readonly labels: readonly string[];
  /** Degrees Celsius by sensor name. */
  readonly temperatures: Readonly<Record<string, number>> | null;
  /** Seconds since the first frame, to the microsecond; absent if unknown. */
  readonly elapsedSeconds?: number | undefined;
  /** Source of the image's time, if it is not the clock at capture. */
  readonly timeSource?: TimeSource | undefined;
  /** Directory and name of the picture, if the name alone is not unique. */
  readonly imagePath?: string;
  /** Page in the picture's file, from 0, if the file has several. The record counts from 1. */
  readonly page?: number | undefined;
  /** Messages about the picture besides its measurement, for example about pages that were not measured. */
  readonly warnings?: readonly string[];
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Returns the record as one line without line feed. A statistic that does not exist (no row measured) is null. */
export function formatRecord(input: RecordInput): string {
  const { result, labels } = input;
  const record: Record<string, Json> = {
    manifest_entry_timestamp: input.entryTimestamp,
    image_timestamp: input.imageTimestamp,
    temperature_timestamp: input.temperatureTimestamp,
    image_filename: input.imageFilename,
    processing_timestamp_iso: input.processingTimestamp,
    processing_successful: input.failureMessage === null,
    processing_error_message: input.failureMessage,
    image_analysis: result === null ? null : imageAnalysis(result, labels),
    temperature_readings: input.temperatures,
    resonances: result === null ? null : labels.map((label, roi) => resonance(result, label, roi)),
  };
  if (result?.displacement !== undefined) {
    const { dx, dy, turnDegrees, errorPx } = result.displacement;
    record.chip_displacement = { dx, dy, turn_degrees: turnDegrees, standard_error: numberOrNull(errorPx) };
  }
  if (input.elapsedSeconds !== undefined) record.elapsed_s = input.elapsedSeconds;
  if (input.timeSource !== undefined) record.time_source = input.timeSource;
  if (input.timeSource === "file") record.time_guessed = true;
  if (input.imagePath !== undefined) record.image_path = input.imagePath;
  if (input.page !== undefined) record.page = input.page + 1;
  if (input.warnings !== undefined && input.warnings.length > 0) record.warnings = input.warnings;
  return JSON.stringify(record);
}

function imageAnalysis(result: FrameResult, labels: readonly string[]): Json {
  const rois = labels.map((label, roi) => roiAnalysis(result, label, roi));
  return [{ brightness: numberOrNull(result.brightness), contrast: numberOrNull(result.contrast) }, ...rois];
}

function roiAnalysis(result: FrameResult, label: string, roi: number): Json {
  const quantities = QUANTITIES[result.method];
  const analysis: Record<string, Json> = { "ROI-label": label, "Analysis-method": result.method };
  quantities.forEach((name, quantity) => {
    const start = (roi * quantities.length + quantity) * STATISTICS.length;
    const summary: Record<string, Json> = {};
    STATISTICS.forEach((statistic, index) => {
      summary[statistic] = numberOrNull(result.statistics[start + index]);
    });
    const values = result.values?.[roi]?.[quantity];
    if (values !== undefined) summary.Values = Array.from(values, numberOrNull);
    analysis[name] = summary;
  });
  return analysis;
}

/** Returns the position with its error, quality and flags. These are our own fields, next to the established analysis. */
function resonance(result: FrameResult, label: string, roi: number): Json {
  const line = lineOfCode(result.lines?.[roi]);
  return {
    "ROI-label": label,
    position: numberOrNull(result.position[roi]),
    standard_error: numberOrNull(result.standardError[roi]),
    quality: numberOrNull(result.quality[roi]),
    flags: flagNames(result.flags[roi] ?? 0),
    ...(line === undefined ? {} : { line }),
  };
}

/** Converts NaN to null, because JSON has no NaN. */
function numberOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
