// Taking over an experiment that was kept in metadata_manifest.json and pictures. Nothing of it is moved or changed: rows
// are made that name the pictures where they are, or copies of them in the data directory. Run twice, the second time adds
// only what is new.
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { labelsOnly, type RoiManifest } from "../measurement/roi.ts";
import { unusableNameLine } from "../system/names-in-bytes.ts";
import { establishedFiles } from "./established-files.ts";
import { readEntries } from "./established-metadata.ts";
import { orphans } from "./established-orphans.ts";
import { PictureFinder } from "./established-pictures.ts";
import type { EstablishedResult } from "./established-result.ts";
import { type PlacedResult, resultsIn, storedResult } from "./established-results.ts";
import { establishedRois } from "./established-rois.ts";
import { stackPages } from "./established-stacks.ts";
import { type Adoption, Taking, type TakingSummary, withCount } from "./established-taking.ts";
import { type Finding, Findings } from "./import-findings.ts";
import type { Manifest } from "./manifest.ts";
import { plainName } from "./plain-name.ts";

export interface ImportSummary extends TakingSummary {
  /** The files that were read. */
  readonly metadataFiles: readonly string[];
  readonly resultsFiles: readonly string[];
  /** The ROI manifest of the experiment; undefined where it has none that can be used. */
  readonly roiManifestFile: string | undefined;
  /** Different captures in the files; `added` of them were new. */
  readonly entries: number;
  /** Results taken over with their frames. */
  readonly results: number;
  readonly resultLinesSkipped: number;
  /** Frames added as processed for which there is no result. */
  readonly processedWithoutResult: number;
  /** What was not as it should be in the files, and what was done with it. */
  readonly findings: readonly Finding[];
}

export interface ImportOptions {
  /** Further directories that pictures may be in. */
  readonly pictures?: readonly string[];
  /** Copy the pictures into the data directory; otherwise they stay where they are and are only read. */
  readonly adopt?: Adoption | undefined;
  /** Which pages of files with several images are frames. */
  readonly pages?: PageChoice;
}

const RESULTS_PER_TRANSACTION = 64;

/**
 * Imports the experiment in `directory`. Failures: `usage.invalid`, with nothing written, when its manifest is unusable or a
 * directory of pictures is not there; `disk.full`, before anything is copied, when the pictures to adopt do not fit.
 */
export async function importExperiment(
  manifest: Manifest,
  directory: string,
  nowUs: number,
  { pictures: further = [], adopt, pages = {} }: ImportOptions = {},
): Promise<ImportSummary> {
  const root = resolve(directory);
  const files = establishedFiles(root);
  if (files.metadata.length === 0) {
    throw new Failure("usage.invalid", `${root}: it has no metadata_manifest.json, also not in its data directory`, {
      hint: "name the directory that contains it",
    });
  }
  const named = further.map((one) => resolve(one));
  for (const one of named) checkDirectory(one);
  const findings = new Findings();
  for (const file of files.notRead) findings.add("files unfinished or filtered, not read", file);
  const entries = readEntries(files.metadata, findings);
  const found = orphans(
    files.dataDirectory,
    entries,
    findings,
    (picture) => manifest.imported.find(picture) !== undefined,
  );
  const captures = [...entries, ...found].sort((a, b) => a.capturedAtUs - b.capturedAtUs);
  const finder = new PictureFinder(
    [files.dataDirectory, root, join(root, "data"), ...named],
    [root, ...named],
    manifest.directory,
  );
  const taking = new Taking(manifest, finder, await stackPages(captures, finder, pages));
  if (adopt === undefined) {
    manifest.together(() => {
      for (const entry of captures) taking.take(entry);
    });
  } else await taking.takeAndAdopt(captures, adopt);
  const rois = establishedRois(root, findings);
  const into = { taking, findings };
  const taken = await importResults(manifest, files.results, rois?.manifest, into, nowUs);
  const { skipped, skippedFor, ...counted } = taking.summary;
  return {
    metadataFiles: files.metadata,
    resultsFiles: files.results,
    roiManifestFile: rois?.file,
    entries: captures.length,
    ...counted,
    skipped: [...skipped, ...finder.skipped.map(unusableNameLine)],
    skippedFor: withCount(skippedFor, "its name is not valid UTF-8", finder.skipped.length),
    ...taken,
    processedWithoutResult: taking.processedIds.size,
    findings: findings.all(),
  };
}

function checkDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new Failure("usage.invalid", `--pictures ${directory}: the directory does not exist`);
}

interface ResultTarget {
  /** Its processed entries that have no result yet lose those that get one. */
  readonly taking: Taking;
  readonly findings: Findings;
}

/** Stores the results of frames that are in the manifest. */
async function importResults(
  manifest: Manifest,
  files: readonly string[],
  rois: RoiManifest | undefined,
  { taking, findings }: ResultTarget,
  nowUs: number,
): Promise<{ results: number; resultLinesSkipped: number }> {
  const analysisOf = new Map<string, number>();
  const stored = new Set<string>();
  let results = 0;
  let foreign = 0;
  let batch: PlacedResult[] = [];
  const storeOne = ({ result, where }: PlacedResult) => {
    const entryId = taking.idOf.get(plainName(result.filename));
    if (entryId === undefined) {
      foreign += 1;
      findings.add("results of no entry, left out", where);
      return;
    }
    taking.processedIds.delete(entryId);
    const analysisId = ensureEstablishedAnalysis(manifest, analysisOf, result, rois);
    const key = `${entryId} ${analysisId}`;
    if (stored.has(key)) findings.add("results there more than once, of which the first was taken", where);
    stored.add(key);
    if (manifest.results.has(entryId, analysisId)) return;
    const processedAtUs = result.processedAtUs ?? nowUs;
    manifest.results.add(entryId, analysisId, storedResult(result), processedAtUs);
    results += 1;
    if (!taking.settleMeasured(entryId, processedAtUs)) return;
    findings.add(
      "frames that waited although there is a result of them, taken as processed",
      plainName(result.filename),
    );
  };
  const store = () => {
    manifest.together(() => batch.forEach(storeOne));
    batch = [];
  };
  const torn = new Findings();
  for (const file of files) {
    for await (const placed of resultsIn(file, torn)) {
      batch.push(placed);
      if (batch.length >= RESULTS_PER_TRANSACTION) store();
    }
  }
  store();
  const unusable = torn.all();
  for (const { kind, first, count } of unusable) findings.add(kind, first, count);
  return { results, resultLinesSkipped: foreign + unusable.reduce((sum, { count }) => sum + count, 0) };
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
