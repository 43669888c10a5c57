// SHA-256 of a file, read from the medium where that is possible.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { hasCode } from "../failure/error-code.ts";

export const PIECE_BYTES = 1 << 20;

export interface Digest {
  readonly sha256: string;
  readonly bytes: number;
}

export interface DigestOptions {
  /**
   * Read past the page cache (O_DIRECT), so that what is hashed has been on the medium or the server and back. File
   * systems that cannot do that are read plainly: the bytes were flushed and the file is reopened, which makes NFS and
   * SMB ask the server whether their cache still holds, but a local disk may then answer from memory.
   */
  readonly direct?: boolean;
  /** Only this number of bytes from the beginning. */
  readonly bytes?: number;
  readonly signal?: AbortSignal;
  /** Called after each piece. */
  progress?(): void;
}

/** Hashes a file. Throws what the file system throws, and the signal's reason when aborted. */
export async function digestFile(path: string, options: DigestOptions = {}): Promise<Digest> {
  if (options.direct === true) {
    try {
      return await digestOpened(path, constants.O_RDONLY | constants.O_DIRECT, options);
    } catch (error) {
      // The file system, or this one file, cannot be read so.
      if (!hasCode(error, "EINVAL", "ENOTSUP")) throw error;
    }
  }
  return digestOpened(path, constants.O_RDONLY, options);
}

async function digestOpened(path: string, flags: number, { bytes, signal, progress }: DigestOptions): Promise<Digest> {
  const handle = await open(path, flags);
  const buffers = takeBuffers();
  try {
    const hash = createHash("sha256");
    const total = await eachPiece(handle, buffers, bytes ?? Number.POSITIVE_INFINITY, (piece) => {
      signal?.throwIfAborted();
      hash.update(piece);
      progress?.();
    });
    return { sha256: hash.digest("hex"), bytes: total };
  } finally {
    free.push(buffers);
    await handle.close();
  }
}

/** Reads piece by piece; the next piece is on its way while `use` works on the one before. */
async function eachPiece(
  handle: FileHandle,
  [first, second]: Buffers,
  limit: number,
  use: (piece: Uint8Array) => void,
): Promise<number> {
  let total = 0;
  let [buffer, other] = [first, second];
  let coming = handle.read(buffer, 0, PIECE_BYTES, 0);
  for (;;) {
    const { bytesRead } = await coming;
    const wanted = Math.min(bytesRead, limit - total);
    const last = bytesRead < PIECE_BYTES || total + wanted >= limit;
    const position = total + PIECE_BYTES;
    if (!last) coming = handle.read(other, 0, PIECE_BYTES, position);
    try {
      use(buffer.subarray(0, wanted));
    } catch (error) {
      // The buffer of a read under way must not be used by another caller.
      if (!last) await coming;
      throw error;
    }
    total += wanted;
    if (last) return total;
    [buffer, other] = [other, buffer];
  }
}

/** Node's types do not name it. */
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

type Buffers = readonly [Uint8Array, Uint8Array];
const free: Buffers[] = [];

/** O_DIRECT wants buffers that begin on a page; WebAssembly's memory is the one kind in Node that always does. */
function takeBuffers(): Buffers {
  const buffers = free.pop();
  if (buffers !== undefined) return buffers;
  const pages = (2 * PIECE_BYTES) / 65_536;
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return [new Uint8Array(buffer, 0, PIECE_BYTES), new Uint8Array(buffer, PIECE_BYTES, PIECE_BYTES)];
}
