// Measures the ROIs of a picture in the C++ kernel: one typed call, typed arrays in, typed arrays out.
import { decodeDepth, depthBefore, encodeDepth } from "../image/bit-depth.ts";
import { BIT_DEPTH_SCALINGS, JOINT_LINES, METHODS, SAMPLINGS } from "../measurement/method.ts";
import type { KernelAnswer, KernelPicture, KernelRequest, KernelTask } from "./kernel-answer.ts";
import { native } from "./native-kernel.ts";

/**
 * Measures every row of every ROI of one picture, synchronously and without copying the picture. Pixels outside the picture are
 * black. A row that cannot be measured gets a status, never an error. Throws TypeError or RangeError for inconsistent
 * arguments: a wrong number of pixels, an ROI without area, fractional coordinates with `established` sampling.
 */
export function measure(request: KernelRequest): KernelAnswer {
  return measureTogether(request, [request])[0] as KernelAnswer;
}

/**
 * Does the same with several methods, one answer each. The full scale is found, and the ROIs are sampled, only once for all of
 * them.
 */
export function measureTogether(picture: KernelPicture, tasks: readonly KernelTask[]): KernelAnswer[] {
  const { depth = depthBefore(0) } = picture;
  const answers = native().measure(
    picture.pixels,
    picture.width,
    picture.height,
    picture.angleDegrees,
    picture.rois,
    picture.subRois,
    SAMPLINGS.indexOf(picture.sampling),
    BIT_DEPTH_SCALINGS.indexOf(picture.bitDepthScaling),
    tasks.map(({ method, jointLine = "fano", lines, tracking, findsForms = false }) => ({
      method: METHODS.indexOf(method),
      jointLine: JOINT_LINES.indexOf(jointLine),
      ...(lines === undefined ? {} : { lines }),
      ...(findsForms ? { findsForms } : {}),
      ...(tracking === undefined ? {} : { anchors: tracking.anchors, reference: tracking.pixels, grow: tracking.grow }),
    })),
    encodeDepth(depth),
    picture.darkLevel ?? Number.NaN,
  );
  return answers.map((answer) => ({ ...answer, depth: decodeDepth(answer.depth, depth.bits) }));
}
