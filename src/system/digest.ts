// Computes the SHA-256 of a file, read from the medium if possible.
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
   * Bypass the page cache (O_DIRECT), so that the hashed bytes come from the medium or the server. File systems that do not
   * support that are read normally: the bytes were flushed and the file is reopened, which makes NFS and SMB ask the server
   * whether their cache is still valid, but a local disk may then answer from memory.
   */
  readonly direct?: boolean;
  /** Hash only this number of bytes from the beginning. */
  readonly bytes?: number;
  readonly signal?: AbortSignal;
  /** Called after each piece. */
  progress?(): void;
}

/** Hashes a file. Throws errors of the file system, and the signal's reason if aborted. */
export async function digestFile(path: string, options: DigestOptions = {}): Promise<Digest> {
  if (options.direct === true) {
    try {
      return await digestOpened(path, constants.O_RDONLY | constants.O_DIRECT, options);
    } catch (error) {
      // The file system, or this file, does not support direct reads.
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

/** Reads in pieces; the next piece is being read while `use` works on the current one. */
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
      // The buffer of an unfinished read must not be used by another caller.
      if (!last) await coming;
      throw error;
    }
    total += wanted;
    if (last) return total;
    [buffer, other] = [other, buffer];
  }
}

/** Node's types do not declare it. */
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

type Buffers = readonly [Uint8Array, Uint8Array];
const free: Buffers[] = [];

/** O_DIRECT requires page-aligned buffers; WebAssembly memory is the only kind in Node that always is. */
function takeBuffers(): Buffers {
  const buffers = free.pop();
  if (buffers !== undefined) return buffers;
  const pages = (2 * PIECE_BYTES) / 65_536;
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return [new Uint8Array(buffer, 0, PIECE_BYTES), new Uint8Array(buffer, PIECE_BYTES, PIECE_BYTES)];
}
