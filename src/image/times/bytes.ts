// Parts of a file, read as they are needed. What is read here is the head of an image, or small pieces spread over it.
import type { FileHandle } from "node:fs/promises";

const BLOCK = 16 * 1024;

/** Reads pieces of an open file; the block that was read last is kept. */
export class FileBytes {
  readonly size: number;
  readonly #handle: FileHandle;
  #block: Buffer = Buffer.alloc(0);
  #blockAt = 0;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  /** Up to `length` bytes from `at`; fewer where the file ends. Errors of the disk pass through. */
  async read(at: number, length: number): Promise<Buffer> {
    if (!(at >= 0) || at >= this.size || length <= 0) return Buffer.alloc(0);
    const end = Math.min(at + length, this.size);
    if (at < this.#blockAt || end > this.#blockAt + this.#block.length) {
      const wanted = Math.min(Math.max(end - at, BLOCK), this.size - at);
      const block = Buffer.allocUnsafeSlow(wanted);
      const { bytesRead } = await this.#handle.read(block, 0, wanted, at);
      this.#block = block.subarray(0, bytesRead);
      this.#blockAt = at;
    }
    return this.#block.subarray(at - this.#blockAt, end - this.#blockAt);
  }
}

/** The same for bytes in memory: an EXIF block. */
export function bytesInMemory(bytes: Buffer): Pick<FileBytes, "size" | "read"> {
  return { size: bytes.length, read: async (at, length) => bytes.subarray(at, at + Math.max(0, length)) };
}

export type ByteSource = Pick<FileBytes, "size" | "read">;
