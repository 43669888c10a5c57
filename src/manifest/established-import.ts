// Taking over an experiment that was kept in metadata_manifest.json and pictures. Nothing of it is moved or changed: rows
// are made that name the pictures where they lie. Run twice, the second time adds only what is new.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type Method, POSITION_COLUMN, QUANTITIES, STATISTICS } from "../analysis/method.ts";
import { type RoiManifest, readRoiManifestNow } from "../analysis/roi.ts";
import { Failure } from "../failure.ts";
import { readNamesNow, unusableNameLine } from "../file-names.ts";
import { givenLines } from "../given-file.ts";
import { isPictureName } from "../system/picture-name.ts";
import { type EstablishedEntry, readMetadataManifest } from "./established-entry.ts";
import { type EstablishedResult, parseResultLine } from "./established-result.ts";
import type { Manifest } from "./manifest.ts";
import { encodeStatistics } from "./statistics-codec.ts";

export interface ImportSummary {
  readonly metadataFile: string;
  readonly resultsFile: string | undefined;
  /** Captures in the file; `added` of them were new. */
  readonly entries: number;
  readonly added: number;
  readonly pending: number;
  readonly processed: number;
  readonly failed: number;
  /** Names of pictures that were not found. */
  readonly missing: readonly string[];
  /** A line for each picture in the directories searched whose name cannot be used. */
  readonly skipped: readonly string[];
  /** Results taken over with their frames. */
  readonly results: number;
  readonly resultLinesSkipped: number;
  /** Frames added as processed for which there is no result. */
  readonly processedWithoutResult: number;
}

const METADATA = "metadata_manifest.json";
const RESULTS = "processing_results.jsonl";
const ROIS = "ROI_manifest.json";
const RESULTS_PER_TRANSACTION = 64;
/** A record of a large chip with the values of every row takes some megabytes. */
const MOST_LINE_BYTES = 64e6;

/** Imports the experiment in `directory`. Failure `usage.invalid`, with nothing written, when its manifest is unusable. */
export async function importExperiment(manifest: Manifest, directory: string, nowUs: number): Promise<ImportSummary> {
  const root = resolve(directory);
  const metadataFile = findFile(root, METADATA, ["", "data"]);
  if (metadataFile === undefined) {
    throw new Failure("usage.invalid", `${root}: no ${METADATA} in it or in its data directory`, {
      hint: "name the directory that holds it",
    });
  }
  const established = readMetadataManifest(metadataFile);
  const pictures = new PictureFinder([dirname(metadataFile), root, join(root, "data")]);
  const counts = { pending: 0, processed: 0, failed: 0 };
  const missing: string[] = [];
  const processedIds = new Set<number>();
  let added = 0;
  manifest.together(() => {
    for (const entry of established) {
      const imported = importEntry(manifest, entry, pictures);
      if (imported === undefined) continue;
      added += 1;
      counts[imported.status] += 1;
      if (imported.missing !== undefined) missing.push(imported.missing);
      if (imported.status === "processed" && entry.picture !== undefined) processedIds.add(imported.entryId);
    }
  });
  const places = ["", "results", "data", "../results"];
  const resultsFile = findFile(root, RESULTS, places);
  const roisFile = findFile(root, ROIS, ["", "generated_files", "../generated_files", "configs"]);
  const taken =
    resultsFile === undefined
      ? { results: 0, skipped: 0 }
      : await importResults(manifest, resultsFile, readRois(roisFile), processedIds, nowUs);
  return {
    metadataFile,
    resultsFile,
    entries: established.length,
    added,
    ...counts,
    missing,
    skipped: pictures.skipped.map(unusableNameLine),
    results: taken.results,
    resultLinesSkipped: taken.skipped,
    processedWithoutResult: processedIds.size,
  };
}

interface Imported {
  readonly entryId: number;
  readonly status: "pending" | "processed" | "failed";
  readonly missing: string | undefined;
}

/** One row. Work that was in hand is pending again; a frame that waits but has no picture has failed. */
function importEntry(manifest: Manifest, entry: EstablishedEntry, pictures: PictureFinder): Imported | undefined {
  const found =
    entry.picture === undefined ? undefined : pictures.find(entry.picture.directory, entry.picture.filename);
  const lost = entry.picture !== undefined && found?.exists !== true;
  const waiting = entry.status === "pending" || entry.status === "processing";
  const nothing = entry.picture === undefined && waiting;
  const kept = entry.status === "processed" || entry.status === "failed" ? entry.status : "pending";
  const status = nothing
    ? entry.collectionError === undefined
      ? "processed"
      : "failed"
    : waiting && lost
      ? "failed"
      : kept;
  const error =
    waiting && lost
      ? "the picture is gone"
      : (entry.error ?? (status === "failed" ? entry.collectionError : undefined));
  const entryId = manifest.importEntry(
    {
      capturedAtUs: entry.capturedAtUs,
      filename: found?.filename,
      filepath: found?.directory,
      cameraIndex: entry.picture?.cameraIndex,
      collectionError: entry.collectionError,
      readings: entry.temperatures.map(({ sensor, celsius }) => ({
        sensor,
        value: celsius,
        unit: "°C",
        takenAtUs: entry.temperaturesAtUs,
        error: celsius === undefined ? (entry.temperatureError ?? "no value") : undefined,
      })),
    },
    {
      status,
      processedAtUs: status === "pending" ? undefined : entry.processedAtUs,
      errorCode: status !== "failed" ? undefined : waiting && lost ? "frame.missing" : "analysis.failed",
      error,
      dataTransmitted: entry.dataTransmitted,
      imageSynced: entry.imageSynced,
      compressionAttempted: entry.compressionAttempted,
      missing: lost,
    },
  );
  if (entryId === undefined) return undefined;
  return { entryId, status, missing: lost ? entry.picture?.filename : undefined };
}

/** Looks for pictures where the file says, and beside the file, whatever machine it was written on. */
class PictureFinder {
  readonly #roots: readonly string[];
  readonly #listings = new Map<string, ReadonlySet<string>>();
  readonly #unusable = new Set<string>();

  constructor(roots: readonly string[]) {
    this.#roots = [...new Set(roots)];
    // Looked through also where no row names a picture in them: what cannot be used must be named.
    for (const root of this.#roots) this.#listing(root);
  }

  /** The picture, or its compressed form; where it should be when it is nowhere. */
  find(directory: string, filename: string): { directory: string; filename: string; exists: boolean } {
    const name = basename(filename);
    const places = [
      ...this.#roots.map((root) => resolve(root, directory)),
      ...this.#roots,
      ...this.#roots.map((root) => join(root, basename(directory))),
    ];
    for (const place of new Set(places)) {
      for (const form of [name, `${name}.gz`]) {
        if (this.#listing(place).has(form)) return { directory: place, filename: form, exists: true };
      }
    }
    return { directory: places[0] ?? "", filename: name, exists: false };
  }

  /** Printable paths of pictures whose names are not UTF-8, in the directories searched so far. */
  get skipped(): string[] {
    return [...this.#unusable].sort();
  }

  #listing(directory: string): ReadonlySet<string> {
    let listing = this.#listings.get(directory);
    if (listing === undefined) {
      const { names, unusable } = existsSync(directory) ? readNamesNow(directory) : { names: [], unusable: [] };
      listing = new Set(names);
      for (const name of unusable.filter(isPictureName)) this.#unusable.add(join(directory, name));
      this.#listings.set(directory, listing);
    }
    return listing;
  }
}

/** Stores the results of frames that are in the manifest as processed; takes the ids of those it served out of `open`. */
async function importResults(
  manifest: Manifest,
  file: string,
  rois: RoiManifest | undefined,
  open: Set<number>,
  nowUs: number,
): Promise<{ results: number; skipped: number }> {
  const idOf = new Map<string, number>();
  for (const { entryId, filename, status } of manifest.entries()) {
    if (filename !== undefined && status === "processed") idOf.set(filename.replace(/\.gz$/, ""), entryId);
  }
  const analysisOf = new Map<string, number>();
  let results = 0;
  let skipped = 0;
  let batch: EstablishedResult[] = [];
  const store = () => {
    manifest.together(() => {
      for (const result of batch) {
        const entryId = idOf.get(result.filename.replace(/\.gz$/, ""));
        if (entryId === undefined) {
          skipped += 1;
          continue;
        }
        open.delete(entryId);
        const analysisId = ensureEstablishedAnalysis(manifest, analysisOf, result, rois);
        if (manifest.hasResult(entryId, analysisId)) continue;
        manifest.addResult(entryId, analysisId, storedResult(result), result.processedAtUs ?? nowUs);
        results += 1;
      }
    });
    batch = [];
  };
  for await (const { line: bytes } of givenLines(file, MOST_LINE_BYTES)) {
    // Too long for a record.
    if (bytes === undefined) skipped += 1;
    const line = bytes?.toString("utf8").trim() ?? "";
    if (line === "") continue;
    const result = parseResultLine(line);
    if (result === "failed") continue;
    if (result === undefined) skipped += 1;
    else batch.push(result);
    if (batch.length >= RESULTS_PER_TRANSACTION) store();
  }
  store();
  return { results, skipped };
}

/** One analysis per method and set of ROIs; with the real ROI manifest where its labels are the same. */
function ensureEstablishedAnalysis(
  manifest: Manifest,
  known: Map<string, number>,
  { method, labels }: EstablishedResult,
  rois: RoiManifest | undefined,
): number {
  const key = JSON.stringify([method, labels]);
  let analysisId = known.get(key);
  if (analysisId === undefined) {
    const same = rois !== undefined && JSON.stringify(rois.rois.map(({ label }) => label)) === JSON.stringify(labels);
    const roiManifestId = manifest.ensureRoiManifest(same ? rois : labelsOnly(labels));
    analysisId = manifest.ensureAnalysis({
      method,
      settings: '{"imported":true}',
      roiManifestId,
      kernelVersion: "established",
    });
    known.set(key, analysisId);
  }
  return analysisId;
}

/** Stands for an ROI manifest of which only the labels are known. */
function labelsOnly(labels: readonly string[]): RoiManifest {
  const rois = labels.map((label) => ({ label, flip: false, y: 0, x: 0, height: 0, width: 0 }));
  const sha256 = createHash("sha256")
    .update(JSON.stringify(["labels only", labels]))
    .digest("hex");
  return { imageAngle: 0, rois, sha256, json: "{}" };
}

function readRois(file: string | undefined): RoiManifest | undefined {
  if (file === undefined) return undefined;
  try {
    return readRoiManifestNow(file);
  } catch (error) {
    // Its labels are in the results as well; an unusable file is no reason to leave those behind.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function storedResult({ method, labels, statistics, doubt, brightness, contrast }: EstablishedResult) {
  const perRoi = QUANTITIES[method].length * STATISTICS.length;
  const median = medianColumn(method);
  const unknown = () => new Float64Array(labels.length).fill(Number.NaN);
  return {
    position: Float64Array.from(labels, (_, roi) => statistics[roi * perRoi + median] ?? Number.NaN),
    standardError: unknown(),
    quality: unknown(),
    flags: new Uint8Array(labels.length),
    ...doubt,
    statistics: encodeStatistics(statistics, perRoi),
    brightness,
    contrast,
  };
}

function medianColumn(method: Method): number {
  return POSITION_COLUMN[method] * STATISTICS.length + STATISTICS.indexOf("Median");
}

function findFile(root: string, name: string, places: readonly string[]): string | undefined {
  return places.map((place) => join(root, place, name)).find((path) => existsSync(path));
}
