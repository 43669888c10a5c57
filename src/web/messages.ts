// Messages between the supervisor's thread and the page's: plain data only. The page reads the database by itself; to change
// something it asks the supervisor, which alone writes the manifest.
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
  /** By "Section.key": where the value came from, in words. */
  readonly origins: Readonly<Record<string, string>>;
  readonly token: string;
  readonly manifestFile: string;
}

/** What a person may change from the page. */
export type Change =
  | ExperimentChange
  /** One is taken as soon as no capture is in its way. */
  | { readonly type: "take-brightfield" };

/** Supervisor to page. */
export type ToWeb =
  | { readonly type: "open"; readonly settings: WebSettings }
  /** Something is new; look. `nextCaptureMs`: wall clock, undefined while none is planned. */
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

/** Settings and jobs of the calibrator's thread, in the process that decodes pictures, during a calibration. */
export interface CalibratorSettings {
  /** Directory of the four files of a calibration, and the ROI manifest's name in it. */
  readonly directory: string;
  readonly manifestName: string;
  /** Pictures of labels of an existing installation. */
  readonly labelPictures: string | undefined;
}

export type CalibratorJob =
  /** `name` is that of the picture for people. Without anchors everything is found by itself. */
  | {
      readonly type: "find";
      /** Its pixels are in memory that threads share. */
      readonly picture: Picture;
      readonly name: string;
      /** Undefined: whichever it is. */
      readonly chip: string | undefined;
      readonly anchors: readonly Anchor[];
    }
  /** Writes what was found last. */
  | { readonly type: "write" };

export type CalibratorAnswer =
  | { readonly type: "found"; readonly found: CalibrationFound }
  | { readonly type: "doubt"; readonly reason: string }
  | { readonly type: "written"; readonly files: readonly string[] };
