// Settings, jobs and answers of the collector's thread. Plain data only.

import type { Place } from "../../archive/directory-identity.ts";
import type { SourceSettings } from "../../cameras/camera.ts";
import type { FrameSettings } from "../../cameras/frame.ts";
import type { SkippedList } from "../../cameras/skipped-list.ts";
import type { FailureData } from "../../failure/failure.ts";
import type { PageChoice } from "../../image/chosen-pages.ts";
import type { TimeSource } from "../../image/times/source.ts";
import type { FurtherPage } from "../../manifest/entries.ts";
import type { Reading } from "../../sensors/reading.ts";
import type { ThermometerSettings } from "../../sensors/thermometer.ts";
import type { SetAsideFile } from "../../system/set-aside.ts";

/** Settings and jobs of the collector's thread. */
export interface CollectorSettings {
  readonly dataDir: string;
  readonly camera: { readonly type: string; readonly id: number; readonly transform: string; readonly format: string };
  readonly source: SourceSettings;
  /** Which pages of multi-page files are taken. */
  readonly pages: PageChoice;
  /** Directory of brightfield images, and the source that takes them. */
  readonly brightfield: { readonly directory: string; readonly source: SourceSettings };
  /** Capture pauses if less space is free, bytes; `minFreeKey` is the setting for this. */
  readonly minFreeBytes: number;
  readonly minFreeKey: string;
  readonly place: Place;
  /** Undefined: no thermometers are read. */
  readonly thermometers: ThermometerSettings | undefined;
  readonly manifestFile: string;
}

/** `dueMs`: the tick of the cadence that this capture belongs to, on the monotonic clock. */
export type CollectorJob =
  | { readonly type: "capture"; readonly dueMs: number }
  | { readonly type: "brightfield" }
  | { readonly type: "open" };

/** An image that is durably in the data directory and waits for its row. */
export interface CollectedFrame {
  readonly capturedAtUs: number;
  /** Source of that time; undefined: the clock at the capture. */
  readonly timeSource: TimeSource | undefined;
  readonly filename: string;
  readonly directory: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly bitDepth: number | undefined;
  readonly settings: FrameSettings;
  readonly warnings: readonly string[];
  readonly readings: readonly Reading[];
  /** Which page of the file, from 0, if it has several; the other chosen pages follow. */
  readonly page?: number;
  readonly furtherPages?: readonly FurtherPage[];
  /** Why parts of the file cannot be used: it is truncated. */
  readonly cutOff?: string | undefined;
  /** The file with the earlier pages, if this file continues it. */
  readonly continues?: string | undefined;
  /** Why nothing of the file can be used, although it may be an image. */
  readonly refused?: FailureData | undefined;
  readonly tookMs: number;
}

/**
 * `frame` null: nothing new, or a brightfield image, which gets no row but is at the path `brightfield`. `more`: another image is
 * known already.
 */
export interface CollectorAnswer {
  readonly frame: CollectedFrame | null;
  readonly more: boolean;
  /** Files that a file source skips now; absent in answers to other jobs than a capture. */
  readonly skipped?: SkippedList;
  /** Files that the source leaves out because only a part was chosen. */
  readonly leftOut?: readonly string[];
  /** Images that could not be taken while others could. */
  readonly setAside?: readonly SetAsideFile[];
  /** Path of the brightfield image, or why there is none: that must not close the camera and the thermometers. */
  readonly brightfield?: string | FailureData;
}
