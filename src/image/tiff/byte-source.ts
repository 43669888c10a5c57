// Where the bytes of a picture file are read from: an open file, of which only what is asked for is in memory, or memory.
import type { FileHandle } from "node:fs/promises";

export interface ByteSource {
  /** Bytes that it has. */
  readonly size: number;
  /** Fills `target` with the bytes from `at`; returns how many there were before the end. */
  read(target: Uint8Array, at: number): Promise<number>;
}

/** The bytes of an open file, whose size is known. */
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

/** Bytes in memory. */
export function sourceOfBytes(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    async read(target, at) {
      const found = bytes.subarray(Math.min(at, bytes.length), Math.min(at + target.length, bytes.length));
      target.set(found);
      return found.length;
    },
  };
}

/** The bytes from `from` on; fewer than `length` at the end. */
export async function bytesAt(source: ByteSource, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, source.size - from)));
  return bytes.subarray(0, await source.read(bytes, from));
}
