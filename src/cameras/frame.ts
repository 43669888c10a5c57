// What a source hands to the collector, and the small interface every source keeps. Making a captured frame durable
// and giving it its row is the collector's business, not a source's.

import type { PageChoice } from "../image/chosen-pages.ts";
import type { EncodedPicture } from "../image/encoded.ts";
import type { PageInfo } from "../image/pages.ts";
import type { Picture } from "../image/picture.ts";
import type { FileTimes } from "../image/times/capture-times.ts";
import type { TimeSource } from "../image/times/source.ts";
import type { SetAsideFile } from "../system/set-aside.ts";

/** One captured picture: pixels, encoded bytes, or a file that another program wrote; exactly one of the three. */
export interface CapturedFrame {
  /** Pixels still to be transformed, encoded and stored. */
  readonly picture?: Picture;
  /** A picture as the camera encoded it. */
  readonly encoded?: EncodedPicture;
  /**
   * A whole picture file. It is copied into the data directory unless it is there already, where `sha256` is given only
   * if it still has that content. `keep`: the original stays untouched; else it may be removed once the copy is durable.
   */
  readonly file?: TakenFrom;
  /** Microseconds since the epoch, UTC; strictly rising within one source that takes pictures itself. */
  readonly capturedAtUs: number;
  /** Where that time is from; absent for the clock of this program at the capture. */
  readonly timeSource?: TimeSource;
  /** The times of the pages of a file with several pictures; sources of files only. */
  readonly timesOf?: (pages: readonly PageInfo[], count?: number) => Promise<FileTimes>;
  /** The same moment on the monotonic clock, ms as `monotonicMs` counts them; absent where others took the picture. */
  readonly exposedAtMs?: number;
  /** Bits the sensor gave, where they differ from those of the pixels' type. */
  readonly sensorBits?: number;
  /** What the picture was taken with, as read back from the device, for the manifest. */
  readonly settings: FrameSettings;
  /** Warnings to show; the frame is good nevertheless. */
  readonly warnings: readonly string[];
}

/** The setting that holds the CRC-32 of a frame's pixels as the camera gave them. */
export const PIXELS_CHECKSUM = "pixels_crc32";

/** A picture file that another program wrote, by its name in its directory. */
export interface TakenFrom {
  readonly directory: string;
  readonly name: string;
  readonly followLinks: boolean;
  readonly keep: boolean;
  readonly sha256?: string;
  /** Of a file with several pictures only these pages, from 0; absent: all. */
  readonly pages?: readonly number[];
  /** The first page that was not taken before; absent: 0. */
  readonly from?: number;
  /** What of several channels, planes and positions is chosen; absent: as configured. */
  readonly choice?: PageChoice | undefined;
}

export type FrameSettings = Readonly<Record<string, number | string>>;

/** What is attached, for `phorest cameras`. */
export interface Found {
  /** What to call it: a device, a path, a program. */
  readonly name: string;
  readonly description: string;
  /** Formats, sizes, ranges of settings: one line each. */
  readonly details: readonly string[];
  /** Lines for the configuration file's [Camera] that choose it. */
  readonly toml: readonly string[];
}

/**
 * Where frames come from. Making one touches no device; `close` may be called twice and after a failed `open`.
 * `probe` says what the source would use and what that can do, without changing it; it needs no `open`.
 * `capture` resolves to null when there is nothing new, and throws Failure camera.unavailable (retry later) while the
 * device or directory is away, camera.failed when it answers nonsense.
 */
export interface Source {
  probe(): Promise<readonly Found[]>;
  open(): Promise<void>;
  capture(signal: AbortSignal): Promise<CapturedFrame | null>;
  /** After a `capture` without a frame: there is one, which will be handed out within a minute; sources of files only. */
  isWaiting?(): boolean;
  /** Takes back a frame that could not be stored, so that a later `capture` hands it out again; sources of files only. */
  giveBack?(frame: CapturedFrame): void;
  /** Sets a frame aside that could not be stored through its own fault: it is handed out again later; sources of files only. */
  setAside?(frame: CapturedFrame, reason: string): void;
  /** Pictures that could not be read or stored while others could; sources of files only. */
  filesSetAside?(): readonly SetAsideFile[];
  /** A line for each picture that is there and cannot be taken under its present name; sources of files only. */
  skipped?(): readonly string[];
  /** What is left out because a part was chosen, a line for each reason; the numbers in it may grow. Sources of files only. */
  leftOut?(): readonly string[];
  close(): Promise<void>;
}
