// What an analysis is asked to do: what tells it apart from another one, and what its results are stored under.

import type { BitDepthScaling, FanoSign, JointLine, Method, Sampling } from "../measurement/method.ts";
import type { DarkLevel } from "./dark-level.ts";

export interface AnalysisSettings {
  readonly method: Method;
  /** Line of the methods `joint` and `tracking`, and only there; "fano" when absent, "auto" for each ROI's own. */
  readonly jointLine?: JointLine;
  /** Frames in the mean that `tracking` compares with, and only there. */
  readonly referenceFrames?: number;
  /** Rows each ROI is reduced to before fitting; 0 fits every pixel row, as `joint` and `tracking` always do. */
  readonly subRois: number;
  readonly sampling: Sampling;
  readonly bitDepthScaling: BitDepthScaling;
  /** Bits of the camera's samples in 16-bit pictures, where a person has said so; else the pictures show it. */
  readonly bits?: number;
  /** Of `tracking`, and only there; unknown when absent. */
  readonly darkLevel?: DarkLevel;
  /** The columns of `fano` in the established form. Absent where they are canonical, and for other methods. */
  readonly fanoSign?: "established";
  /** Keep the value of every measured row. */
  readonly debug: boolean;
  /** ROIs follow the chip's movement in the picture. Absent where they do not, so that settings without it stay the same. */
  readonly trackDrift?: true;
}

/** What a method may look at besides the pixels. */
export interface MethodOptions {
  readonly subRois: number;
  readonly jointLine: JointLine;
  readonly referenceFrames: number;
  readonly darkLevel?: DarkLevel | undefined;
  /** Canonical when absent. */
  readonly fanoSign?: FanoSign;
}

/** The part of the settings that depends on the method: what a method does not look at must not tell analyses apart. */
export function methodSettings(
  method: Method,
  { subRois, jointLine, referenceFrames, darkLevel, fanoSign }: MethodOptions,
): Pick<AnalysisSettings, "method" | "subRois" | "jointLine" | "referenceFrames" | "darkLevel" | "fanoSign"> {
  if (method === "fano" && fanoSign === "established") return { method, subRois, fanoSign };
  if (method === "tracking") {
    return { method, jointLine, referenceFrames, subRois: 0, ...(darkLevel === undefined ? {} : { darkLevel }) };
  }
  return method === "joint" ? { method, jointLine, subRois: 0 } : { method, subRois };
}
