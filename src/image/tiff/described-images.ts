// Finds how many images the description of a file's only directory states. ImageJ and tifffile can write the pixels of a whole
// stack after one directory.
import { Failure } from "../../failure/failure.ts";
import { omeImageCount } from "../times/ome.ts";
import { isOme, readOme } from "../times/ome-xml.ts";

export interface DescribedImages {
  readonly writer: "ImageJ" | "tifffile" | "the OME-XML";
  /** Number of images, at least 2. */
  readonly images: number;
  /** Whether the description says that all images follow the directory. OME-XML does not say where they are. */
  readonly areBehind: boolean;
}

/** ImageJ and tifffile state the number of pictures within this many first characters of a description. */
export const SHORT_DESCRIPTION = 4096;
const TIFFFILE = /^\{.*"truncated": true.*\}/;
const SHAPE = /"shape": \[([\d, ]+)\]/;

/**
 * Returns what a description states; undefined if it states no more than one image. `pageSamples`: samples in a page, and in a
 * pixel.
 */
export function describedImages(
  description: string,
  pageSamples: { readonly page: number; readonly pixel: number },
): DescribedImages | undefined {
  const described = imagejImages(description) ?? tifffileImages(description, pageSamples.page);
  const found = described ?? omeImages(description, pageSamples.pixel);
  return found !== undefined && found.images > 1 ? found : undefined;
}

function imagejImages(text: string): DescribedImages | undefined {
  if (!text.startsWith("ImageJ=")) return undefined;
  return { writer: "ImageJ", images: Number(/^images=(\d+)/m.exec(text)?.[1] ?? 1), areBehind: true };
}

/** Reads tifffile's JSON, which says that it wrote one directory for all images. */
function tifffileImages(text: string, pageSamples: number): DescribedImages | undefined {
  const [, shape] = (TIFFFILE.test(text) ? SHAPE.exec(text) : null) ?? [];
  if (shape === undefined) return undefined;
  const samples = shape.split(",").reduce((product, side) => product * Number(side), 1);
  const images = samples / pageSamples;
  return Number.isInteger(images) ? { writer: "tifffile", images, areBehind: true } : undefined;
}

function omeImages(text: string, samples: number): DescribedImages | undefined {
  if (!isOme(text)) return undefined;
  try {
    // The colours of one pixel may be described as channels.
    return { writer: "the OME-XML", images: Math.floor(omeImageCount(readOme(text)) / samples), areBehind: false };
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
