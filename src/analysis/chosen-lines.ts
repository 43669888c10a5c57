// Chooses the line shape of each ROI from the data (joint line "auto"). An ROI's line is chosen in the first frame with a
// reliable fit, and kept for the whole analysis. See docs/kernel.md, "Which line".

import { type FrameResult, LINES, type Line, lineOfCode } from "../measurement/method.ts";
import type { AnalysisSettings } from "./settings.ts";

/** An ROI without a reliable fit in this many frames gets the line that most ROIs have. */
const MOST_OFFERS = 16;

/** Encoded chosen lines: the number of frames used so far, then for each ROI 1 + the index in LINES, or 0 for none yet. */
export type ChosenLines = Uint8Array;

/** Returns the lines in the kernel's format, one per ROI. */
export function lineCodes(lines: ChosenLines): Uint8Array {
  return lines.subarray(1);
}

/** Chosen lines of the methods that have them; absent if there are none yet, or if the line is configured. */
export interface LinesByMethod {
  readonly joint?: ChosenLines | undefined;
  readonly tracking?: ChosenLines | undefined;
}

/** Whether every ROI has its line. */
export function linesComplete(lines: ChosenLines): boolean {
  return !lineCodes(lines).includes(0);
}

/**
 * Returns the lines after a frame that was measured with `found` (LINES codes per ROI). ROIs that had a line keep it; the
 * others get this frame's line if their fit `isSound`. With `closing`, or after enough frames, all get one.
 */
export function growLines(
  before: ChosenLines | undefined,
  found: Uint8Array,
  isSound: (roi: number) => boolean,
  closing = false,
): ChosenLines {
  const lines = before === undefined ? new Uint8Array(1 + found.length) : Uint8Array.from(before);
  const offers = Math.min((lines[0] as number) + 1, MOST_OFFERS);
  lines[0] = offers;
  const codes = lineCodes(lines);
  codes.forEach((code, roi) => {
    if (code === 0 && isSound(roi)) codes[roi] = found[roi] as number;
  });
  if (!closing && offers < MOST_OFFERS) return lines;
  const usual = 1 + LINES.indexOf(mostFrequent(codes));
  codes.forEach((code, roi) => {
    if (code === 0) codes[roi] = usual;
  });
  return lines;
}

/** The ROIs whose line a frame may choose, and whether it is the last one that may. */
export interface Choosing {
  isSound(roi: number): boolean;
  readonly closing: boolean;
}

/**
 * Returns the lines after a frame that was measured with `settings`; undefined if they are not chosen from the data, or are
 * already complete. By default, a fit without flags is reliable.
 */
export function linesAfter(
  before: ChosenLines | undefined,
  { jointLine }: Pick<AnalysisSettings, "jointLine">,
  { lines, flags }: Pick<FrameResult, "lines" | "flags">,
  { isSound, closing }: Choosing = { isSound: (roi) => flags[roi] === 0, closing: false },
): ChosenLines | undefined {
  if (jointLine !== "auto" || lines === undefined) return undefined;
  if (before !== undefined && linesComplete(before)) return undefined;
  return growLines(before, lines, isSound, closing);
}

function mostFrequent(codes: Uint8Array): Line {
  const counts = LINES.map((_, index) => codes.filter((code) => code === 1 + index).length);
  return LINES[counts.indexOf(Math.max(...counts))] as Line;
}

/** Returns the chosen line of each ROI; undefined if none has been chosen yet. */
export function namesOfLines(lines: ChosenLines): (Line | undefined)[] {
  return Array.from(lineCodes(lines), lineOfCode);
}

/** Decodes stored lines. Throws RangeError if the bytes are invalid. */
export function decodeLines(bytes: Uint8Array): ChosenLines {
  if (bytes.length < 1 || lineCodes(bytes).some((code) => code > LINES.length)) {
    throw new RangeError("not the lines of ROIs");
  }
  return Uint8Array.from(bytes);
}
