// Messages between the supervisor's thread and the page's: plain data only. The page reads the database itself. Changes go
// through the supervisor, which alone writes the manifest.
import type { Anchor } from "../calibration/from-anchors.ts";
import type { Config } from "../config/schema.ts";
import type { FailureData } from "../failure/failure.ts";
import type { Picture } from "../image/picture.ts";
import type { LogLevel } from "../log/levels.ts";
import type { ExperimentChange } from "../manifest/experiment-change.ts";
import type { CalibrationFound } from "./calibration-views.ts";
import type { BrightfieldView } from "./views.ts";

export interface WebSettings {
  readonly config: Config;
  /** Origin of each value in words, by "Section.key". */
  readonly origins: Readonly<Record<string, string>>;
  readonly token: string;
  readonly manifestFile: string;
}

/** Changes that a user may make on the page. */
export type Change =
  | ExperimentChange
  /** It is taken as soon as no capture is in progress. */
  | { readonly type: "take-brightfield" };

/** Supervisor to page. */
export type ToWeb =
  | { readonly type: "open"; readonly settings: WebSettings }
  /** Something is new. `nextCaptureMs`: wall clock; undefined if none is planned. */
  | {
      readonly type: "look";
      readonly nextCaptureMs: number | undefined;
      readonly brightfield: BrightfieldView | undefined;
    }
  | { readonly type: "changed"; readonly id: number; readonly failure: FailureData | undefined }
  | { readonly type: "close" };

/** Page to supervisor. */
export type FromWeb =
  | { readonly type: "listening"; readonly address: string }
  | { readonly type: "refused"; readonly failure: FailureData }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string }
  | { readonly type: "change"; readonly id: number; readonly change: Change }
  | { readonly type: "closed" };

/** Settings and jobs of the calibrator's thread, which runs in the process that decodes pictures during a calibration. */
export interface CalibratorSettings {
  /** Directory of the four files of a calibration, and the ROI manifest's name in it. */
  readonly directory: string;
  readonly manifestName: string;
  /** Label pictures of an existing installation. */
  readonly labelPictures: string | undefined;
}

export type CalibratorJob =
  /** `name` is the displayed name of the picture. Without anchors the chip is found automatically. */
  | {
      readonly type: "find";
      /** The pixels are in shared memory. */
      readonly picture: Picture;
      readonly name: string;
      /** Chip type; undefined: any. */
      readonly chip: string | undefined;
      readonly anchors: readonly Anchor[];
    }
  /** Writes the last result. */
  | { readonly type: "write" };

export type CalibratorAnswer =
  | { readonly type: "found"; readonly found: CalibrationFound }
  | { readonly type: "doubt"; readonly reason: string }
  | { readonly type: "written"; readonly files: readonly string[] };
