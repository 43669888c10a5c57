// Computes how much the ring buffer has to remove, from counters and the free space alone. The manifest (src/manifest/storage.ts)
// decides which images may be removed, and src/stages/retention/stage.ts removes them.
import { megabytes } from "../system/byte-size.ts";

/** The most that is kept on this machine; 0 means no limit. */
export interface BufferLimits {
  readonly images: number;
  readonly bytes: number;
  /** Space that must stay free on the disk, bytes. */
  readonly freeBytes: number;
}

/** What is stored now. */
export interface LocalStore {
  readonly images: number;
  readonly bytes: number;
  readonly freeBytes: number;
}

/** How far the limits are exceeded; all 0 if they are not. */
export interface Excess {
  readonly images: number;
  readonly bytes: number;
  /** Bytes to free because the disk is nearly full. */
  readonly room: number;
}

/** Returns how far the limits are exceeded. `room` is the part of `bytes` that is due to the disk. */
export function excessOf(store: LocalStore, limits: BufferLimits): Excess {
  const images = limits.images === 0 ? 0 : store.images - limits.images;
  const beyondSize = limits.bytes === 0 ? 0 : store.bytes - limits.bytes;
  const room = Math.max(0, limits.freeBytes - store.freeBytes);
  return { images: Math.max(0, images), bytes: Math.max(0, beyondSize, room), room };
}

/** Whether no limit is exceeded. */
export const isNothing = ({ images, bytes }: Excess): boolean => images === 0 && bytes === 0;

/** Returns the first of `candidates`, in order, that remove the excess, or as much of it as possible. */
export function chooseRemovals<T extends { readonly bytes: number | undefined }>(
  candidates: readonly T[],
  excess: Pick<Excess, "images" | "bytes">,
): T[] {
  let { images, bytes } = excess;
  const chosen: T[] = [];
  for (const candidate of candidates) {
    if (images <= 0 && bytes <= 0) break;
    chosen.push(candidate);
    images -= 1;
    bytes -= candidate.bytes ?? 0;
  }
  return chosen;
}

/** Describes the excess, for a log line and `status`. */
export function excessText({ images, bytes }: Pick<Excess, "images" | "bytes">): string {
  const parts = [
    ...(images > 0 ? [`${images} ${images === 1 ? "image" : "images"}`] : []),
    ...(bytes > 0 ? [megabytes(bytes)] : []),
  ];
  return parts.join(" and ");
}
