// Keeps the head of a file in memory. Most metadata is there, and reading each item separately would access the disk each time.
import { type ByteSource, bytesAt } from "../tiff/byte-source.ts";
import { fieldBytes, type Layout, readDirectory, readHeader, TAG, type TiffDirectory } from "../tiff/directory.ts";

const HEAD_BYTES = 4 * 1024;

/** Unused buffers, kept for reuse: allocating one for each of very many files would keep the garbage collector busy. */
const spare: Buffer[] = [];

/** A source with its first bytes in memory. */
export interface HeadSource extends ByteSource {
  readonly head: Buffer;
}

/** Reads the head of a source and calls `use`. The head's memory is reused afterwards. */
export async function withHead<T>(source: ByteSource, use: (source: HeadSource) => Promise<T>): Promise<T> {
  const memory = spare.pop() ?? Buffer.allocUnsafeSlow(HEAD_BYTES);
  try {
    const head = memory.subarray(0, await source.read(memory.subarray(0, Math.min(HEAD_BYTES, source.size)), 0));
    return await use({
      head,
      size: source.size,
      async read(target, at) {
        if (at + target.length > head.length) return source.read(target, at);
        target.set(head.subarray(at, at + target.length));
        return target.length;
      },
    });
  } finally {
    spare.push(memory);
  }
}

/** Returns bytes of a source, without copying if they are in its head. They are valid only while the source is in use. */
export async function pieceOf(source: HeadSource, at: number, length: number): Promise<Buffer> {
  return at + length <= source.head.length ? source.head.subarray(at, at + length) : bytesAt(source, at, length);
}

/** A TIFF directory with everything needed to read its fields. */
export interface OpenDirectory {
  readonly source: ByteSource;
  readonly layout: Layout;
  readonly directory: TiffDirectory;
}

/** Returns the first directory of a TIFF; undefined for other files. */
export async function firstDirectory(source: ByteSource): Promise<OpenDirectory | undefined> {
  const layout = await readHeader(source);
  return layout === undefined ? undefined : directoryAt(source, layout, layout.firstAt);
}

/** Returns the directory at an offset; undefined if there is none. */
export async function directoryAt(source: ByteSource, layout: Layout, at: number): Promise<OpenDirectory | undefined> {
  const directory = await readDirectory(source, layout, at);
  return directory === undefined ? undefined : { source, layout, directory };
}

/** Returns the bytes of a field up to `limit`; undefined if the field is absent. */
export async function bytesOf(open: OpenDirectory, tag: number, limit: number): Promise<Buffer | undefined> {
  const field = open.directory.fields.get(tag);
  return field === undefined ? undefined : fieldBytes(open.source, open.directory, field, limit);
}

/** Returns the text of a field up to its first NUL; undefined if the field is absent. */
export async function textOf(open: OpenDirectory, tag: number, limit: number): Promise<string | undefined> {
  const bytes = await bytesOf(open, tag, limit);
  return bytes === undefined ? undefined : withoutNul(bytes).toString("utf8");
}

/** Returns the bytes before the first NUL. */
export function withoutNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** OME-XML of a hundred thousand planes has about 40 MB. */
const LONGEST_DESCRIPTION = 96 * 1024 * 1024;

/** Returns the description of the first page. */
export const descriptionOf = (open: OpenDirectory): Promise<string | undefined> =>
  textOf(open, TAG.description, LONGEST_DESCRIPTION);

/** Reads an integer of 1, 2, 4 or 8 bytes; NaN beyond the end of the bytes. */
export function numberAt(bytes: Buffer, at: number, size: number, little: boolean): number {
  if (at + size > bytes.length) return Number.NaN;
  if (size === 8) return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
}
