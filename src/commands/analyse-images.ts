// Measures a list of images in threads and writes their records, in input order.
import { basename } from "node:path";
import { type Measured, measureInOrder } from "../analysis/batch.ts";
import { type FileFrame, fileOfFrame, shownFrame } from "../analysis/frames.ts";
import { formatRecord } from "../analysis/record.ts";
import { ReferenceSequencer } from "../analysis/reference-sequencer.ts";
import type { AnalysisSettings } from "../analysis/settings.ts";
import { decodeValues, type EncodedResult, type TaskAnswer, warningsOf } from "../analysis/task.ts";
import { decodeFailure, encodeFailure } from "../failure/failure.ts";
import { DepthKeeper } from "../image/bit-depth.ts";
import { decodeStatistics } from "../manifest/statistics-codec.ts";
import type { RoiManifest } from "../measurement/roi.ts";
import { measuringThreads } from "../stages/processor/measuring-pool.ts";
import { isoFromUs } from "../system/iso-time.ts";
import { Progress } from "../terminal/progress.ts";
import { PageNotes } from "./page-notes.ts";
import type { Sink } from "./results-file.ts";

interface Analysis {
  /** The references are made from the first of these. */
  readonly all: readonly FileFrame[];
  readonly pictures: readonly FileFrame[];
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
  const notes = new PageNotes((line) => progress.note(line));
  const startedMs = performance.now();
  const labels = rois.rois.map(({ label }) => label);
  const firstUs = all
    .filter(isDated)
    .reduce((first, { takenAtUs }) => Math.min(first, takenAtUs), Number.POSITIVE_INFINITY);
  let failed = 0;
  try {
    const depth = new DepthKeeper(settings.bits ?? 0);
    const references = new ReferenceSequencer({ settings, measuresDrift: settings.trackDrift === true });
    const measure = async (frame: FileFrame): Promise<TaskAnswer> => {
      const { failure } = frame;
      if (failure !== undefined) return { ok: false, failure };
      return references.run(async (turn) => {
        const { known } = depth;
        const task = { picture: fileOfFrame(frame), roiManifestJson: rois.json, settings, depth: known };
        const answer = await turn.measure((made) => pool.run({ ...task, ...made }));
        references.kept(references.unkeptDrift, answer);
        return answer;
      });
    };
    // All images use the same line shapes and references, also in a resumed analysis.
    const first = await makeReferences(all, references, measure);
    const run = async (frame: FileFrame) => first.get(shownFrame(frame)) ?? (await measure(frame));
    // One more task than there are threads, so that no thread waits; no more, to limit memory.
    for await (const measured of measureInOrder(pictures, run, threads + 1)) {
      if (!measured.answer.ok) {
        failed++;
        notes.note(measured.frame, decodeFailure(measured.answer.failure).line);
      }
      // In the order of the images, so that the result does not depend on which thread is faster.
      if (measured.answer.ok) depth.learn(measured.answer.answer.depth);
      for (const warning of measured.answer.ok ? warningsOf(measured.answer) : [])
        notes.note(measured.frame, `warning: ${warning}`);
      await sink.write(`${recordOf(measured, labels, firstUs)}\n`);
      progress.advance();
      signal.throwIfAborted();
    }
  } finally {
    notes.end();
    progress.clear();
    await pool.close();
    await sink.close();
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  progress.note(`measured ${pictures.length - failed} of ${pictures.length} images in ${seconds} s`);
  return failed;
}

/** Makes the references that all images are measured with, from the first images in order; returns the answers of those. */
async function makeReferences(
  all: readonly FileFrame[],
  references: ReferenceSequencer,
  measure: (frame: FileFrame) => Promise<TaskAnswer>,
): Promise<ReadonlyMap<string, TaskAnswer>> {
  const first = new Map<string, TaskAnswer>();
  for (const frame of all) {
    if (!references.needsOrder) break;
    const answer = await measure(frame).catch(
      (error: unknown): TaskAnswer => ({ ok: false, failure: encodeFailure(error) }),
    );
    first.set(shownFrame(frame), answer);
  }
  return first;
}

function recordOf({ frame, answer }: Measured<FileFrame>, labels: readonly string[], firstUs: number): string {
  const { path, page } = frame;
  return formatRecord({
    entryTimestamp: null,
    imageTimestamp: isDated(frame) ? isoFromUs(frame.takenAtUs) : null,
    elapsedSeconds: isDated(frame) ? (frame.takenAtUs - firstUs) / 1e6 : undefined,
    timeSource: isDated(frame) ? frame.timeSource : undefined,
    temperatureTimestamp: null,
    imageFilename: basename(path),
    processingTimestamp: new Date().toISOString(),
    failureMessage: answer.ok ? null : decodeFailure(answer.failure).line,
    result: answer.ok ? decodeResult(answer.answer) : null,
    labels,
    temperatures: null,
    imagePath: path,
    page,
    warnings: answer.ok ? warningsOf(answer) : [],
  });
}

/** A file that cannot be accessed has no time, not even a modification time. */
const isDated = ({ takenAtUs }: FileFrame): boolean => takenAtUs !== 0;

function decodeResult({ statistics, values, ...rest }: EncodedResult) {
  const decoded = { ...rest, statistics: decodeStatistics(statistics) };
  return values === undefined ? decoded : { ...decoded, values: decodeValues(values, rest.method) };
}
