// A picture as the analysis sees it: one gray plane, 8 or 16 bit, and the way from colour to gray.

/** Gray pixels, row-major, in the scale of the file: 0 to 255 or 0 to 65535. */
export interface Picture {
  readonly pixels: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
  readonly bitDepth: 8 | 16;
  /** Pages of the file where there are several; `pixels` are those of the first. */
  readonly pages?: number;
}

/** The note about a file whose other pages are left out; undefined where there are none. */
export function otherPages(pages: number | undefined): string | undefined {
  if (pages === undefined || pages < 2) return undefined;
  const others = pages === 2 ? "page 2 is" : `pages 2 to ${pages} are`;
  return `the file has ${pages} pages; phorest measures only the first, ${others} ignored`;
}

// OpenCV 4's integers for 0.299 R + 0.587 G + 0.114 B, scaled by 2^15. They sum to 2^15, so that white stays white.
const RED = 9798;
const GREEN = 19235;
const BLUE = 3735;
const HALF = 1 << 14;

/** Gray of one colour, rounded as OpenCV's cvtColor rounds it; exact for 8- and 16-bit samples. */
export function grayOf(red: number, green: number, blue: number): number {
  return (red * RED + green * GREEN + blue * BLUE + HALF) >>> 15;
}

/** Gray plane of interleaved red, green, blue samples; the result has the type of the input. */
export function grayPlane(samples: Uint8Array | Uint16Array): Uint8Array | Uint16Array {
  const pixels = samples.length / 3;
  const gray = samples instanceof Uint8Array ? new Uint8Array(pixels) : new Uint16Array(pixels);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 3) {
    gray[pixel] = grayOf(samples[at] as number, samples[at + 1] as number, samples[at + 2] as number);
  }
  return gray;
}
