// Messages between the page and the process that decodes pictures for it: plain data only.

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
  /** Unique for each picture. */
  readonly key: string;
  readonly file: NamedFile;
  readonly where: string;
  /** Bit depth of the camera, if configured. */
  readonly bits?: number;
}

/** The difference of two images. */
export interface DifferenceAnswer {
  readonly png: Uint8Array;
  /** Width of the images, px. */
  readonly width: number;
  readonly height: number;
  /** Factor applied to the second image so that both are equally bright. */
  readonly gain: number;
  /** Difference that gets the strongest colour, counts of the first image. */
  readonly fullScale: number;
  /** Displacement of the second image against the first, px of the images; undefined if nothing in them matches. */
  readonly moved: Displacement | undefined;
}

/** What a single picture shows by itself. */
export type PictureView = Omit<FrameView, "entryId" | "filename" | "capturedAt">;

export type PictureJob =
  /** Decodes the picture. The other jobs do so too if it is not the one in memory. */
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
      /** The displayed name of the picture. */
      readonly name: string;
      readonly chip: string | undefined;
      readonly anchors: readonly Anchor[];
    }
  /** Counts the pictures in the file. */
  | { readonly type: "pages"; readonly picture: PictureFile }
  /** Writes the last result. */
  | { readonly type: "write" };

export interface PictureAnswers {
  readonly view: PictureView;
  /** JPEG; undefined if the picture has no such tile. */
  readonly tile: Uint8Array | undefined;
  /** The mean row of the ROI, 8-bit counts. */
  readonly profile: Float64Array;
  readonly pages: number;
  readonly difference: DifferenceAnswer;
  /** The mean row of the ROI in each picture, in counts of that picture. */
  readonly profiles: Float64Array[];
  readonly find: CalibratorAnswer;
  readonly write: CalibratorAnswer;
}

/** Page to process. The first message is "open". */
export type ToPictures =
  /** `calibrator`: settings for a process that also finds chips. */
  | { readonly type: "open"; readonly calibrator: CalibratorSettings | undefined }
  | { readonly type: "job"; readonly id: number; readonly job: PictureJob };

export type FromPictures =
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string }
  | { readonly type: "done"; readonly id: number; readonly answer: PictureAnswers[keyof PictureAnswers] }
  | { readonly type: "failed"; readonly id: number; readonly failure: FailureData };
