// The messages to and from an analysis thread: plain data in the compact form that the manifest stores.
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
  /** A path given by the user, or a picture recorded in the database. */
  readonly picture: string | NamedFile;
  /** Text of the ROI manifest; each thread parses it only when it changes. */
  readonly roiManifestJson: string;
  readonly settings: AnalysisSettings;
  /**
   * Measures the movement of the chip: against this reference (by encodeDriftReference; of length 0 if it found no patches), or
   * "make" a reference from this picture. Absent: not measured.
   */
  readonly drift?: Uint8Array | "make";
  /** The reference of `tracking`, by encodeReference; absent if there is none yet. */
  readonly reference?: Uint8Array;
  /** What earlier pictures revealed about the camera's full scale. */
  readonly depth?: DepthKnowledge;
  /** The lines chosen in earlier frames. */
  readonly lines?: LinesByMethod;
  /** Settings of a tracking that is measured along with the method. */
  readonly companion?: AnalysisSettings;
}

/** The results of tracking along with the method, by ROI; NaN if unknown. */
export type CompanionResult = Pick<FrameResult, "position" | "standardError" | "quality" | "flags">;

/** A FrameResult whose statistics, and row values of debug mode, are packed into bytes. */
export interface EncodedResult extends Omit<FrameResult, "statistics" | "values"> {
  /** Encoded by encodeStatistics: quantities * 8 numbers per ROI. */
  readonly statistics: Uint8Array;
  /** Encoded by encodeValues; debug mode only. */
  readonly values?: Uint8Array;
}

export type TaskAnswer =
  | {
      readonly ok: true;
      readonly answer: EncodedResult;
      /** Number of pages of the picture's file, if there are several; the first was measured. */
      readonly pages?: number;
      readonly decodeMs: number;
      readonly measureMs: number;
      /** Drift reference made from this picture, if requested. */
      readonly driftReference?: Uint8Array;
      /** The reference of tracking including this picture, while it is growing. */
      readonly reference?: Uint8Array;
      /** Chosen lines including this picture's, while they are growing. */
      readonly lines?: LinesByMethod;
      /** The result of tracking, if it is measured along with the method. */
      readonly companion?: CompanionResult;
    }
  | { readonly ok: false; readonly failure: FailureData };

/** Returns the messages about a measured picture. */
export function warningsOf({ pages, answer }: Extract<TaskAnswer, { ok: true }>): string[] {
  return [otherPages(pages), refusedLevelText(answer.darkest)].filter((text) => text !== undefined);
}

/**
 * Encodes the row values of one frame as compressed bytes: for each ROI the number of measured rows and then, quantity by
 * quantity, the values of those rows, all as little-endian float64.
 */
export function encodeValues(values: readonly (readonly Float64Array[])[]): Uint8Array {
  const numbers: number[] = [];
  for (const columns of values) {
    numbers.push(columns[0]?.length ?? 0);
    for (const column of columns) for (const value of column) numbers.push(value);
  }
  return deflateRawSync(Buffer.from(Float64Array.from(numbers).buffer));
}

/** Decodes the output of encodeValues for a result of `method`. */
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
