// A picture that is one ROI, measured as it is.
import { measure } from "../../src/analysis/kernel.ts";
import type { KernelPicture, KernelTask } from "../../src/analysis/kernel-answer.ts";

/** The kernel's answer for the whole picture, `width` px wide, in the counts that it has. */
export function measureWhole(
  pixels: Uint8Array | Uint16Array,
  width: number,
  task: KernelTask & Pick<KernelPicture, "darkLevel">,
) {
  const height = pixels.length / width;
  return measure({
    pixels,
    width,
    height,
    angleDegrees: 0,
    rois: Float64Array.of(0, 0, height, width, 0),
    subRois: 0,
    sampling: "precise",
    bitDepthScaling: "fixed",
    ...task,
  });
}
