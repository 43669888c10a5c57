// Finds a patch of a reference picture in another picture, to a fraction of a pixel.
import type { Picture } from "../image/picture.ts";
import { solve } from "../measurement/linear.ts";

/** Displacement of a patch, px. */
export interface Found {
  readonly dx: number;
  readonly dy: number;
}

const STEPS = 8;
const ENOUGH_PX = 1e-3;
/** Maximum distance from the start of the search, px; beyond it the patch counts as not found. */
const FURTHEST_PX = 4;
/** Allowed gain: a patch with a much weaker or stronger contrast is something else. */
const GAIN = { least: 0.3, most: 3 } as const;

/**
 * Returns the displacement of the square patch of `side` px (including a border of 1 px) whose centre was at x, y. The search
 * begins at `start`. Each step regresses the picture at the displaced position on {patch, 1, its gradients}; gain and offset
 * are free, so the light may change. undefined if the patch is not found.
 */
export function findPatch(
  picture: Picture,
  patch: Float32Array,
  side: number,
  x: number,
  y: number,
  start: { readonly dx: number; readonly dy: number },
): Found | undefined {
  const inner = side - 2;
  const columns = 5;
  const count = inner * inner;
  const basis = new Float64Array(count * 4);
  for (let row = 0, i = 0; row < inner; row++) {
    for (let column = 0; column < inner; column++, i += 4) {
      const at = (row + 1) * side + column + 1;
      basis[i] = patch[at] as number;
      basis[i + 1] = 1;
      basis[i + 2] = ((patch[at + 1] as number) - (patch[at - 1] as number)) / 2;
      basis[i + 3] = ((patch[at + side] as number) - (patch[at - side] as number)) / 2;
    }
  }
  const gram = new Float64Array(4 * columns);
  for (let i = 0; i < basis.length; i += 4) {
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++) {
        gram[a * columns + b] = (gram[a * columns + b] as number) + (basis[i + a] as number) * (basis[i + b] as number);
      }
    }
  }
  let { dx, dy } = start;
  for (let step = 0; step < STEPS; step++) {
    const system = gram.slice();
    const left = x - side / 2 + 1 + dx;
    const top = y - side / 2 + 1 + dy;
    if (left < 1 || top < 1 || left + inner + 1 >= picture.width || top + inner + 1 >= picture.height) return undefined;
    accumulate(picture, basis, inner, left, top, system);
    const solution = solve([0, 1, 2, 3].map((row) => system.subarray(row * columns, (row + 1) * columns)));
    if (solution === undefined) return undefined;
    const gain = solution[0] as number;
    if (!(gain > GAIN.least && gain < GAIN.most)) return undefined;
    const [ux, uy] = [(solution[2] as number) / gain, (solution[3] as number) / gain];
    dx -= ux;
    dy -= uy;
    if (Math.hypot(dx - start.dx, dy - start.dy) > FURTHEST_PX) return undefined;
    if (Math.hypot(ux, uy) < ENOUGH_PX) return { dx, dy };
  }
  return undefined;
}

/**
 * Adds the right-hand side of the normal equations, basis·picture, for the picture's square at left, top (linearly
 * interpolated).
 */
function accumulate(
  picture: Picture,
  basis: Float64Array,
  inner: number,
  left: number,
  top: number,
  system: Float64Array,
): void {
  const { pixels, width } = picture;
  const [x0, y0] = [Math.floor(left), Math.floor(top)];
  const [fx, fy] = [left - x0, top - y0];
  const [w00, w01, w10, w11] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let row = 0, i = 0; row < inner; row++) {
    let at = (y0 + row) * width + x0;
    for (let column = 0; column < inner; column++, i += 4, at++) {
      const value =
        w00 * (pixels[at] as number) +
        w01 * (pixels[at + 1] as number) +
        w10 * (pixels[at + width] as number) +
        w11 * (pixels[at + width + 1] as number);
      s0 += value * (basis[i] as number);
      s1 += value;
      s2 += value * (basis[i + 2] as number);
      s3 += value * (basis[i + 3] as number);
    }
  }
  [system[4], system[9], system[14], system[19]] = [s0, s1, s2, s3];
}
