// The line of each ROI where the data choose it (joint line "auto"): each ROI's is chosen in the first frame in which its fit
// is sound, and held for the whole analysis. See docs/kernel.md, "Which line".

import { type FrameResult, LINES, type Line, lineOfCode } from "../measurement/method.ts";
import type { AnalysisSettings } from "./settings.ts";

/** An ROI without a sound fit in this many frames gets the line that most ROIs have. */
const MOST_OFFERS = 16;

/** Chosen lines, encoded: the number of frames that were offered, then per ROI 1 + the index in LINES, 0 for none yet. */
export type ChosenLines = Uint8Array;

/** The lines as the kernel takes them, one per ROI. */
export function lineCodes(lines: ChosenLines): Uint8Array {
  return lines.subarray(1);
}

/** Chosen lines of the methods that have them; absent where there are none yet, or the line is configured. */
export interface LinesByMethod {
  readonly joint?: ChosenLines | undefined;
  readonly tracking?: ChosenLines | undefined;
}

/** Whether every ROI has its line. */
export function linesComplete(lines: ChosenLines): boolean {
  return !lineCodes(lines).includes(0);
}

/**
 * The lines after a frame that was measured with `found` (LINES codes per ROI). ROIs that had a line keep it; of the others
 * those take this frame's whose fit `isSound`. With `closing`, or after enough frames, all get one.
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

/** Of which ROIs a frame may choose the line, and whether it is the last one that may. */
export interface Choosing {
  isSound(roi: number): boolean;
  readonly closing: boolean;
}

/**
 * The lines after a frame that was measured by `settings`; undefined where they are not for the data to choose, or chosen
 * already. Unless told otherwise, a fit without flags is sound.
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

/** Per ROI the chosen line; undefined where none has been chosen yet. */
export function namesOfLines(lines: ChosenLines): (Line | undefined)[] {
  return Array.from(lineCodes(lines), lineOfCode);
}

/** Chosen lines as they were stored. RangeError where they cannot have been. */
export function decodeLines(bytes: Uint8Array): ChosenLines {
  if (bytes.length < 1 || lineCodes(bytes).some((code) => code > LINES.length)) {
    throw new RangeError("not the lines of ROIs");
  }
  return Uint8Array.from(bytes);
}
