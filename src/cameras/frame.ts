// The frames that a source returns to the collector, and the interface of every source. Storing a captured frame durably and
// recording it in the database is the collector's task, not the source's.

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
  /** A picture encoded by the camera. */
  readonly encoded?: EncodedPicture;
  /**
   * A complete picture file. It is copied into the data directory unless it is already there; then `sha256` is given only if it
   * still has that content. `keep`: the original must not be changed; otherwise it may be removed once the copy is durable.
   */
  readonly file?: TakenFrom;
  /** Capture time, microseconds since the epoch, UTC; strictly increasing within a source that takes pictures itself. */
  readonly capturedAtUs: number;
  /** Source of that time; absent for this program's clock at capture. */
  readonly timeSource?: TimeSource;
  /** Returns the times of the pages of a file with several pictures; file sources only. */
  readonly timesOf?: (pages: readonly PageInfo[], count?: number) => Promise<FileTimes>;
  /** The same time on the monotonic clock, in ms of `monotonicMs`; absent if another program took the picture. */
  readonly exposedAtMs?: number;
  /** Bit depth of the sensor, if it differs from that of the pixels' type. */
  readonly sensorBits?: number;
  /** Settings that the picture was taken with, as read back from the device, for the manifest. */
  readonly settings: FrameSettings;
  /** Warnings to show; the frame is valid nevertheless. */
  readonly warnings: readonly string[];
}

/** The setting that stores the CRC-32 of a frame's pixels as the camera delivered them. */
export const PIXELS_CHECKSUM = "pixels_crc32";

/** A picture file that another program wrote, by its name in its directory. */
export interface TakenFrom {
  readonly directory: string;
  readonly name: string;
  readonly followLinks: boolean;
  readonly keep: boolean;
  readonly sha256?: string;
  /** Only these pages of a file with several pictures, from 0; absent: all. */
  readonly pages?: readonly number[] | undefined;
  /** The first page that was not taken before; absent: 0. */
  readonly from?: number;
  /** Pages from 0 that have a row already; absent: none. */
  readonly without?: readonly number[] | undefined;
  /** The chosen channel, plane and position; absent: as configured. */
  readonly choice?: PageChoice | undefined;
}

export type FrameSettings = Readonly<Record<string, number | string>>;

/** A camera that was found, for `phorest cameras`. */
export interface Found {
  /** Its name: a device, a path, a program. */
  readonly name: string;
  readonly description: string;
  /** Formats, sizes, ranges of settings: one line each. */
  readonly details: readonly string[];
  /** Lines of the configuration file that select it: first those of [Camera]; a line such as `[V4l2]` begins another section. */
  readonly toml: readonly string[];
}

/**
 * A source of frames. Creating one accesses no device; `close` may be called twice and after a failed `open`. `probe` describes
 * what the source would use and what that supports, without changing it; it does not need `open`. `capture` resolves to null if
 * there is nothing new. It throws Failure camera.unavailable (retry later) while the device or directory is missing, and
 * camera.failed if the device's answer is invalid.
 */
export interface Source {
  probe(): Promise<readonly Found[]>;
  open(): Promise<void>;
  capture(signal: AbortSignal): Promise<CapturedFrame | null>;
  /** After a `capture` without a frame: whether there will be one within a minute; file sources only. */
  isWaiting?(): boolean;
  /** Takes back a frame that could not be stored, so that a later `capture` returns it again; file sources only. */
  giveBack?(frame: CapturedFrame): void;
  /**
   * Sets aside a frame that could not be stored because of a problem with its own file: a later `capture` returns it again;
   * file sources only.
   */
  setAside?(frame: CapturedFrame, reason: string): void;
  /** Pictures that could not be read or stored while others could; file sources only. */
  filesSetAside?(): readonly SetAsideFile[];
  /** One line for each picture that cannot be taken under its present name; file sources only. */
  skipped?(): readonly string[];
  /**
   * What is left out because only a part was chosen, one line for each reason; the numbers in it may grow. File sources only.
   */
  leftOut?(): readonly string[];
  close(): Promise<void>;
}
