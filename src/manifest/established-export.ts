// Exports the manifest in the formats that existing tools read, line by line, so that the memory use does not depend on the
// length.

import { formatRecord, type RecordInput } from "../analysis/record.ts";
import type { FrameResult } from "../measurement/method.ts";
import type { TimeWindow } from "../measurement/time-window.ts";
import type { Reading } from "../sensors/thermometer.ts";
import type { Manifest, StoredEntry } from "./manifest.ts";
import { BEFORE_ALL } from "./outcome-ids.ts";
import { outcomeOf } from "./outcome-of-rois.ts";
import type { Outcome } from "./outcomes.ts";
import { pages } from "./pages.ts";
import { isoFromUs } from "./timestamps.ts";

const OUTCOMES_PER_READ = 64;

/** Yields metadata_manifest.json, a JSON array of entries in order of capture, as pieces of text. */
export function* metadataManifest(manifest: Manifest, window?: TimeWindow): Generator<string> {
  let separator = "[\n";
  for (const entry of manifest.history.entries(window)) {
    yield separator + JSON.stringify(metadataEntry(entry, manifest.readings.of(entry.entryId)));
    separator = ",\n";
  }
  yield separator === "[\n" ? "[]\n" : "\n]\n";
}

/**
 * Yields processing_results.jsonl: one record per line, in order of completion, then the frames that failed before any analysis.
 */
export function* processingResults(manifest: Manifest, part: Part = {}): Generator<string> {
  const firstUs = manifest.history.oldestCaptureUs();
  for (const outcome of allOutcomes(manifest, part)) yield `${formatRecord(outcomeRecord(outcome, firstUs))}\n`;
  for (const entry of manifest.history.failuresWithoutOutcome(part.window)) {
    yield `${formatRecord(failureRecord(entry, manifest.readings.of(entry.entryId), firstUs))}\n`;
  }
}

/** Yields the records of the outcomes after `afterOutcomeId`, in order of completion. */
export function* outcomeRecords(manifest: Manifest, afterOutcomeId: number): Generator<string> {
  const firstUs = manifest.history.oldestCaptureUs();
  for (const outcome of allOutcomes(manifest, { afterOutcomeId })) {
    yield `${formatRecord(outcomeRecord(outcome, firstUs))}\n`;
  }
}

/** The part of an experiment to export; all of it by default. */
export interface Part {
  /** Only frames captured in this window. */
  readonly window?: TimeWindow | undefined;
  /** Undefined: the analyses of runs, which measured the frames as they were captured. */
  readonly analyses?: ReadonlySet<number> | undefined;
  /** Selects ROIs by label. */
  readonly isWanted?: ((label: string) => boolean) | undefined;
}

interface OutcomesQuery extends Part {
  readonly afterOutcomeId?: number;
}

/** Yields every outcome after a given one, read in batches, with the results of the wanted ROIs. */
export function* allOutcomes(
  manifest: Manifest,
  { window, analyses, isWanted, afterOutcomeId = analyses === undefined ? 0 : BEFORE_ALL }: OutcomesQuery,
): Generator<Outcome> {
  const outcomes = pages(
    afterOutcomeId,
    (outcomeId) => manifest.outcomes.after(outcomeId, OUTCOMES_PER_READ, { window, analyses }),
    ({ outcomeId }) => outcomeId,
  );
  for (const outcome of outcomes) yield isWanted === undefined ? outcome : outcomeOf(outcome, isWanted);
}

function metadataEntry(entry: StoredEntry, readings: readonly Reading[]): unknown {
  const capturedAt = isoFromUs(entry.capturedAtUs);
  const { filename, filepath, page } = entry;
  const [first] = readings;
  const sensorErrors = errorsOf(readings);
  return {
    entry_timestamp_iso: capturedAt,
    collection_error: entry.collectionError !== undefined,
    collection_error_msg: entry.collectionError ?? null,
    camera_data:
      filename === undefined
        ? null
        : {
            type: "image",
            filename,
            ...(page === undefined ? {} : { page: page + 1 }),
            filepath,
            timestamp_iso: capturedAt,
            ...(entry.timeSource === "file" ? { time_guessed: true } : {}),
            camera_index: entry.cameraIndex ?? 0,
            error_flag: false,
            error_message: null,
          },
    temperature_data:
      first === undefined
        ? null
        : {
            type: "temperature",
            timestamp_iso: isoFromUs(first.takenAtUs),
            data: Object.fromEntries(readings.map(({ sensor, value }) => [sensor, value ?? null])),
            error_flag: sensorErrors !== null,
            error_message: sensorErrors,
          },
    processing_status: entry.status,
    processing_timestamp_iso: entry.processedAtUs === undefined ? null : isoFromUs(entry.processedAtUs),
    processing_error: entry.error !== undefined,
    processing_error_msg: entry.error ?? null,
    compression_attempted: entry.compressionAttempted,
    image_synced: entry.imageSynced,
    data_transmitted: entry.dataTransmitted,
  };
}

function errorsOf(readings: readonly Reading[]): string | null {
  const errors = readings.flatMap(({ sensor, error }) => (error === undefined ? [] : [`${sensor}: ${error}`]));
  return errors.length === 0 ? null : errors.join("; ");
}

function outcomeRecord(outcome: Outcome, firstUs: number | undefined): RecordInput {
  const { measured, method, labels, error, processedAtUs } = outcome;
  const result: FrameResult | null = measured === undefined ? null : { ...measured, method };
  return {
    ...commonRecord(outcome, outcome.readings, firstUs),
    processingTimestamp: isoFromUs(processedAtUs),
    failureMessage: outcome.ok ? null : (error ?? "failed"),
    result,
    labels,
    ...(outcome.warnings === undefined ? {} : { warnings: [outcome.warnings] }),
  };
}

function failureRecord(entry: StoredEntry, readings: readonly Reading[], firstUs: number | undefined): RecordInput {
  return {
    ...commonRecord(entry, readings, firstUs),
    processingTimestamp: isoFromUs(entry.processedAtUs ?? entry.capturedAtUs),
    failureMessage: entry.error ?? "failed",
    result: null,
    labels: [],
  };
}

type Common =
  | ("entryTimestamp" | "imageTimestamp" | "temperatureTimestamp" | "elapsedSeconds" | "timeSource")
  | ("imageFilename" | "page" | "temperatures");

function commonRecord(
  frame: Pick<StoredEntry, "capturedAtUs" | "filename"> & Pick<Outcome, "page" | "timeSource">,
  readings: readonly Reading[],
  firstUs: number | undefined,
): Pick<RecordInput, Common> {
  const { capturedAtUs, filename, page, timeSource } = frame;
  const [first] = readings;
  const values = readings.flatMap(({ sensor, value }): [string, number][] =>
    value === undefined ? [] : [[sensor, value]],
  );
  return {
    entryTimestamp: isoFromUs(capturedAtUs),
    imageTimestamp: filename === undefined ? null : isoFromUs(capturedAtUs),
    temperatureTimestamp: first === undefined ? null : isoFromUs(first.takenAtUs),
    elapsedSeconds: firstUs === undefined ? undefined : (capturedAtUs - firstUs) / 1e6,
    timeSource,
    imageFilename: filename ?? null,
    page,
    temperatures: first === undefined ? null : Object.fromEntries(values),
  };
}
