// Provides a picture at the resolutions that the search needs, reduced on demand and cached. The few brightest and darkest
// pixels (scratches, hot pixels) are first limited to the range of all others.
import { type Plane, shrink } from "../analysis/correlate.ts";
import type { Picture } from "../image/picture.ts";
import type { Point } from "./pose.ts";

/**
 * Number of pixels ignored at either end of the scale, or their share in a small picture. A chip may be a small part of a large
 * picture.
 */
const BEYOND = { pixels: 11_300, share: 0.004 } as const;
/** Minimum length of a reduced picture's shorter side, px. */
const FEWEST_PX = 48;

export class View {
  readonly picture: Picture;
  private readonly planes = new Map<number, Plane>();
  private readonly range: { readonly low: number; readonly high: number };

  constructor(picture: Picture) {
    this.picture = picture;
    this.range = rangeOf(picture);
  }

  /** Whether a point, px, is in the picture and at least `marginPx` from its rim. */
  holds({ x, y }: Point, marginPx = 0): boolean {
    const { width, height } = this.picture;
    return x >= marginPx && y >= marginPx && x <= width - marginPx && y <= height - marginPx;
  }

  /** Returns the light at the upper end of the picture's range, plus this share of the range. */
  brightest(beyond: number): number {
    const { low, high } = this.range;
    return high + beyond * (high - low);
  }

  /** Returns a part of the picture, reduced: see shrink in analysis/correlate.ts. */
  part(factor: number, left = 0, top = 0, columns?: number, rows?: number): Plane {
    const plane = shrink(this.picture, factor, left, top, columns, rows);
    const { values } = plane;
    const { low, high } = this.range;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (value < low) values[i] = low;
      else if (value > high) values[i] = high;
    }
    return plane;
  }

  /** Returns the whole picture with pixels of at most `px` px of the original, or the original if that is less than two. */
  atMost(px: number): Plane {
    const coarsest = Math.max(1, Math.floor(Math.min(this.picture.width, this.picture.height) / FEWEST_PX));
    // Only a few different factors, so that planes are reused.
    const wanted = Math.max(1, Math.min(px, coarsest));
    const factor = wanted >= 4 ? 2 ** Math.floor(Math.log2(wanted)) : Math.floor(wanted);
    let plane = this.planes.get(factor);
    if (plane === undefined) {
      plane = this.part(factor);
      this.planes.set(factor, plane);
    }
    return plane;
  }
}

/** Returns the range of all but the most extreme pixels, from every n-th pixel. */
function rangeOf({ pixels }: Picture): { low: number; high: number } {
  const every = Math.max(1, Math.floor(pixels.length / 60_000));
  const counts = new Uint32Array(pixels instanceof Uint8Array ? 256 : 65536);
  let total = 0;
  for (let i = 0; i < pixels.length; i += every) {
    const value = pixels[i] as number;
    counts[value] = (counts[value] as number) + 1;
    total++;
  }
  const at = (share: number): number => {
    let below = 0;
    return counts.findIndex((count) => {
      below += count;
      return below > share * (total - 1);
    });
  };
  const beyond = Math.min(BEYOND.share, BEYOND.pixels / pixels.length);
  return { low: at(beyond), high: at(1 - beyond) };
}
