// What goes to an analysis thread and what comes back: plain data in the compact form the manifest stores.
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { FailureData } from "../failure/failure.ts";
import { otherPages } from "../image/picture.ts";
import type { DepthKnowledge } from "../measurement/depth.ts";
import { type FrameResult, type Method, QUANTITIES } from "../measurement/method.ts";
import type { NamedFile } from "../system/confined-file.ts";
import type { LinesByMethod } from "./chosen-lines.ts";
import { refusedLevelText } from "./dark-level.ts";
import type { AnalysisSettings } from "./settings.ts";

export interface TaskRequest {
  /** A path that the user gave, or a picture that a row names. */
  readonly picture: string | NamedFile;
  /** Text of the ROI manifest; parsed once per thread as long as it stays the same. */
  readonly roiManifestJson: string;
  readonly settings: AnalysisSettings;
  /**
   * Measure how far the chip has moved: against this reference (by encodeDriftReference; of length 0 for one that found
   * nothing to hold on to), or "make" one of this picture. Absent: not measured.
   */
  readonly drift?: Uint8Array | "make";
  /** What `tracking` compares with, by encodeReference; absent where there is nothing yet. */
  readonly reference?: Uint8Array;
  /** What the pictures before have shown of the camera's scale. */
  readonly depth?: DepthKnowledge;
  /** The lines that the data chose in frames before. */
  readonly lines?: LinesByMethod;
  /** Settings of a tracking to be measured along with the method. */
  readonly companion?: AnalysisSettings;
}

/** Per ROI what tracking says along with the method; NaN where unknown. */
export type CompanionResult = Pick<FrameResult, "position" | "standardError" | "quality" | "flags">;

/** A FrameResult with its statistics, and the rows' values of debug mode, packed into bytes. */
export interface EncodedResult extends Omit<FrameResult, "statistics" | "values"> {
  /** By encodeStatistics, quantities * 8 numbers per ROI. */
  readonly statistics: Uint8Array;
  /** By encodeValues; debug mode only. */
  readonly values?: Uint8Array;
}

export type TaskAnswer =
  | {
      readonly ok: true;
      readonly answer: EncodedResult;
      /** Pages of the picture's file where there are several; the first was measured. */
      readonly pages?: number;
      readonly decodeMs: number;
      readonly measureMs: number;
      /** Made of this picture, where it was to. */
      readonly driftReference?: Uint8Array;
      /** The reference of tracking with this picture in it, while it is still growing. */
      readonly reference?: Uint8Array;
      /** Chosen lines with those of this picture, while they are still growing. */
      readonly lines?: LinesByMethod;
      /** What tracking says, where it is measured along with the method. */
      readonly companion?: CompanionResult;
    }
  | { readonly ok: false; readonly failure: FailureData };

/** What is to be said of a picture that was measured. */
export function warningsOf({ pages, answer }: Extract<TaskAnswer, { ok: true }>): string[] {
  return [otherPages(pages), refusedLevelText(answer.darkest)].filter((text) => text !== undefined);
}

/**
 * The rows' values of one frame as compressed bytes: per ROI the number of measured rows and then, quantity by quantity,
 * the values of those rows, all as little-endian float64.
 */
export function encodeValues(values: readonly (readonly Float64Array[])[]): Uint8Array {
  const numbers: number[] = [];
  for (const columns of values) {
    numbers.push(columns[0]?.length ?? 0);
    for (const column of columns) for (const value of column) numbers.push(value);
  }
  return deflateRawSync(Buffer.from(Float64Array.from(numbers).buffer));
}

/** The inverse of encodeValues for a result of `method`. */
export function decodeValues(bytes: Uint8Array, method: Method): Float64Array[][] {
  const plain = Uint8Array.from(inflateRawSync(bytes));
  const numbers = new Float64Array(plain.buffer);
  const values: Float64Array[][] = [];
  for (let at = 0; at < numbers.length; ) {
    const rows = numbers[at] as number;
    at++;
    values.push(
      QUANTITIES[method].map((_, quantity) => numbers.slice(at + quantity * rows, at + (quantity + 1) * rows)),
    );
    at += QUANTITIES[method].length * rows;
  }
  return values;
}
