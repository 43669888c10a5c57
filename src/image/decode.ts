// Decodes picture files to gray pixels. The bytes decide the file type, not the name. A file that cannot be read completely is
// refused with a one-line message: otherwise a picture with gray bars at its end would be measured like a good one.
import type { Metadata, SharpOptions } from "sharp";
import { Failure } from "../failure/failure.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { decodeBmp, isBmp } from "./bmp.ts";
import { damageOf, type Format, pngSize } from "./damage.ts";
import { notRead } from "./foreign-kinds.ts";
import { formatOf } from "./format.ts";
import { refuseDamagedJpeg } from "./jpeg-check.ts";
import { imageLibrary } from "./library.ts";
import { checkSize, decodingBytes, type PictureSize, reserveMemory } from "./memory.ts";
import { grayPlane, type Picture } from "./picture.ts";
import { decodePlainPng } from "./plain-png.ts";
import { readPicture, shownFile } from "./read-picture.ts";
import type { Reading } from "./tiff/kinds.ts";
import { decodeTiff } from "./tiff-picture.ts";
import { unpacked } from "./unpack.ts";

export type { Picture } from "./picture.ts";

/** Exactly the stored samples: no colour profile, no rotation by EXIF, nothing kept from a damaged file. */
export const SHARP_OPTIONS: SharpOptions = {
  failOn: "error",
  // `checkSize` limits the size instead, in bytes.
  limitInputPixels: false,
  ignoreIcc: true,
  autoOrient: false,
};

/**
 * Reads and decodes a picture: PNG, TIFF, BMP or JPEG, also compressed by gzip. Colour becomes gray as in OpenCV,
 * 16-bit gray stays as stored, alpha is ignored.
 * Throws Failure `frame.missing` or `frame.unreadable`; errors of the disk itself pass through. `where` names the picture
 * in what is wrong with it. A path is the user's own and may be a link; a NamedFile is opened in its directory only, and
 * throws `file.refused` for anything but a regular file.
 */
export async function decodePicture(
  file: string | NamedFile,
  where = shownFile(file),
  { page = typeof file === "string" ? undefined : file.page, reading = "precise" }: DecodeOptions = {},
): Promise<Picture> {
  const { bytes, pages } = await readPicture(file, where, page);
  const picture = await decodeBytes(bytes, where, reading);
  return pages === undefined ? picture : { ...picture, pages };
}

/** Options for reading a picture. */
export interface DecodeOptions {
  /** Number of the picture in a file with several, counted from 0. Default: the one that the NamedFile names. */
  readonly page?: number | undefined;
  /** Which gray values to return where OpenCV and the TIFF standard differ. Default: the standard's. */
  readonly reading?: Reading;
}

/** Decodes a picture from bytes in memory. The pixels may share that memory. `where` names the picture in errors. */
export async function decodeBytes(bytes: Uint8Array, where: string, reading: Reading = "precise"): Promise<Picture> {
  return decodePlain(await unpacked(bytes, where), where, reading);
}

async function decodePlain(bytes: Uint8Array, where: string, reading: Reading): Promise<Picture> {
  // The fast paths copy the file's samples at most once.
  reserveMemory(2 * bytes.length, where);
  if (isBmp(bytes)) return decodeBmp(bytes, where);
  const format = formatOf(bytes);
  const pngHeader = format === "PNG" ? pngSize(bytes) : undefined;
  if (pngHeader !== undefined) allow(pngHeader, 2 * bytes.length, where);
  const plain = format === "PNG" ? decodePlainPng(bytes) : undefined;
  if (plain !== undefined) return plain;
  if (format === undefined) throw notRead(bytes, where);
  const general = (file: Uint8Array) =>
    byLibrary(file, format, where, async (metadata) => {
      allow(sizeOf(metadata, format), file.length, where);
      if (format === "JPEG") refuseDamagedJpeg(file, where);
      return decodeSamples(file, metadata, where);
    });
  return format === "TIFF" ? decodeTiff(bytes, where, reading, general) : general(bytes);
}

/**
 * Runs `work` on a picture that sharp reads. If sharp refuses the picture, throws a Failure that describes the damage in the
 * file.
 */
export async function byLibrary<T>(
  bytes: Uint8Array,
  format: Format,
  where: string,
  work: (metadata: Metadata) => Promise<T>,
): Promise<T> {
  const sharp = await imageLibrary();
  try {
    return await work(await sharp(bytes, SHARP_OPTIONS).metadata());
  } catch (error) {
    // sharp throws plain errors. These types are bugs in this program, or a lack of memory.
    if (error instanceof Failure || error instanceof TypeError || error instanceof RangeError) throw error;
    const reason = damageOf(bytes, format);
    throw new Failure("frame.unreadable", `${where}: the ${format} image is damaged or incomplete: ${reason}`, {
      hint: "the file was not written or copied completely; copy it again",
      cause: error,
    });
  }
}

/** Throws Failure `frame.unreadable` for a picture that is too large, or too large for the available memory. */
function allow(size: PictureSize, fileBytes: number, where: string): void {
  checkSize(size, where);
  reserveMemory(decodingBytes(size, fileBytes), where);
}

/** Returns the picture size that sharp reports. */
export function sizeOf({ width, height, channels, depth, isProgressive }: Metadata, format: Format): PictureSize {
  const bytesPerSample = depth === "uchar" ? 1 : 2;
  // A TIFF may be one compressed strip, which is unpacked as a whole.
  return { width, height, channels, bytesPerSample, buffered: isProgressive === true || format === "TIFF" };
}

/**
 * Returns the colour space and depth in which sharp returns the samples as stored. Failure `frame.unreadable` for other kinds
 * of samples.
 */
export function samplesOf(metadata: Metadata, where: string): { space: string; depth: "uchar" | "ushort" } {
  const { depth } = metadata;
  const colour = metadata.space === "srgb" || metadata.space === "rgb16";
  if (!colour && metadata.space !== "b-w" && metadata.space !== "grey16") {
    throw unreadable(where, `unsupported colour space "${metadata.space}"`, "save it as gray or RGB");
  }
  if (depth !== "ushort" && depth !== "uchar") {
    throw unreadable(where, `unsupported sample type "${depth}"`, "save it with 8 or 16 bits per sample");
  }
  const deep = depth === "ushort";
  return { space: colour ? (deep ? "rgb16" : "srgb") : deep ? "grey16" : "b-w", depth };
}

async function decodeSamples(bytes: Uint8Array, metadata: Metadata, where: string): Promise<Picture> {
  const { space, depth } = samplesOf(metadata, where);
  const sharp = await imageLibrary();
  const { data, info } = await sharp(bytes, SHARP_OPTIONS)
    .removeAlpha()
    .toColourspace(space)
    .raw({ depth })
    .toBuffer({ resolveWithObject: true });
  const samples = arrayOf(data, depth);
  const channels = info.channels;
  if (samples.length !== info.width * info.height * channels || (channels !== 1 && channels !== 3)) {
    throw unreadable(where, `${channels} colour channels are not supported`, "save it as gray or RGB");
  }
  const pixels = channels === 3 ? grayPlane(samples) : samples;
  return { pixels, width: info.width, height: info.height, bitDepth: depth === "ushort" ? 16 : 8 };
}

/** Returns a view of the bytes as samples. Copies them only if they are not aligned. */
export function arrayOf(data: Buffer, depth: "uchar" | "ushort"): Uint8Array | Uint16Array {
  if (depth === "uchar") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data.byteOffset % 2 === 0) return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  return new Uint16Array(Uint8Array.from(data).buffer);
}

function unreadable(where: string, what: string, hint: string): Failure {
  return new Failure("frame.unreadable", `${where}: ${what}`, { hint });
}
