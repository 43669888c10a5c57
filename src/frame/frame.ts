// What a source hands to the collector, and the small interface every source keeps. Making a captured frame durable
// and giving it its row is the collector's business, not a source's.

import type { Picture } from "../analysis/picture.ts";
import type { SetAsideFile } from "../system/set-aside.ts";

/** A picture file in memory, checked to its end. It is stored byte for byte unless it must be turned first. */
export interface EncodedPicture {
  readonly bytes: Uint8Array;
  /** What the bytes hold, decoded: nothing is stored that could not be measured. */
  readonly picture: Picture;
  /** Ending of the file name, without the dot. */
  readonly extension: string;
}

/** One captured picture: pixels, encoded bytes, or a file that another program wrote; exactly one of the three. */
export interface CapturedFrame {
  /** Pixels still to be transformed, encoded and stored. */
  readonly picture?: Picture;
  /** A picture as the camera encoded it. */
  readonly encoded?: EncodedPicture;
  /**
   * A whole picture file. It is copied into the data directory unless it lies there already, where `sha256` is given only
   * if it still has that content. `keep`: the original stays untouched; else it may be removed once the copy is durable.
   */
  readonly file?: TakenFrom;
  /** Microseconds since the epoch, UTC; strictly rising within one source that takes pictures itself. */
  readonly capturedAtUs: number;
  /** The same moment on the monotonic clock, ms as `monotonicMs` counts them; absent where others took the picture. */
  readonly exposedAtMs?: number;
  /** Bits the sensor gave, where they differ from those of the pixels' type. */
  readonly sensorBits?: number;
  /** What the picture was taken with, as read back from the device, for the manifest. */
  readonly settings: FrameSettings;
  /** Doubts a person should hear about; the frame is good nevertheless. */
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
  /** Takes back a frame that could not be stored, so that a later `capture` hands it out again; sources of files only. */
  giveBack?(frame: CapturedFrame): void;
  /** Sets a frame aside that could not be stored through its own fault: it is handed out again later; sources of files only. */
  setAside?(frame: CapturedFrame, reason: string): void;
  /** Pictures that could not be read or stored while others could; sources of files only. */
  filesSetAside?(): readonly SetAsideFile[];
  /** A line for each picture that is there and cannot be taken under its present name; sources of files only. */
  skipped?(): readonly string[];
  close(): Promise<void>;
}

/**
 * Time stamps of captures: the moment `agoUs` before now in whole microseconds, but never twice the same nor backwards
 * within one process.
 */
export function captureClock(nowUs: () => number): (agoUs?: number) => number {
  let lastUs = Number.NEGATIVE_INFINITY;
  return (agoUs = 0) => {
    lastUs = Math.max(Math.round(nowUs() - agoUs), lastUs + 1);
    return lastUs;
  };
}

/** The monotonic clock in ms. Every thread counts it from the same zero, unlike performance.now(). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** The wall clock, microseconds since the epoch. */
export function wallClockUs(): number {
  return Date.now() * 1000;
}

const NAME = /^image_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_(\d{6})_cam(\d+)\./;

/** The established name of a capture: image_YYYYMMDD_HHMMSS_ffffff_camN.ext, UTC. */
export function captureFileName(capturedAtUs: number, camera: number, extension = "png"): string {
  const [date = "", time = ""] = new Date(Math.floor(capturedAtUs / 1000)).toISOString().slice(0, 19).split("T");
  const micros = String(((capturedAtUs % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, "0");
  return `image_${date.replaceAll("-", "")}_${time.replaceAll(":", "")}_${micros}_cam${camera}.${extension}`;
}

/** The moment in the name of a capture, microseconds since the epoch; undefined for any other name. */
export function captureTimeOf(name: string): number | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0] = match.slice(1).map(Number);
  const us = Date.UTC(year, month - 1, day, hour, minute, second) * 1000 + micros;
  // Date.UTC carries a 13th month or a 61st second over; such a name is not ours.
  return captureFileName(us, 0).startsWith(match[0].slice(0, match[0].indexOf("cam"))) ? us : undefined;
}
