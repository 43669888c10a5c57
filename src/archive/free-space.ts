// How much of the disk is kept free, what happens when it fills up, and when that will be.
import type { Config } from "../config/schema.ts";
import type { FrameSizes } from "../manifest/storage.ts";

type Limits = Pick<Config, "Buffer" | "Storage">;

/** `Buffer.min_free_bytes = "auto"` means the larger of these two, but never more than a fifth of a small disk. */
const AUTO_BYTES = 5e9;
const AUTO_SHARE = 0.05;
const AUTO_SHARE_AT_MOST = 0.2;
/** Factor above the pause limit, so that the ring buffer makes room before capture pauses. */
const ABOVE_PAUSE = 1.25;

/**
 * Returns the free space, bytes, below which the ring buffer removes images or (depending on `Buffer.when_full`) capture pauses;
 * 0: never.
 */
export function keptFreeBytes({ Buffer, Storage }: Limits, diskBytes: number): number {
  if (Buffer.min_free_bytes !== "auto") return Buffer.min_free_bytes;
  const wanted = Math.min(Math.max(AUTO_BYTES, AUTO_SHARE * diskBytes), AUTO_SHARE_AT_MOST * diskBytes);
  return Math.max(wanted, ABOVE_PAUSE * Storage.min_free_bytes);
}

/** Returns the free space, bytes, below which capture pauses, and the setting that determines it. */
export function pauseBelow(limits: Limits, diskBytes: number): { minFreeBytes: number; minFreeKey: string } {
  const { Buffer, Storage } = limits;
  const kept = Buffer.when_full === "pause" ? keptFreeBytes(limits, diskBytes) : 0;
  return kept > Storage.min_free_bytes
    ? { minFreeBytes: kept, minFreeKey: "Buffer.min_free_bytes" }
    : { minFreeBytes: Storage.min_free_bytes, minFreeKey: "Storage.min_free_bytes" };
}

/** How fast an experiment fills its disk. */
export interface Growth {
  readonly bytesPerSecond: number;
  /** How much it can add until the limits of [Buffer] on number and size stop it; infinite without such limits. */
  readonly mostBytes: number;
}

/** Returns the seconds until only `keptFree` bytes are free; undefined if that never happens, 0 if it has happened. */
export function secondsUntilFull(freeBytes: number, keptFree: number, growth: Growth | undefined): number | undefined {
  const room = freeBytes - keptFree;
  if (room <= 0) return 0;
  if (growth === undefined || growth.bytesPerSecond <= 0 || growth.mostBytes <= room) return undefined;
  return room / growth.bytesPerSecond;
}

/** Estimates the growth of a run from the sizes of its last frames. */
export function growthOf(
  { Buffer, Services, Sync }: Pick<Config, "Buffer" | "Services" | "Sync">,
  last: FrameSizes | undefined,
  here: { readonly images: number; readonly bytes: number },
): Growth | undefined {
  if (last === undefined) return undefined;
  const moved = Services.enable_remote_sync && !Sync.keep_local;
  const pictureBytes = moved ? 0 : last.pictureBytes;
  const byNumber =
    Buffer.image_buffer_size > 0 ? (Buffer.image_buffer_size - here.images) * last.pictureBytes : Infinity;
  const bySize = Buffer.max_bytes > 0 ? Buffer.max_bytes - here.bytes : Infinity;
  return {
    bytesPerSecond: (pictureBytes + last.rowBytes) * last.framesPerSecond,
    mostBytes: Math.max(0, Math.min(byNumber, bySize)),
  };
}
