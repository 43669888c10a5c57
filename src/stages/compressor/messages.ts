// Settings and jobs of the compressor's thread, which answers with a CompressOutcome. Plain data only.
import type { CompressOptions } from "../../archive/compress.ts";

/** Settings and jobs of the compressor's thread, which answers with a CompressOutcome. */
export type CompressorSettings = CompressOptions;

export interface CompressorJob {
  readonly type: "compress";
  /** Directory, absolute. */
  readonly filepath: string;
  readonly filename: string;
  /** The image's hash when it was taken, if known. */
  readonly sha256: string | undefined;
}
