// A picture as the analysis uses it, one gray plane of 8 or 16 bits, and the conversion from colour to gray.

/** Gray pixels, row-major, in the scale of the file: 0 to 255 or 0 to 65535. */
export interface Picture {
  readonly pixels: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
  readonly bitDepth: 8 | 16;
  /** Number of pages, if the file has several; `pixels` belong to the first. */
  readonly pages?: number;
}

/** Returns a note if the file has other pages, which are left out; undefined if it has none. */
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

/** Returns the gray value of a colour, rounded like OpenCV's cvtColor; exact for 8- and 16-bit samples. */
export function grayOf(red: number, green: number, blue: number): number {
  return (red * RED + green * GREEN + blue * BLUE + HALF) >>> 15;
}

/** Converts interleaved red, green, blue samples to a gray plane of the same type. */
export function grayPlane(samples: Uint8Array | Uint16Array): Uint8Array | Uint16Array {
  const pixels = samples.length / 3;
  const gray = samples instanceof Uint8Array ? new Uint8Array(pixels) : new Uint16Array(pixels);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 3) {
    gray[pixel] = grayOf(samples[at] as number, samples[at + 1] as number, samples[at + 2] as number);
  }
  return gray;
}
