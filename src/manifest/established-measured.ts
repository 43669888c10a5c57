// Stores the results of an imported experiment with their frames.
import type { RoiManifest } from "../measurement/roi.ts";
import { labelsOnly } from "../measurement/roi.ts";
import type { EstablishedResult } from "./established-result.ts";
import { type PlacedResult, resultsIn, storedResult } from "./established-results.ts";
import type { Taking } from "./established-taking.ts";
import { Findings } from "./import-findings.ts";
import type { Manifest } from "./manifest.ts";
import { plainName } from "./plain-name.ts";

interface ResultTarget {
  /** Its processed entries without a result are updated when their result is imported. */
  readonly taking: Taking;
  readonly findings: Findings;
  /** The ROIs of the experiment. */
  readonly rois: RoiManifest | undefined;
  readonly nowUs: number;
}

const RESULTS_PER_TRANSACTION = 64;

/** Times of a frame and its result that are this close are the same: some programs write milliseconds. */
const SAME_TIME_US = 1000;

const REPEATED = "results there more than once, of which the first was taken";
const CONTRADICTED = "results whose time is not that of their frame, left out because the frame has another result";
const WITHOUT_OTHER = "results whose time is not that of their frame, taken because the frame has no other result";
const OF_OTHER_PAGE = "results whose time is that of another page than they name, left out";

/**
 * Stores the results of frames that are in the manifest. A result whose time is not that of its frame may be about another page,
 * so it counts only if its frame has no other result, and not if another page of the file was taken at its time.
 */
export async function importResults(
  manifest: Manifest,
  files: readonly string[],
  { taking, findings, rois, nowUs }: ResultTarget,
): Promise<{ results: number; resultLinesSkipped: number }> {
  const analysisOf = new Map<string, number>();
  const stored = new Set<string>();
  let results = 0;
  let leftOut = 0;
  let contradicting = 0;
  const leave = (kind: string, where: string) => {
    leftOut += 1;
    findings.add(kind, where);
  };
  const storeOne = ({ result, where }: PlacedResult, isSecondLook: boolean) => {
    const row = taking.rowOf(result);
    if (row === undefined) {
      if (!isSecondLook) leave("results of no entry, left out", where);
      return;
    }
    const { entryId } = row;
    const { capturedAtUs = row.capturedAtUs } = result;
    const contradicts = Math.abs(capturedAtUs - row.capturedAtUs) > SAME_TIME_US;
    if (contradicts !== isSecondLook) {
      if (contradicts) contradicting += 1;
      return;
    }
    if (contradicts && taking.hasMoment(result.filename, capturedAtUs)) {
      leave(OF_OTHER_PAGE, where);
      return;
    }
    const analysisId = ensureEstablishedAnalysis(manifest, analysisOf, result, rois);
    const key = `${entryId} ${analysisId}`;
    if (stored.has(key)) {
      if (contradicts) leave(CONTRADICTED, where);
      else findings.add(REPEATED, where);
      return;
    }
    if (contradicts) findings.add(WITHOUT_OTHER, where);
    taking.processedIds.delete(entryId);
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
  const storeAll = async (isSecondLook: boolean, torn: Findings) => {
    let batch: PlacedResult[] = [];
    const store = () => {
      manifest.together(() => {
        for (const placed of batch) storeOne(placed, isSecondLook);
      });
      batch = [];
    };
    for (const file of files) {
      for await (const placed of resultsIn(file, torn)) {
        batch.push(placed);
        if (batch.length >= RESULTS_PER_TRANSACTION) store();
      }
    }
    store();
  };
  const torn = new Findings();
  await storeAll(false, torn);
  // What is torn was counted the first time.
  if (contradicting > 0) await storeAll(true, new Findings());
  const unusable = torn.all();
  for (const { kind, first, count } of unusable) findings.add(kind, first, count);
  return { results, resultLinesSkipped: leftOut + unusable.reduce((sum, { count }) => sum + count, 0) };
}

/** Returns one analysis per method and set of ROIs, with the real ROI manifest if its labels are the same. */
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
