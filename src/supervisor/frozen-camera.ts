// A camera that is frozen: it answers, and every answer is the same picture. No sensor gives two equal frames, because each
// frame has its own noise; neither do measured positions repeat to the last bit. Found from the manifest alone.
import type { CameraType, Config } from "../config/schema.ts";
import type { StageLog } from "../log.ts";
import type { CapturedPicture } from "../manifest/inspection.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Curve } from "../manifest/results.ts";
import { type RecentCurves, recentCurves } from "./recent.ts";

/**
 * Sources whose pictures may repeat for good reasons: `dummy` replays a picture, the simulated chip may be set to have no noise,
 * and pictures imported from a directory are whatever somebody put there. A watched folder is fed by another program's camera.
 */
const MAY_REPEAT: ReadonlySet<string> = new Set<CameraType>(["simulated", "dummy", "file_importer"]);
/** Positions in whole pixels repeat by themselves. */
const WHOLE_PIXELS: ReadonlySet<string> = new Set(["max_intensity"]);
/** Frames looked back at to say since when. */
const MOST_FRAMES = 100;
/** A picture can only be equal to another one. */
const FEWEST_FRAMES = 2;

export interface FrozenCamera {
  /** How many of the newest frames are equal; more may be, beyond those looked at. */
  readonly frames: number;
  readonly what: "pictures" | "positions";
  /** The first of them. */
  readonly since: string;
}

type Read = Pick<Manifest, "analyses" | "latestCurves" | "capturedPictures">;

/** What is frozen now; undefined while the newest frames differ, or the alarm is switched off. */
export function frozenCamera(manifest: Read, { Alarm }: Config, recent?: RecentCurves): FrozenCamera | undefined {
  if (Alarm.frozen_frames === 0) return undefined;
  const needed = Math.max(FEWEST_FRAMES, Alarm.frozen_frames);
  const pictures = manifest.capturedPictures(Math.max(MOST_FRAMES, needed));
  const equal = leading(pictures, (picture, newest) => isLive(picture) && isSamePicture(picture, newest));
  if (equal.length >= needed) return found("pictures", equal);
  const measured = recent ?? recentCurves(manifest, Math.max(MOST_FRAMES, needed));
  if (measured === undefined || WHOLE_PIXELS.has(measured.analysis.method)) return undefined;
  const byId = new Map(pictures.map((picture) => [picture.entryId, picture]));
  const curves = measured.curves.flatMap((curve) => {
    const picture = byId.get(curve.entryId);
    return picture === undefined ? [] : [{ ...picture, curve }];
  });
  const still = leading(
    curves.reverse(),
    (one, newest) => isLive(one) && isLive(newest) && isSameMeasurement(one.curve, newest.curve),
  );
  return still.length >= needed ? found("positions", still) : undefined;
}

/** One line for people. */
export function frozenLine({ frames, what, since }: FrozenCamera): string {
  const same = what === "pictures" ? "show the same picture, pixel for pixel" : "gave exactly the same positions";
  return `the camera is frozen: the last ${frames} frames ${same} (since ${since}). Restart the camera: these frames measure nothing new`;
}

/** Logs when a camera freezes and when its frames differ again. */
export class FrozenCameraWatch {
  private readonly log: StageLog;
  private frozen: FrozenCamera | undefined;

  constructor(log: StageLog) {
    this.log = log;
  }

  /** Looks at the frames there are now. */
  look(manifest: Read, config: Config): void {
    const now = frozenCamera(manifest, config);
    if (now !== undefined && this.frozen === undefined) this.log.warn(frozenLine(now));
    if (now === undefined && this.frozen !== undefined) this.log.info("the frames of the camera differ again");
    this.frozen = now;
  }
}

function found(what: FrozenCamera["what"], equal: readonly CapturedPicture[]): FrozenCamera {
  return { frames: equal.length, what, since: equal.at(-1)?.filename ?? "" };
}

/** The first of the items, as far as each is `like` the very first. */
function leading<T>(items: readonly T[], like: (item: T, first: T) => boolean): T[] {
  const [first] = items;
  if (first === undefined) return [];
  const end = items.findIndex((item) => !like(item, first));
  return items.slice(0, end === -1 ? items.length : end);
}

const isLive = ({ cameraType }: CapturedPicture): boolean => cameraType !== undefined && !MAY_REPEAT.has(cameraType);

/** By the pixels where they are known: files may differ in a time stamp or in how they were encoded. */
function isSamePicture(a: CapturedPicture, b: CapturedPicture): boolean {
  if (a.pixels !== undefined && b.pixels !== undefined) return a.pixels === b.pixels;
  return a.sha256 !== undefined && a.sha256 === b.sha256;
}

/** Whether there are sound positions, and all of them are equal to the last bit. */
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
