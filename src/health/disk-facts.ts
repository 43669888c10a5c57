// The disk of the data directory: its free space, when it will be full, and what happens then.
import { growthOf, keptFreeBytes, secondsUntilFull } from "../archive/free-space.ts";
import { capabilitiesOf } from "../cameras/camera.ts";
import type { Config } from "../config/schema.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import type { DiskSpace } from "../system/disk-space.ts";

export interface DiskFacts extends DiskSpace {
  /** Time until the kept space is used up, at the rate of the last frames; undefined if that never happens. */
  readonly fullInSeconds: number | undefined;
  /** Whether there are enough frames for a forecast. */
  readonly fullIsKnown: boolean;
  /** What happens then; completes a sentence. */
  readonly whenFull: string;
}

/** When the kept space will be used up at the rate of the last frames, and what happens then. */
export interface DiskFull {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Completes a sentence. */
  readonly consequence: string;
}

/** The forecast needs frames that span at least this time. */
const LEAST_SPAN_S = 60;

/** Returns the free space and, during a run, when the kept space will be used up. */
export function diskFacts(config: Config, space: DiskSpace, manifest: Manifest | undefined): DiskFacts {
  const keptFree = keptFreeBytes(config, space.totalBytes);
  const grows = manifest !== undefined && keptFree > 0 && !capabilitiesOf(config.Camera.camera_type).inPlace;
  const counts = manifest?.history.counts();
  const here = { images: counts?.localImages ?? 0, bytes: counts?.localBytes ?? 0 };
  const sizes = grows ? manifest.storage.frameSizes() : undefined;
  const fullInSeconds = grows ? secondsUntilFull(space.freeBytes, keptFree, growthOf(config, sizes, here)) : undefined;
  const known = (sizes?.spanSeconds ?? 0) >= LEAST_SPAN_S;
  return { ...space, fullInSeconds, fullIsKnown: known, whenFull: whenFullText(config) };
}

/** A time further ahead than this is not shown. */
const FORECAST_S = 100 * 86_400;

export function diskFullAt(disk: DiskFacts | undefined, nowUs: number): DiskFull | undefined {
  const { fullInSeconds, whenFull } = disk ?? {};
  if (whenFull === undefined || fullInSeconds === undefined || fullInSeconds > FORECAST_S) return undefined;
  return { at: isoFromUs(nowUs + Math.round(fullInSeconds * 1e6)), consequence: whenFull };
}

/** Describes until when there is room, for people; times are UTC. */
export function diskFullText({ at, consequence }: DiskFull): string {
  return `space for new images until ${at.slice(0, 16).replace("T", " ")} UTC; then ${consequence}`;
}

function whenFullText({ Buffer, Services }: Config): string {
  if (Buffer.when_full === "pause") return "capture pauses";
  return Services.enable_remote_sync
    ? "phorest removes the oldest measured images that have a verified copy on the share"
    : "phorest removes the oldest measured images, which have no other copy";
}
