// Manages the reference of tracking: for each ROI the mean of its first frames, all moved to where the band was in the first of
// them, and the line that a joint fit found there. See docs/kernel.md, "Tracking".

import type { Picture } from "../image/picture.ts";
import { FLAGS, type FrameResult, QUANTITIES, STATISTICS } from "../measurement/method.ts";
import type { RoiManifest } from "../measurement/roi.ts";
import { measureTogether } from "./kernel.ts";
import { ANCHOR_NUMBERS, type KernelAnswer, type KernelReference } from "./kernel-answer.ts";
import { analyseTogether, type PictureOptions } from "./resonance.ts";
import type { AnalysisSettings } from "./settings.ts";

/** The references of all ROIs of an analysis: views of one buffer, which is their encoded form. */
export interface TrackingReference extends Omit<KernelReference, "grow"> {
  readonly bytes: Uint8Array;
  /** [0] number of frames offered, [1] number of frames that became part of it. */
  readonly counts: Float64Array;
}

export const DEFAULT_REFERENCE_FRAMES = 16;
/** At most this multiple of the wanted number of frames is offered; then the reference is used as it is. */
const MOST_OFFERS = 4;
/** A frame that matches in less than this share of the known ROIs is not used for any of them. */
const LEAST_SHARE = 0.5;
const FIRST_ANCHOR_NUMBERS = 21;
const HEAD_NUMBERS = 4;
/** Version of the encoded form; raised when the meaning of the numbers changes. */
const FORM = 2;
/** Number of combined standard errors by which a joint fit and tracking must differ to contradict each other. */
const CONTRADICTION = 3;
const HEAD_BYTES = HEAD_NUMBERS * Float64Array.BYTES_PER_ELEMENT;

/** Returns an empty reference. */
export function emptyReference({ rois }: Pick<RoiManifest, "rois">): TrackingReference {
  const pixels = rois.reduce((sum, { height, width }) => sum + height * width, 0);
  const anchorBytes = rois.length * ANCHOR_NUMBERS * Float64Array.BYTES_PER_ELEMENT;
  // In shared memory, so that passing it to a thread copies nothing.
  const buffer = new SharedArrayBuffer(HEAD_BYTES + anchorBytes + pixels * Uint16Array.BYTES_PER_ELEMENT);
  new Float64Array(buffer, 0, HEAD_NUMBERS).set([FORM, 0, 0, rois.length]);
  return viewsOf(buffer);
}

/**
 * Decodes a reference (native byte order: form, counts, number of ROIs, anchors as float64, pixels as uint16). Bytes in shared
 * memory are used without copying. Throws RangeError if they are cut off or have another form.
 */
export function decodeReference(bytes: Uint8Array): TrackingReference {
  if (bytes.buffer instanceof SharedArrayBuffer && bytes.byteOffset === 0) return viewsOf(bytes.buffer);
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return viewsOf(buffer);
}

function viewsOf(buffer: SharedArrayBuffer): TrackingReference {
  const head = new Float64Array(buffer, 0, HEAD_NUMBERS);
  if (head[0] !== FORM) throw new RangeError(`a tracking reference of form ${head[0]}, expected ${FORM}`);
  const anchors = new Float64Array(buffer, HEAD_BYTES, (head[3] as number) * ANCHOR_NUMBERS);
  const pixels = new Uint16Array(buffer, HEAD_BYTES + anchors.byteLength);
  return { bytes: new Uint8Array(buffer), counts: head.subarray(1, 3), anchors, pixels };
}

/**
 * Whether these bytes can be a stored reference of this form, or of version 0.1.0, which had no form number (counts, number of
 * ROIs, 21 anchor numbers each, pixels). The latter are no longer read, but they are not damaged.
 */
export function isStoredReference(bytes: Uint8Array): boolean {
  if (bytes.length < HEAD_BYTES) return false;
  const [first = 0, second = 0, third = 0] = new Float64Array(Uint8Array.from(bytes.subarray(0, HEAD_BYTES)).buffer);
  const isFirstForm =
    [first, second, third].every((value) => Number.isInteger(value) && value >= 0) &&
    second <= first &&
    third > 0 &&
    bytes.length > 8 * (3 + third * FIRST_ANCHOR_NUMBERS);
  if (isFirstForm) return true;
  try {
    decodeReference(bytes);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Whether a reference that wants `frames` frames is complete. */
export function isComplete({ counts }: Pick<TrackingReference, "counts">, frames: number): boolean {
  return (counts[1] as number) >= frames || (counts[0] as number) >= MOST_OFFERS * frames;
}

/** Returns the number of frames in the reference of an ROI; 0 if it has none and is measured by joint fits. */
export function referenceFrames({ anchors }: Pick<TrackingReference, "anchors">, roi: number): number {
  return anchors[roi * ANCHOR_NUMBERS] as number;
}

/**
 * Measures a picture against a reference. While the reference is incomplete, also returns one that includes this picture; until
 * then, frames must be offered one after the other, because each is measured against those before it. A frame without light,
 * cut off by the camera, or with other content does not join, but counts as offered. `carriedBy`: settings of the method that
 * tracking accompanies; its result is returned too, from the same samples.
 */
export function trackPicture(
  picture: Picture,
  rois: RoiManifest,
  settings: AnalysisSettings,
  reference: TrackingReference,
  {
    displacement,
    depth,
    lines,
    carriedBy,
  }: Pick<PictureOptions, "displacement" | "depth" | "lines"> & { readonly carriedBy?: AnalysisSettings } = {},
): { readonly result: FrameResult; readonly carrier?: FrameResult; readonly reference?: TrackingReference } {
  const frames = settings.referenceFrames ?? DEFAULT_REFERENCE_FRAMES;
  // The other method decides the number of rows; tracking uses all rows in any case.
  const all = carriedBy === undefined ? [settings] : [carriedBy, settings];
  const analyse = (against: KernelReference, kernel: typeof measureTogether) => {
    const results = analyseTogether(picture, rois, all, { displacement, depth, lines, reference: against, kernel });
    const result = results.at(-1) as FrameResult;
    if (carriedBy?.method === "joint") markContradictions(result, results[0] as FrameResult);
    return { result, ...(carriedBy === undefined ? {} : { carrier: results[0] as FrameResult }) };
  };
  if (isComplete(reference, frames)) {
    const { anchors, pixels } = reference;
    return analyse({ anchors, pixels, grow: false }, measureTogether);
  }
  const grown = decodeReference(Uint8Array.from(reference.bytes));
  let joined: KernelAnswer["joined"];
  const measured = analyse({ anchors: grown.anchors, pixels: grown.pixels, grow: true }, (sampled, tasks) => {
    const answers = measureTogether(sampled, tasks);
    joined = answers.at(-1)?.joined;
    return answers;
  });
  const known = rois.rois.filter((_, roi) => referenceFrames(reference, roi) > 0).length;
  let along = 0;
  for (let roi = 0; roi < rois.rois.length; roi++) {
    if (joined?.[roi] !== 1) continue;
    // A doubtful first frame must not become an anchor.
    if (referenceFrames(grown, roi) === 1 && measured.result.flags[roi] !== 0) grown.anchors[roi * ANCHOR_NUMBERS] = 0;
    else along++;
  }
  const joins = along > 0 && along >= LEAST_SHARE * known;
  // ROIs whose reference this picture would have begun, but did not, have the result of a joint fit, without a shift.
  for (let roi = 0; roi < rois.rois.length; roi++) {
    const kept = joins && referenceFrames(grown, roi) > 0;
    if (joined?.[roi] === 1 && referenceFrames(reference, roi) === 0 && !kept) markFallback(measured.result, roi);
  }
  const next = joins ? grown : decodeReference(Uint8Array.from(reference.bytes));
  next.counts[0] = (reference.counts[0] as number) + 1;
  next.counts[1] = (reference.counts[1] as number) + (joins ? 1 : 0);
  return { ...measured, reference: next };
}

/**
 * Marks the result of a frame that did not become an anchor: it keeps the position of the joint fit, but has no shift and no
 * relative light.
 */
function markFallback({ flags, statistics, values }: FrameResult, roi: number): void {
  flags[roi] = (flags[roi] as number) | FLAGS.fallback;
  for (const name of ["shift", "light"]) {
    const quantity = QUANTITIES.tracking.indexOf(name);
    const start = (roi * QUANTITIES.tracking.length + quantity) * STATISTICS.length;
    statistics.fill(Number.NaN, start, start + STATISTICS.length);
    values?.[roi]?.[quantity]?.fill(Number.NaN);
  }
}

/** Flags results that contradict a joint fit of the same picture. */
function markContradictions(tracked: FrameResult, joint: FrameResult): void {
  tracked.position.forEach((position, roi) => {
    const error = Math.hypot(tracked.standardError[roi] as number, joint.standardError[roi] as number);
    const apart = Math.abs(position - (joint.position[roi] as number));
    if (apart > CONTRADICTION * error) tracked.flags[roi] = (tracked.flags[roi] as number) | FLAGS.shape_changed;
  });
}
