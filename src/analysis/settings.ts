// The settings of an analysis, which distinguish it from others and identify its stored results.

import type { BitDepthScaling, FanoSign, JointLine, Method, Sampling } from "../measurement/method.ts";
import type { DarkLevel } from "./dark-level.ts";

export interface AnalysisSettings {
  readonly method: Method;
  /** Line shape, only for the methods `joint` and `tracking`; "fano" if absent, "auto" for each ROI's own. */
  readonly jointLine?: JointLine;
  /** Number of frames in the reference of `tracking`; only for that method. */
  readonly referenceFrames?: number;
  /** Number of rows that each ROI is reduced to before fitting; 0 fits every pixel row, as `joint` and `tracking` always do. */
  readonly subRois: number;
  readonly sampling: Sampling;
  readonly bitDepthScaling: BitDepthScaling;
  /** Bit depth of the camera in 16-bit pictures, if configured; otherwise the pictures show it. */
  readonly bits?: number;
  /** Dark level, only for `tracking`; unknown if absent. */
  readonly darkLevel?: DarkLevel;
  /** Reports the columns of `fano` in the established form. Absent if they are canonical, and for other methods. */
  readonly fanoSign?: "established";
  /** Keep the value of every measured row. */
  readonly debug: boolean;
  /** ROIs follow the chip's movement in the picture. Absent if they do not, so that settings without it stay the same. */
  readonly trackDrift?: true;
}

/** What a method may use besides the pixels. */
export interface MethodOptions {
  readonly subRois: number;
  readonly jointLine: JointLine;
  readonly referenceFrames: number;
  readonly darkLevel?: DarkLevel | undefined;
  /** Canonical if absent. */
  readonly fanoSign?: FanoSign;
}

/** Returns the settings that matter for a method: those that it does not use must not distinguish analyses. */
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
