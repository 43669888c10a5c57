// The task of the analysis pool: one picture file in, its encoded result out. No timers, no sockets, no state but the
// parsed ROI manifest: an idle thread of the pool stands still.
import { constants, getPriority, setPriority } from "node:os";
import { isMainThread } from "node:worker_threads";
import { decodePicture } from "../src/analysis/decode.ts";
import type { FrameResult } from "../src/analysis/method.ts";
import { QUANTITIES, STATISTICS } from "../src/analysis/method.ts";
import { analysePicture } from "../src/analysis/resonance.ts";
import { parseRoiManifest, type RoiManifest } from "../src/analysis/roi.ts";
import { type EncodedResult, encodeValues, type TaskAnswer, type TaskRequest } from "../src/analysis/task.ts";
import { encodeFailure } from "../src/failure.ts";
import { encodeStatistics } from "../src/manifest/statistics-codec.ts";

// On Linux a priority belongs to the thread: measuring gives way to capture in the same process.
if (!isMainThread && getPriority(0) < constants.priority.PRIORITY_BELOW_NORMAL) {
  setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
}

let lastManifest: RoiManifest | undefined;

/** Measures one picture. Never throws: what went wrong comes back as plain data. */
export default async function processTask(task: TaskRequest): Promise<TaskAnswer> {
  try {
    const rois = manifestOf(task.roiManifestJson);
    const startedMs = performance.now();
    const picture = await decodePicture(task.path);
    const decodedMs = performance.now();
    const result = analysePicture(picture, rois, task.settings);
    const measureMs = performance.now() - decodedMs;
    return { ok: true, answer: encodeResult(result), decodeMs: decodedMs - startedMs, measureMs };
  } catch (error) {
    return { ok: false, failure: encodeFailure(error) };
  }
}

function manifestOf(json: string): RoiManifest {
  if (lastManifest?.json !== json) lastManifest = parseRoiManifest(json, "ROI manifest");
  return lastManifest;
}

function encodeResult({ statistics, values, ...rest }: FrameResult): EncodedResult {
  const perRoi = QUANTITIES[rest.method].length * STATISTICS.length;
  const encoded = { ...rest, statistics: encodeStatistics(statistics, perRoi) };
  return values === undefined ? encoded : { ...encoded, values: encodeValues(values) };
}
