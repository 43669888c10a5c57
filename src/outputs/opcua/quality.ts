// Maps fit flags and failed frames to OPC UA status codes (Part 8).
import { FLAGS } from "../../measurement/method.ts";

/** Names of the status codes that phorest's values can have, from best to worst. */
const QUALITIES = [
  "Good",
  "Uncertain",
  "UncertainEngineeringUnitsExceeded",
  "UncertainSensorNotAccurate",
  "UncertainSubNormal",
  "BadNoData",
  "BadOutOfRange",
  "BadSensorFailure",
  "BadConfigurationError",
  "BadDeviceFailure",
] as const;
export type Quality = (typeof QUALITIES)[number];

/**
 * Returns the status of an ROI's value. not_converged: fewer rows than needed could be measured; fallback: another method had to
 * be used (SubNormal). saturated: the camera was at the end of its range; low_contrast: the band hardly stands out;
 * shape_changed: something other than the position has changed (SensorNotAccurate). at_edge: the band leaves the ROI
 * (EngineeringUnitsExceeded). jumped: unlikely, for no reason visible in the image itself (Uncertain).
 */
export function qualityOfFlags(flags: number): Quality {
  if (flags === 0) return "Good";
  if ((flags & (FLAGS.not_converged | FLAGS.fallback)) !== 0) return "UncertainSubNormal";
  if ((flags & (FLAGS.saturated | FLAGS.low_contrast | FLAGS.shape_changed)) !== 0) return "UncertainSensorNotAccurate";
  return (flags & FLAGS.at_edge) !== 0 ? "UncertainEngineeringUnitsExceeded" : "Uncertain";
}

/** Returns the status of every measured value of a failed frame, by the code of its failure. */
export function qualityOfFailure(errorCode: string | undefined): Quality {
  if (errorCode?.startsWith("rois.")) return "BadConfigurationError";
  return errorCode?.startsWith("frame.") || errorCode?.startsWith("camera.") ? "BadSensorFailure" : "BadDeviceFailure";
}

export function worse(one: Quality, other: Quality): Quality {
  return QUALITIES.indexOf(other) > QUALITIES.indexOf(one) ? other : one;
}

export const isBad = (quality: Quality): boolean => quality.startsWith("Bad");
