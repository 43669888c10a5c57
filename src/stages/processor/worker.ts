// The task of the analysis pool: measures one image file and returns the encoded result. It has no timers, no sockets, and no
// state except the parsed ROI manifest, so an idle thread uses no CPU.
import { workerData } from "node:worker_threads";
import { type LinesByMethod, linesAfter } from "../../analysis/chosen-lines.ts";
import {
  type DriftReference,
  decodeDriftReference,
  driftReference,
  encodeDriftReference,
  measureDrift,
} from "../../analysis/drift.ts";
import { analysePicture } from "../../analysis/resonance.ts";
import { type EncodedResult, encodeValues, type TaskAnswer, type TaskRequest } from "../../analysis/task.ts";
import {
  DEFAULT_REFERENCE_FRAMES,
  decodeReference,
  emptyReference,
  isComplete,
  referenceFrames,
  trackPicture,
} from "../../analysis/tracking.ts";
import { encodeFailure } from "../../failure/failure.ts";
import { decodePicture } from "../../image/decode.ts";
import { releaseMemory, shareMemory } from "../../image/memory.ts";
import type { Picture } from "../../image/picture.ts";
import { encodeStatistics } from "../../manifest/statistics-codec.ts";
import type { Displacement } from "../../measurement/displacement.ts";
import type { FrameResult } from "../../measurement/method.ts";
import { QUANTITIES, STATISTICS } from "../../measurement/method.ts";
import { parseRoiManifest, type RoiManifest } from "../../measurement/roi.ts";
import { lowerPriority } from "../../threads/priority.ts";

lowerPriority();

// All threads of a pool decode within one limit.
if (workerData instanceof SharedArrayBuffer) shareMemory(workerData);

let lastManifest: RoiManifest | undefined;

/** Returns null. It can only be called, and so only answers, after this thread has loaded everything it needs. */
export function ready(): null {
  return null;
}

/** Measures one image. Never throws: errors are returned as plain data. */
export async function processTask(task: TaskRequest): Promise<TaskAnswer> {
  try {
    const rois = manifestOf(task.roiManifestJson);
    const startedMs = performance.now();
    const picture = await decodePicture(task.picture, undefined, { reading: task.settings.sampling });
    const decodedMs = performance.now();
    const drift = driftOf(task.drift, picture, rois);
    const { result, ...others } = measured(task, picture, rois, drift.displacement);
    const measureMs = performance.now() - decodedMs;
    const made = drift.made === undefined ? {} : { driftReference: drift.made };
    const { pages } = picture;
    const noted = { ...made, ...(pages === undefined ? {} : { pages }) };
    return { ok: true, answer: encodeResult(result), decodeMs: decodedMs - startedMs, measureMs, ...noted, ...others };
  } catch (error) {
    return { ok: false, failure: encodeFailure(error) };
  } finally {
    releaseMemory();
  }
}

/** Returns the result of the method, and of tracking if that is the method or is measured along with it. */
function measured(task: TaskRequest, picture: Picture, rois: RoiManifest, displacement: Displacement | undefined) {
  const tracking = task.settings.method === "tracking" ? task.settings : task.companion;
  const { lines = {} } = task;
  const options = { displacement, depth: task.depth, lines };
  if (tracking === undefined) {
    const result = analysePicture(picture, rois, task.settings, options);
    return { result, ...chosen({ joint: linesAfter(lines.joint, task.settings, result) }) };
  }
  const before = task.reference === undefined ? emptyReference(rois) : decodeReference(task.reference);
  const carried = tracking === task.settings ? {} : { carriedBy: task.settings };
  const { result, carrier, reference } = trackPicture(picture, rois, tracking, before, {
    ...options,
    ...carried,
  });
  const followed = reference ?? before;
  const tracked = linesAfter(lines.tracking, tracking, result, {
    isSound: (roi) => referenceFrames(followed, roi) > 0,
    closing: isComplete(followed, tracking.referenceFrames ?? DEFAULT_REFERENCE_FRAMES),
  });
  const joint = carrier === undefined ? undefined : linesAfter(lines.joint, task.settings, carrier);
  const grown = reference === undefined ? {} : { reference: reference.bytes };
  const found = chosen({ joint, tracking: tracked });
  if (carrier === undefined) return { result, ...grown, ...found };
  const { position, standardError, quality, flags } = result;
  return { result: carrier, ...grown, ...found, companion: { position, standardError, quality, flags } };
}

function chosen(lines: LinesByMethod): { lines?: LinesByMethod } {
  return lines.joint === undefined && lines.tracking === undefined ? {} : { lines };
}

let lastReference: { readonly bytes: Uint8Array; readonly reference: DriftReference } | undefined;

function driftOf(
  task: TaskRequest["drift"],
  picture: Picture,
  rois: RoiManifest,
): { displacement?: Displacement | undefined; made?: Uint8Array } {
  if (task === undefined || task.length === 0) return {};
  if (task === "make") {
    const reference = driftReference(picture, rois);
    if (reference === undefined) return { made: new Uint8Array(0) };
    return { displacement: measureDrift(picture, reference), made: encodeDriftReference(reference) };
  }
  if (lastReference === undefined || !Buffer.from(lastReference.bytes).equals(task)) {
    lastReference = { bytes: task, reference: decodeDriftReference(task) };
  }
  return { displacement: measureDrift(picture, lastReference.reference) };
}

function manifestOf(json: string): RoiManifest {
  if (lastManifest?.json !== json) lastManifest = parseRoiManifest(json, "ROI manifest", { kept: true });
  return lastManifest;
}

function encodeResult({ statistics, values, ...rest }: FrameResult): EncodedResult {
  const perRoi = QUANTITIES[rest.method].length * STATISTICS.length;
  const encoded = { ...rest, statistics: encodeStatistics(statistics, perRoi) };
  return values === undefined ? encoded : { ...encoded, values: encodeValues(values) };
}
