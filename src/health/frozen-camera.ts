// Detects a frozen camera: one that returns one image, or a few, again and again. No sensor gives two equal frames, because each
// frame has its own noise; measured positions do not repeat to the last bit either. Uses only the manifest.
import { CAMERA_FACTS, CAMERA_TYPES } from "../config/camera-section.ts";
import type { Config } from "../config/schema.ts";
import type { StageLog } from "../log/logger.ts";
import type { Curve } from "../manifest/frame-curve.ts";
import type { CapturedPicture } from "../manifest/history.ts";
import type { ManifestPart } from "../manifest/manifest.ts";
import { type RecentCurves, recentCurves } from "./recent-curves.ts";

const MAY_REPEAT: ReadonlySet<string> = new Set(CAMERA_TYPES.filter((type) => CAMERA_FACTS[type].mayRepeat));
/** Methods whose positions are whole pixels and so repeat naturally. */
const WHOLE_PIXELS: ReadonlySet<string> = new Set(["max_intensity"]);
/** Number of frames that are searched backwards for the start. */
const MOST_FRAMES = 100;
/** An image can only be equal to another one. */
const FEWEST_FRAMES = 2;

export interface FrozenCamera {
  /** How many of the newest frames repeat each other; more may, beyond those checked. */
  readonly frames: number;
  /** How many different ones are among them: 1 for a camera that stands still, more for one that replays a cycle. */
  readonly different: number;
  readonly what: "pictures" | "positions";
  /** Time of the first of them. */
  readonly since: string;
}

type Measured = CapturedPicture & { readonly curve: Curve };

type Read = ManifestPart<{
  analyses: "all";
  curves: "latest";
  outcomes: "analysisBeside";
  history: "capturedPictures";
}>;

/** Returns what is frozen now; undefined if the newest frame is new, or if the alarm is disabled. */
export function frozenCamera(manifest: Read, { Alarm }: Config, recent?: RecentCurves): FrozenCamera | undefined {
  if (Alarm.frozen_frames === 0) return undefined;
  const needed = Math.max(FEWEST_FRAMES, Alarm.frozen_frames);
  const pictures = manifest.history.capturedPictures(Math.max(MOST_FRAMES, needed));
  const repeats = repeated(pictures, isSamePicture, pictures.length);
  if (repeats.length >= needed) return found("pictures", repeats, isSamePicture);
  const measured = recent ?? recentCurves(manifest, Math.max(MOST_FRAMES, needed));
  if (measured === undefined || WHOLE_PIXELS.has(measured.analysis.method)) return undefined;
  const byId = new Map(pictures.map((picture) => [picture.entryId, picture]));
  const curves = measured.curves.flatMap((curve) => {
    const picture = byId.get(curve.entryId);
    return picture === undefined ? [] : [{ ...picture, curve }];
  });
  const isSame = (one: Measured, other: Measured) => isSameMeasurement(one.curve, other.curve);
  const still = repeated(curves.reverse(), isSame, needed);
  return still.length >= needed ? found("positions", still, isSame) : undefined;
}

/** Formats one line for people. */
export function frozenLine({ frames, different, what, since }: FrozenCamera): string {
  const [one, few] =
    what === "pictures"
      ? ["show exactly the same image", `repeat exactly the same ${different} images`]
      : ["have exactly the same positions", `have only ${different} different sets of positions`];
  const same = different === 1 ? one : few;
  return `the camera is frozen: the last ${frames} frames ${same} (since ${since}). Restart the camera; these frames contain no new measurement`;
}

/** Logs when a camera freezes and when its frames differ again. */
export class FrozenCameraWatch {
  private readonly log: StageLog;
  private frozen: FrozenCamera | undefined;

  constructor(log: StageLog) {
    this.log = log;
  }

  /** Checks the current frames. */
  look(manifest: Read, config: Config): void {
    const now = frozenCamera(manifest, config);
    if (now !== undefined && this.frozen === undefined) this.log.warn(frozenLine(now));
    if (now === undefined && this.frozen !== undefined) this.log.info("the camera delivers new images again");
    this.frozen = now;
  }
}

function found<T extends CapturedPicture>(
  what: FrozenCamera["what"],
  frames: readonly T[],
  isSame: (one: T, other: T) => boolean,
): FrozenCamera {
  const different = frames.filter((frame, at) => !frames.slice(0, at).some((newer) => isSame(newer, frame))).length;
  return { frames: frames.length, different, what, since: frames.at(-1)?.filename ?? "" };
}

/**
 * Returns the first of the frames (newest first), as long as each has a twin at most `reach` places away. Positions are stored in
 * single precision, so those of a few ROIs may agree by chance with one of a hundred frames, but not with a nearby one.
 */
function repeated<T extends CapturedPicture>(
  frames: readonly T[],
  isSame: (one: T, other: T) => boolean,
  reach: number,
): T[] {
  const hasTwin = (frame: T, at: number) =>
    isLive(frame) &&
    frames
      .slice(Math.max(0, at - reach), at + reach + 1)
      .some((other) => other !== frame && isLive(other) && isSame(frame, other));
  const end = frames.findIndex((frame, at) => !hasTwin(frame, at));
  return frames.slice(0, end === -1 ? frames.length : end);
}

const isLive = ({ cameraType }: CapturedPicture): boolean => cameraType !== undefined && !MAY_REPEAT.has(cameraType);

/** Compares the pixels if they are known: files may differ in a time stamp or in their encoding. */
function isSamePicture(a: CapturedPicture, b: CapturedPicture): boolean {
  if (a.pixels !== undefined && b.pixels !== undefined) return a.pixels === b.pixels;
  return a.sha256 !== undefined && a.sha256 === b.sha256;
}

/** Whether there are unflagged positions, and all of them are equal to the last bit. */
function isSameMeasurement(a: Curve, b: Curve): boolean {
  let sound = 0;
  for (let roi = 0; roi < a.position.length; roi += 1) {
    const [one, other] = [a.position[roi], b.position[roi]];
    if (a.flags[roi] !== 0 || b.flags[roi] !== 0 || !Number.isFinite(one)) continue;
    if (one !== other) return false;
    sound += 1;
  }
  return sound > 0;
}
