// What crosses between the page and the process that decodes pictures for it: plain data only.

import type { Anchor } from "../calibration/from-anchors.ts";
import type { FailureData } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import type { Displacement } from "../measurement/displacement.ts";
import type { Roi } from "../measurement/roi.ts";
import type { NamedFile } from "../system/confined-file.ts";
import type { CalibratorAnswer, CalibratorSettings } from "./messages.ts";
import type { FrameView } from "./picture-views.ts";

/** A picture on the disk. `where` names it in errors. */
export interface PictureFile {
  /** Two pictures never have the same. */
  readonly key: string;
  readonly file: NamedFile;
  readonly where: string;
  /** Of the camera's samples, where that is configured. */
  readonly bits?: number;
}

/** The difference of two images. */
export interface DifferenceAnswer {
  readonly png: Uint8Array;
  /** Of the images, px. */
  readonly width: number;
  readonly height: number;
  /** What the second was multiplied by, so that both are equally bright. */
  readonly gain: number;
  /** The difference of the strongest colour, counts of the first. */
  readonly fullScale: number;
  /** Of the second against the first, px of the images; undefined where nothing in them is alike. */
  readonly moved: Displacement | undefined;
}

/** What can be said of a picture by looking at it alone. */
export type PictureView = Omit<FrameView, "entryId" | "filename" | "capturedAt">;

export type PictureJob =
  /** Decodes the picture, which the other jobs do as well if it is not the one in memory. */
  | { readonly type: "view"; readonly picture: PictureFile }
  | {
      readonly type: "tile";
      readonly picture: PictureFile;
      readonly level: number;
      readonly column: number;
      readonly row: number;
    }
  | { readonly type: "profile"; readonly picture: PictureFile; readonly roi: Roi; readonly imageAngle: number }
  /** Red where the second is brighter, blue where the first is. */
  | { readonly type: "difference"; readonly a: PictureFile; readonly b: PictureFile }
  | {
      readonly type: "profiles";
      readonly pictures: readonly PictureFile[];
      readonly roi: Roi;
      readonly imageAngle: number;
    }
  | {
      readonly type: "find";
      readonly picture: PictureFile;
      /** The picture's name for people. */
      readonly name: string;
      readonly chip: string | undefined;
      readonly anchors: readonly Anchor[];
    }
  /** Counts the pictures in the file. */
  | { readonly type: "pages"; readonly picture: PictureFile }
  /** Writes what was found last. */
  | { readonly type: "write" };

export interface PictureAnswers {
  readonly view: PictureView;
  /** JPEG; undefined where the picture has no such tile. */
  readonly tile: Uint8Array | undefined;
  /** The mean row of the ROI, 8-bit counts. */
  readonly profile: Float64Array;
  readonly pages: number;
  readonly difference: DifferenceAnswer;
  /** The mean row of the ROI in each picture, in its own counts. */
  readonly profiles: Float64Array[];
  readonly find: CalibratorAnswer;
  readonly write: CalibratorAnswer;
}

/** Page to process. The first message is "open". */
export type ToPictures =
  /** `calibrator`: of a process that also finds chips. */
  | { readonly type: "open"; readonly calibrator: CalibratorSettings | undefined }
  | { readonly type: "job"; readonly id: number; readonly job: PictureJob };

export type FromPictures =
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string }
  | { readonly type: "done"; readonly id: number; readonly answer: PictureAnswers[keyof PictureAnswers] }
  | { readonly type: "failed"; readonly id: number; readonly failure: FailureData };
