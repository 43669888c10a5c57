// Reads pictures for display. Pictures above a number of pixels are reduced by a power of two, during decoding if the format
// allows it, so that memory does not grow with the picture.
import type { NamedFile } from "../system/confined-file.ts";
import { pngSize } from "./damage.ts";
import { arrayOf, byLibrary, decodeBytes, SHARP_OPTIONS, samplesOf, sizeOf } from "./decode.ts";
import { formatOf } from "./format.ts";
import { headerSize } from "./header-size.ts";
import { refuseDamagedJpeg } from "./jpeg-check.ts";
import { imageLibrary } from "./library.ts";
import { checkSize, type PictureSize, reserveMemory } from "./memory.ts";
import type { Picture } from "./picture.ts";
import { readPicture } from "./read-picture.ts";
import { firstPicture } from "./tiff-picture.ts";
import { type SizeCheck, unpacked } from "./unpack.ts";

export interface ReducedPicture {
  readonly picture: Picture;
  /** Width of the whole picture, px. */
  readonly width: number;
  readonly height: number;
  /** Reduction factor: each pixel represents a square with this side, px. */
  readonly scale: number;
}

/**
 * Returns the picture in a file, reduced to about `mostPixels` pixels. Throws as decodePicture does. Also throws what `check`
 * throws; it gets the size in the header before decoding. `where` names the picture in errors.
 */
export async function decodeReduced(
  file: string | NamedFile,
  where: string,
  mostPixels: number,
  check: SizeCheck = checkSize,
): Promise<ReducedPicture> {
  const bytes = await unpacked((await readPicture(file, where)).bytes, where, check);
  const format = formatOf(bytes);
  if (format === "TIFF") return thinned(await decodeChecked(bytes, where, check), mostPixels);
  if (format === undefined) return thinned(await decodeBytes(bytes, where), mostPixels);
  const header = format === "PNG" ? pngSize(bytes) : undefined;
  const size = header ?? (await byLibrary(bytes, format, where, async (metadata) => sizeOf(metadata, format)));
  check(size, where);
  const scale = scaleOf(size, mostPixels);
  if (scale === 1) return thinned(await decodeBytes(bytes, where), mostPixels);
  const picture = await byLibrary(bytes, format, where, async (metadata) => {
    const { space, depth } = samplesOf(metadata, where);
    const [width, height] = [Math.ceil(size.width / scale), Math.ceil(size.height / scale)];
    const held = size.buffered ? 2 * size.width * size.height * size.channels : 0;
    reserveMemory(bytes.length + held + 8 * width * height * size.bytesPerSample, where);
    if (format === "JPEG") refuseDamagedJpeg(bytes, where);
    const sharp = await imageLibrary();
    const { data } = await sharp(bytes, SHARP_OPTIONS)
      .removeAlpha()
      .resize(width, height, { fit: "fill", kernel: "linear" })
      .toColourspace(space === "rgb16" || space === "grey16" ? "grey16" : "b-w")
      .raw({ depth })
      .toBuffer({ resolveWithObject: true });
    return { pixels: arrayOf(data, depth), width, height, bitDepth: depth === "ushort" ? 16 : 8 } as const;
  });
  return { picture, width: size.width, height: size.height, scale };
}

/** Decodes a TIFF completely: its pixels are stored plainly, or in strips that are unpacked as a whole. */
async function decodeChecked(file: Uint8Array, where: string, check: SizeCheck): Promise<Picture> {
  const { bytes } = await firstPicture(file, where);
  const size = await headerSize(bytes);
  if (size !== undefined) check(size, where);
  return decodeBytes(bytes, where);
}

function scaleOf({ width, height }: Pick<PictureSize, "width" | "height">, mostPixels: number): number {
  let scale = 1;
  while (Math.ceil(width / scale) * Math.ceil(height / scale) > mostPixels) scale *= 2;
  return scale;
}

/** Returns every n-th pixel of a picture in memory. */
function thinned(picture: Picture, mostPixels: number): ReducedPicture {
  const { pixels, width, height, bitDepth } = picture;
  const scale = scaleOf(picture, mostPixels);
  if (scale === 1) return { picture, width, height, scale };
  const [fewer, lower] = [Math.ceil(width / scale), Math.ceil(height / scale)];
  const thin = bitDepth === 8 ? new Uint8Array(fewer * lower) : new Uint16Array(fewer * lower);
  for (let row = 0, at = 0; row < lower; row++) {
    const from = row * scale * width;
    for (let column = 0; column < fewer; column++, at++) thin[at] = pixels[from + column * scale] as number;
  }
  return { picture: { pixels: thin, width: fewer, height: lower, bitDepth }, width, height, scale };
}
