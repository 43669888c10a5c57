// Computes the autocorrelation of a plane and finds its peaks.
import { autocorrelate, type Plane } from "../analysis/correlate.ts";
import type { Point } from "./pose.ts";

const MOST_PEAKS = 80;
const LEAST_PEAK = 0.03;
/** Minimum lag, px of the plane; shorter ones are speckle and blur. */
export const SHORTEST_LAG = 3;

/** The autocorrelation of a plane with its peaks. Lags in px of the plane. */
export class Lags {
  readonly peaks: Point[];
  private readonly values: Float32Array;
  private readonly lagX: number;
  private readonly lagY: number;

  constructor(plane: Plane) {
    this.lagX = Math.floor(plane.width * 0.7);
    this.lagY = Math.floor(plane.height * 0.7);
    this.values = autocorrelate(plane, this.lagX, this.lagY);
    this.peaks = this.findPeaks();
  }

  holds(lag: Point): boolean {
    return Math.abs(lag.x) < this.lagX - 1 && Math.abs(lag.y) < this.lagY - 1;
  }

  at(lag: Point): number {
    const sign = lag.y < 0 ? -1 : 1;
    const [x, y] = [sign * lag.x, sign * lag.y];
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [x - left, y - top];
    const upper = this.value(left, top) * (1 - fx) + this.value(left + 1, top) * fx;
    const lower = this.value(left, top + 1) * (1 - fx) + this.value(left + 1, top + 1) * fx;
    return upper * (1 - fy) + lower * fy;
  }

  /** Returns the highest point within `reach` of a lag, to a fraction of a pixel; undefined if it is at the rim. */
  peakNear(lag: Point, reach: number): Point | undefined {
    let best: { x: number; y: number; value: number } | undefined;
    for (let y = Math.ceil(lag.y - reach); y <= lag.y + reach; y++) {
      for (let x = Math.ceil(lag.x - reach); x <= lag.x + reach; x++) {
        if (!this.holds({ x, y })) continue;
        const value = this.value(x, y);
        if (best === undefined || value > best.value) best = { x, y, value };
      }
    }
    if (best === undefined || best.value < LEAST_PEAK) return undefined;
    const { x, y } = best;
    if (
      [this.value(x - 1, y), this.value(x + 1, y), this.value(x, y - 1), this.value(x, y + 1)].some(
        (v) => v > this.value(x, y),
      )
    )
      return undefined;
    return this.top(x, y);
  }

  private value(x: number, y: number): number {
    const sign = y < 0 ? -1 : 1;
    return this.values[sign * y * (2 * this.lagX + 1) + sign * x + this.lagX] ?? 0;
  }

  /** Returns the top of the parabolas through a highest pixel and its neighbours. */
  private top(x: number, y: number): Point {
    const here = this.value(x, y);
    return {
      x: x + vertex(this.value(x - 1, y), here, this.value(x + 1, y)),
      y: y + vertex(this.value(x, y - 1), here, this.value(x, y + 1)),
    };
  }

  private findPeaks(): Point[] {
    const found: { x: number; y: number; value: number }[] = [];
    for (let y = 0; y < this.lagY - 1; y++) {
      for (let x = y === 0 ? 1 : 1 - this.lagX; x < this.lagX - 1; x++) {
        const value = this.value(x, y);
        if (value < LEAST_PEAK || x * x + y * y < SHORTEST_LAG ** 2) continue;
        if (value >= this.value(x - 1, y) && value > this.value(x + 1, y) && this.isRidge(x, y, value)) {
          found.push({ x, y, value });
        }
      }
    }
    found.sort((a, b) => b.value - a.value);
    // The strongest, and also the shortest: with few gratings in view the lattice's own peaks are not the strongest.
    const strong = found.slice(0, MOST_PEAKS);
    return strong.map(({ x, y }) => this.top(x, y));
  }

  private isRidge(x: number, y: number, value: number): boolean {
    for (let dx = -1; dx <= 1; dx++) {
      if (value < this.value(x + dx, y - 1) || value < this.value(x + dx, y + 1)) return false;
    }
    return true;
  }
}

/** Returns the offset of a parabola's vertex from the middle one of three samples, within half a step. */
export function vertex(before: number, here: number, after: number): number {
  const bend = before - 2 * here + after;
  return bend < 0 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * bend))) : 0;
}
