// Taking over an experiment that was kept in metadata_manifest.json and pictures. Nothing of it is moved or changed: rows
// are made that name the pictures where they are, or copies of them in the data directory. Run twice, the second time adds
// only what is new.
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import { type Method, POSITION_COLUMN, QUANTITIES, STATISTICS } from "../measurement/method.ts";
import { type RoiManifest, readRoiManifestNow } from "../measurement/roi.ts";
import { givenLines } from "../system/given-file.ts";
import { unusableNameLine } from "../system/names-in-bytes.ts";
import { readMetadataManifest } from "./established-entry.ts";
import { PictureFinder } from "./established-pictures.ts";
import { type EstablishedResult, parseResultLine } from "./established-result.ts";
import { type Adoption, plainName, Taking, type TakingSummary, withCount } from "./established-taking.ts";
import type { Manifest } from "./manifest.ts";
import { encodeStatistics } from "./statistics-codec.ts";

export interface ImportSummary extends TakingSummary {
  readonly metadataFile: string;
  readonly resultsFile: string | undefined;
  /** Captures in the file; `added` of them were new. */
  readonly entries: number;
  /** Results taken over with their frames. */
  readonly results: number;
  readonly resultLinesSkipped: number;
  /** Frames added as processed for which there is no result. */
  readonly processedWithoutResult: number;
}

export interface ImportOptions {
  /** Further directories that pictures may be in. */
  readonly pictures?: readonly string[];
  /** Copy the pictures into the data directory; otherwise they stay where they are and are only read. */
  readonly adopt?: Adoption | undefined;
}

const METADATA = "metadata_manifest.json";
const RESULTS = "processing_results.jsonl";
const ROIS = "ROI_manifest.json";
const RESULTS_PER_TRANSACTION = 64;
/** A record of a large chip with the values of every row takes some megabytes. */
const MOST_LINE_BYTES = 64e6;

/**
 * Imports the experiment in `directory`. Failures: `usage.invalid`, with nothing written, when its manifest is unusable or a
 * directory of pictures is not there; `disk.full`, before anything is copied, when the pictures to adopt do not fit.
 */
export async function importExperiment(
  manifest: Manifest,
  directory: string,
  nowUs: number,
  { pictures: further = [], adopt }: ImportOptions = {},
): Promise<ImportSummary> {
  const root = resolve(directory);
  const metadataFile = findFile(root, METADATA, ["", "data"]);
  if (metadataFile === undefined) {
    throw new Failure("usage.invalid", `${root}: it has no ${METADATA}, also not in its data directory`, {
      hint: "name the directory that contains it",
    });
  }
  const named = further.map((one) => resolve(one));
  for (const one of named) checkDirectory(one);
  const established = readMetadataManifest(metadataFile);
  const finder = new PictureFinder(
    [dirname(metadataFile), root, join(root, "data"), ...named],
    [root, ...named],
    manifest.directory,
  );
  const taking = new Taking(manifest, finder);
  if (adopt === undefined) {
    manifest.together(() => {
      for (const entry of established) taking.take(entry);
    });
  } else await taking.takeAndAdopt(established, adopt);
  const places = ["", "results", "data", "../results"];
  const resultsFile = findFile(root, RESULTS, places);
  const roisFile = findFile(root, ROIS, ["", "generated_files", "../generated_files", "configs"]);
  const open = taking.processedIds;
  const taken =
    resultsFile === undefined
      ? { results: 0, skipped: 0 }
      : await importResults(manifest, resultsFile, readRois(roisFile), { idOf: taking.idOf, open }, nowUs);
  const { skipped, skippedFor, ...counted } = taking.summary;
  return {
    metadataFile,
    resultsFile,
    entries: established.length,
    ...counted,
    skipped: [...skipped, ...finder.skipped.map(unusableNameLine)],
    skippedFor: withCount(skippedFor, "its name is not valid UTF-8", finder.skipped.length),
    results: taken.results,
    resultLinesSkipped: taken.skipped,
    processedWithoutResult: open.size,
  };
}

function checkDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new Failure("usage.invalid", `--pictures ${directory}: the directory does not exist`);
}

/** Stores the results of frames that are in the manifest as processed; takes the ids of those it served out of `open`. */
async function importResults(
  manifest: Manifest,
  file: string,
  rois: RoiManifest | undefined,
  { idOf, open }: { readonly idOf: ReadonlyMap<string, number>; readonly open: Set<number> },
  nowUs: number,
): Promise<{ results: number; skipped: number }> {
  const analysisOf = new Map<string, number>();
  let results = 0;
  let skipped = 0;
  let batch: EstablishedResult[] = [];
  const store = () => {
    manifest.together(() => {
      for (const result of batch) {
        const entryId = idOf.get(plainName(result.filename));
        if (entryId === undefined) {
          skipped += 1;
          continue;
        }
        open.delete(entryId);
        const analysisId = ensureEstablishedAnalysis(manifest, analysisOf, result, rois);
        if (manifest.results.has(entryId, analysisId)) continue;
        manifest.results.add(entryId, analysisId, storedResult(result), result.processedAtUs ?? nowUs);
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
    const roiManifestId = manifest.analyses.ensureRoiManifest(same ? rois : labelsOnly(labels));
    analysisId = manifest.analyses.ensure({
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
