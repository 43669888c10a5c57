// A source for the bytes of a picture file: an open file, which is read only as needed, or memory.
import type { FileHandle } from "node:fs/promises";

export interface ByteSource {
  /** Size, bytes. */
  readonly size: number;
  /** Fills `target` with the bytes from `at` on. Returns their number, which is less at the end. */
  read(target: Uint8Array, at: number): Promise<number>;
  /** Returns the bytes without copying. Only sources in memory have it. Returns fewer at the end. */
  piece?(at: number, length: number): Buffer;
}

/** Returns a source for an open file of known size. */
export function sourceOfFile(handle: FileHandle, size: number): ByteSource {
  return {
    size,
    async read(target, at) {
      let have = 0;
      while (have < target.length) {
        const { bytesRead } = await handle.read(target, have, target.length - have, at + have);
        if (bytesRead === 0) break;
        have += bytesRead;
      }
      return have;
    },
  };
}

/** Returns a source for bytes in memory. */
export function sourceOfBytes(bytes: Uint8Array): ByteSource {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const piece = (at: number, length: number) => whole.subarray(Math.min(at, whole.length), at + length);
  return {
    size: bytes.length,
    piece,
    async read(target, at) {
      const found = piece(at, target.length);
      target.set(found);
      return found.length;
    },
  };
}

/** Returns the bytes from `from` on, which may be the source's own memory; fewer than `length` at the end. */
export async function bytesAt(source: ByteSource, from: number, length: number): Promise<Buffer> {
  if (source.piece !== undefined) return source.piece(from, Math.max(0, length));
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, source.size - from)));
  return bytes.subarray(0, await source.read(bytes, from));
}
