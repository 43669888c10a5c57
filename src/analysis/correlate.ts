// The kernel's functions for finding a chip in a picture (native/locate/correlate.h): typed arrays in, typed arrays out.

import type { Picture } from "../image/picture.ts";
import { loadKernel } from "../native/kernel-binding.ts";

/**
 * Floating-point pixels, row-major: a picture or part of it, reduced. Its pixel (0, 0) begins at (left, top) of the picture.
 */
export interface Plane {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
  /** Picture px per pixel of the plane. */
  readonly factor: number;
  readonly left: number;
  readonly top: number;
}

interface Native {
  shrink(
    pixels: Uint8Array | Uint16Array,
    width: number,
    height: number,
    left: number,
    top: number,
    factor: number,
    columns: number,
    rows: number,
  ): Float32Array;
  flatten(values: Float32Array, width: number, height: number, radius: number): Float32Array;
  autocorrelate(values: Float32Array, width: number, height: number, lagX: number, lagY: number): Float32Array;
  samplePatches(
    values: Float32Array,
    width: number,
    height: number,
    frames: Float64Array,
    columns: number,
    rows: number,
  ): Float32Array;
  correlatePatches(
    patches: Float32Array,
    columns: number,
    rows: number,
    pattern: Float32Array,
    width: number,
    height: number,
  ): Float32Array;
}

const native = (): Native => loadKernel() as Native;

/** Returns the means of factor x factor pixels of the part of a picture from (left, top) on, at most columns x rows of them. */
export function shrink(picture: Picture, factor: number, left = 0, top = 0, columns = 65_535, rows = 65_535): Plane {
  const width = Math.min(columns, Math.floor((picture.width - left) / factor));
  const height = Math.min(rows, Math.floor((picture.height - top) / factor));
  const values = native().shrink(picture.pixels, picture.width, picture.height, left, top, factor, width, height);
  return { values, width, height, factor, left, top };
}

/** Returns the plane with evened-out light: see Flattener in native/correlate.h. `radius` in pixels of the plane. */
export function flatten(plane: Plane, radius: number): Plane {
  return { ...plane, values: native().flatten(plane.values, plane.width, plane.height, radius) };
}

/**
 * Returns the autocorrelation, [lagY + 1][2 lagX + 1], where lag x starts at -lagX; 1 at lag 0. Lags in pixels of the plane.
 */
export function autocorrelate({ values, width, height }: Plane, lagX: number, lagY: number): Float32Array {
  return native().autocorrelate(values, width, height, lagX, lagY);
}

/**
 * Returns patches [frame][row][column]. A frame is the x, y of the first sample, and the x, y steps to the next column and to
 * the next row, all in px of the picture. NaN outside the plane.
 */
export function samplePatches(plane: Plane, frames: Float64Array, columns: number, rows: number): Float32Array {
  const { factor, left, top } = plane;
  const scaled = frames.map((value, i) => {
    const part = i % 6;
    return (value - (part === 0 ? left : part === 1 ? top : 0)) / factor;
  });
  return native().samplePatches(plane.values, plane.width, plane.height, scaled, columns, rows);
}

/** Returns Pearson's correlation of a template with every position in every patch, [patch][dy][dx]; NaN outside the picture. */
export function correlatePatches(
  patches: Float32Array,
  columns: number,
  rows: number,
  template: { readonly values: Float32Array; readonly width: number; readonly height: number },
): Float32Array {
  return native().correlatePatches(patches, columns, rows, template.values, template.width, template.height);
}
