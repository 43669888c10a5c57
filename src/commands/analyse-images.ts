// Measures a list of images in threads and writes their records, in input order.
import { basename, resolve } from "node:path";
import { type Measured, measureInOrder } from "../analysis/batch.ts";
import { formatRecord } from "../analysis/record.ts";
import { ReferenceSequencer } from "../analysis/reference-sequencer.ts";
import type { AnalysisSettings } from "../analysis/settings.ts";
import { decodeValues, type EncodedResult, type TaskAnswer, warningsOf } from "../analysis/task.ts";
import { decodeFailure, encodeFailure } from "../failure/failure.ts";
import { DepthKeeper } from "../image/bit-depth.ts";
import { decodeStatistics } from "../manifest/statistics-codec.ts";
import type { RoiManifest } from "../measurement/roi.ts";
import { measuringThreads } from "../stages/processor/measuring-pool.ts";
import { Progress } from "../terminal/progress.ts";
import type { Sink } from "./results-file.ts";

interface Analysis {
  /** The references are made from the first of these. */
  readonly all: readonly string[];
  readonly pictures: readonly string[];
  readonly rois: RoiManifest;
  readonly settings: AnalysisSettings;
  readonly jobs: number;
  readonly sink: Sink;
  /** Stops after the current record. */
  readonly signal: AbortSignal;
}

/** Measures all images; returns how many failed. */
export async function analyse({ all, pictures, rois, settings, jobs, sink, signal }: Analysis): Promise<number> {
  if (pictures.length === 0) {
    await sink.close();
    return 0;
  }
  const threads = Math.min(jobs, pictures.length);
  const pool = measuringThreads(threads);
  const progress = new Progress(pictures.length, "images");
  const startedMs = performance.now();
  const labels = rois.rois.map(({ label }) => label);
  let failed = 0;
  try {
    const depth = new DepthKeeper(settings.bits ?? 0);
    const references = new ReferenceSequencer({ settings, measuresDrift: settings.trackDrift === true });
    const measure = (path: string) =>
      references.run(async (turn) => {
        const { known } = depth;
        const task = { picture: resolve(path), roiManifestJson: rois.json, settings, depth: known };
        const answer = await turn.measure((made) => pool.run({ ...task, ...made }));
        references.kept(references.unkeptDrift, answer);
        return answer;
      });
    // All images use the same line shapes and references, also in a resumed analysis.
    const first = await makeReferences(all, references, measure);
    const run = async (path: string) => first.get(path) ?? (await measure(path));
    // One more task than threads, so that no thread waits; no more, to limit memory.
    for await (const measured of measureInOrder(pictures, run, threads + 1)) {
      if (!measured.answer.ok) {
        failed++;
        const { line } = decodeFailure(measured.answer.failure);
        progress.note(line.includes(measured.path) ? line : `${measured.path}: ${line}`);
      }
      // In the order of the images, so that the result does not depend on which thread is faster.
      if (measured.answer.ok) depth.learn(measured.answer.answer.depth);
      for (const warning of measured.answer.ok ? warningsOf(measured.answer) : [])
        progress.note(`${measured.path}: warning: ${warning}`);
      await sink.write(`${recordOf(measured, labels)}\n`);
      progress.advance();
      signal.throwIfAborted();
    }
  } finally {
    progress.clear();
    await pool.close();
    await sink.close();
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  progress.note(`measured ${pictures.length - failed} of ${pictures.length} images in ${seconds} s`);
  return failed;
}

/** Makes the references that all images are measured with from the first of them, in order; returns the answers of those. */
async function makeReferences(
  all: readonly string[],
  references: ReferenceSequencer,
  measure: (path: string) => Promise<TaskAnswer>,
): Promise<ReadonlyMap<string, TaskAnswer>> {
  const first = new Map<string, TaskAnswer>();
  for (const path of all) {
    if (!references.needsOrder) break;
    const answer = await measure(path).catch(
      (error: unknown): TaskAnswer => ({ ok: false, failure: encodeFailure(error) }),
    );
    first.set(path, answer);
  }
  return first;
}

function recordOf({ path, answer }: Measured, labels: readonly string[]): string {
  return formatRecord({
    entryTimestamp: null,
    imageTimestamp: capturedAt(basename(path)),
    temperatureTimestamp: null,
    imageFilename: basename(path),
    processingTimestamp: new Date().toISOString(),
    failureMessage: answer.ok ? null : decodeFailure(answer.failure).line,
    result: answer.ok ? decodeResult(answer.answer) : null,
    labels,
    temperatures: null,
    imagePath: path,
    warnings: answer.ok ? warningsOf(answer) : [],
  });
}

function decodeResult({ statistics, values, ...rest }: EncodedResult) {
  const decoded = { ...rest, statistics: decodeStatistics(statistics) };
  return values === undefined ? decoded : { ...decoded, values: decodeValues(values, rest.method) };
}

const CAPTURE_NAME = /^image_(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})_(\d{6})_cam\d+\./;

/** The time of capture (UTC) that our own file names carry; null for other names, whose time is not known. */
function capturedAt(name: string): string | null {
  const parts = CAPTURE_NAME.exec(name);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second, micros] = parts;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${micros}Z`;
}
