// Detects a clock that is behind: a machine without a battery-backed clock starts in the past until it gets the time from the
// network. Frames captured until then get earlier times than older frames.

import { capabilitiesOf } from "../cameras/camera.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { durationText } from "../system/duration-text.ts";

/** A smaller difference is an ordinary correction of the clock, µs. */
const TOLERATED_US = 60e6;

export interface ClockFacts {
  /** The wall clock now, microseconds since the epoch. */
  readonly nowUs: number;
  /** The latest capture time of any frame. */
  readonly newestUs: number;
  /** The time of the last captured frame, if it came from this machine's clock; otherwise undefined. */
  readonly lastUs: number | undefined;
}

/** Reads the facts from the manifest; undefined before the first frame. */
export function clockFacts(
  manifest: ManifestPart<{ history: "newestCaptureUs" | "capturedPictures" }>,
  nowUs: number,
): ClockFacts | undefined {
  const newestUs = manifest.history.newestCaptureUs();
  if (newestUs === undefined) return undefined;
  const [last] = manifest.history.capturedPictures(1);
  const ours = last?.cameraType !== undefined && !capabilitiesOf(last.cameraType).files;
  return { nowUs, newestUs, lastUs: ours ? last.capturedAtUs : undefined };
}

/** Returns one line for people if the clock is behind the frames, or was at the last capture; otherwise undefined. */
export function clockBehindLine({ nowUs, newestUs, lastUs }: ClockFacts): string | undefined {
  const newest = isoFromUs(newestUs);
  if (newestUs - nowUs > TOLERATED_US) {
    return `the clock of this computer is ${durationText((newestUs - nowUs) / 1e6)} behind the newest frame (${newest}). Set the clock (timedatectl, or connect the network); frames captured now get wrong times`;
  }
  if (lastUs !== undefined && newestUs - lastUs > TOLERATED_US) {
    return `the last frame is dated ${durationText((newestUs - lastUs) / 1e6)} before an earlier one (${newest}): the clock of this computer was wrong. Check it before the next run; the alarm ends with the first frame that has a later time`;
  }
  return undefined;
}
