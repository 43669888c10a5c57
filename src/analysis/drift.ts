// Measures how far the chip has moved in the picture since a reference frame. It uses printed marks (labels, ruler marks,
// numbers), never the light of the gratings, whose bands move by themselves.
//
// The reference keeps small patches with edges in both directions, completely outside all ROIs. In a later frame each patch
// is found again: first all together, coarsely, by normalised correlation, then each alone to a few hundredths of a pixel by
// regression on the patch, its two gradients and a constant (Lucas and Kanade 1981, with gain and offset). A rotation and a
// shift are fitted to the patches' displacements; patches that move differently (dust, a drop) lose their weight.
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { Failure } from "../failure/failure.ts";
import type { Picture } from "../image/picture.ts";
import type { Displacement } from "../measurement/displacement.ts";
import type { Sampling } from "../measurement/method.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";
import { medianOf } from "../measurement/statistics.ts";
import { type Found, findPatch } from "./patch.ts";

/** Side of the part of a patch that is compared, px; around it is a border of 1 px for gradients. */
const PATCH_PX = 24;
const SIDE = PATCH_PX + 2;
const MOST_PATCHES = 64;
/** Minimum distance of patches from ROIs, px. */
const CLEARANCE_PX = 2;
/**
 * Minimum ratio of the smaller eigenvalue of a patch's mean squared gradient to the squared noise of a gradient: selects edges,
 * not speckle.
 */
const LEAST_EDGE = 30;
/** With fewer patches, a rotation cannot be fitted if one is an outlier. */
const FEWEST_PATCHES = 4;
/** Range of the search for displacements, px in either direction. */
const REACH_PX = 24;

/** Patches of a reference frame. */
export interface DriftReference {
  readonly width: number;
  readonly height: number;
  /** x, y of the centre of each patch, picture px. */
  readonly places: Int32Array;
  /** [patch][row][column] in the scale of the file, SIDE x SIDE each. */
  readonly pixels: Float32Array;
}

/** Returns the patches of a picture; undefined if there is too little print outside the ROIs. */
export function driftReference(picture: Picture, rois: RoiManifest): DriftReference | undefined {
  const { width, height, pixels } = picture;
  const blocked = roiMask(picture, rois);
  const half = SIDE / 2;
  const candidates: { x: number; y: number; edge: number }[] = [];
  const margin = half + REACH_PX;
  for (let y = margin; y < height - margin; y += PATCH_PX / 2) {
    for (let x = margin; x < width - margin; x += PATCH_PX / 2) {
      if (blocked(x, y, half + CLEARANCE_PX)) continue;
      const edge = edgeStrength(pixels, width, x, y);
      if (edge > LEAST_EDGE) candidates.push({ x, y, edge });
    }
  }
  const chosen = spread(candidates);
  if (chosen.length < FEWEST_PATCHES) return undefined;
  const patches = new Float32Array(chosen.length * SIDE * SIDE);
  chosen.forEach(({ x, y }, patch) => {
    for (let row = 0; row < SIDE; row++) {
      const from = (y - half + row) * width + x - half;
      patches.set(pixels.subarray(from, from + SIDE), (patch * SIDE + row) * SIDE);
    }
  });
  return { width, height, places: Int32Array.from(chosen.flatMap(({ x, y }) => [x, y])), pixels: patches };
}

/** Encodes a reference as compressed bytes: width, height, number of patches, places, pixels (16 bit), little-endian. */
export function encodeDriftReference({ width, height, places, pixels }: DriftReference): Uint8Array {
  const head = Int32Array.of(width, height, places.length / 2, ...places);
  return deflateRawSync(Buffer.concat([Buffer.from(head.buffer), Buffer.from(Uint16Array.from(pixels).buffer)]));
}

/** Decodes the output of encodeDriftReference. */
export function decodeDriftReference(bytes: Uint8Array): DriftReference {
  const plain = Uint8Array.from(inflateRawSync(bytes));
  const [width = 0, height = 0, count = 0] = new Int32Array(plain.buffer, 0, 3);
  const places = new Int32Array(plain.buffer, 12, 2 * count);
  return { width, height, places, pixels: Float32Array.from(new Uint16Array(plain.buffer, 12 + 8 * count)) };
}

/** Returns ROIs and angle moved with the chip: where the content of the reference's ROIs is in this frame. */
export function followChip(
  { rois, imageAngle }: Pick<RoiManifest, "rois" | "imageAngle">,
  displacement: Displacement,
): { readonly rois: readonly Roi[]; readonly imageAngle: number } {
  const angle = imageAngle + displacement.turnDegrees;
  const { x, y } = alignedShift(angle, displacement);
  return { rois: rois.map((roi) => ({ ...roi, x: roi.x + x, y: roi.y + y })), imageAngle: angle };
}

/** Converts a shift in the picture to the picture rotated by -angle, whose coordinates ROIs use; px. */
export function alignedShift(
  angleDegrees: number,
  { dx, dy }: Pick<Displacement, "dx" | "dy">,
): { x: number; y: number } {
  const radians = (angleDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return { x: cos * dx - sin * dy, y: sin * dx + cos * dy };
}

/** Returns the setting as part of AnalysisSettings. Failure `config.invalid` if ROIs are limited to whole pixels. */
export function trackDrift(wanted: boolean, sampling: Sampling): { readonly trackDrift?: true } {
  if (!wanted) return {};
  if (sampling === "precise") return { trackDrift: true };
  throw new Failure("config.invalid", `Data_Analysis.track_drift cannot be combined with sampling ${sampling}`, {
    hint: "use sampling precise, because ROIs that follow the chip are at fractions of pixels",
  });
}

/** Share of an ROI's height or width that the chip may move out of it before results suffer. */
const ROI_MARGIN = 0.1;
/** Share of REACH_PX within which a moving chip is reliably found. */
const FOLLOWED = 0.8;

/**
 * Whether the chip has moved further than its ROIs allow; if the ROIs follow it, whether it is almost out of the search range.
 */
export function hasMovedTooFar(moved: Displacement, { rois, imageAngle }: RoiManifest, follows: boolean): boolean {
  if (follows) return Math.max(Math.abs(moved.dx), Math.abs(moved.dy)) > FOLLOWED * REACH_PX;
  const { x, y } = alignedShift(imageAngle, moved);
  return rois.some(({ width, height }) => Math.abs(x) > ROI_MARGIN * width || Math.abs(y) > ROI_MARGIN * height);
}

/** Returns the movement since the reference; undefined if the patches are not found. */
export function measureDrift(picture: Picture, reference: DriftReference): Displacement | undefined {
  if (picture.width !== reference.width || picture.height !== reference.height) return undefined;
  const start = coarse(picture, reference);
  const found: (Found & { x: number; y: number })[] = [];
  for (let patch = 0; patch * 2 < reference.places.length; patch++) {
    const [x, y] = [reference.places[2 * patch] as number, reference.places[2 * patch + 1] as number];
    const pixels = reference.pixels.subarray(patch * SIDE * SIDE, (patch + 1) * SIDE * SIDE);
    const one = findPatch(picture, pixels, SIDE, x, y, start);
    if (one !== undefined) {
      found.push({ ...one, x: x - Math.floor(picture.width / 2), y: y - Math.floor(picture.height / 2) });
    }
  }
  return found.length < FEWEST_PATCHES ? undefined : fitMovement(found);
}

/** Returns a function that tells whether a square around a point (half side `reach`, px) touches an ROI. */
export function roiMask({ width, height }: Picture, { rois, imageAngle }: RoiManifest) {
  const radians = (imageAngle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const [cx, cy] = [Math.floor(width / 2), Math.floor(height / 2)];
  // Any point of the square, in aligned px, is within this distance of its centre.
  const widen = Math.abs(cos) + Math.abs(sin);
  return (x: number, y: number, reach: number): boolean => {
    const ax = cos * (x - cx) - sin * (y - cy) + cx;
    const ay = sin * (x - cx) + cos * (y - cy) + cy;
    const r = reach * widen;
    return rois.some(
      (roi) => ax + r > roi.x && ax - r < roi.x + roi.width && ay + r > roi.y && ay - r < roi.y + roi.height,
    );
  };
}

/** Returns how well a patch determines its position in both directions, relative to noise. */
function edgeStrength(pixels: Picture["pixels"], width: number, x: number, y: number): number {
  const half = PATCH_PX / 2;
  let [xx, xy, yy] = [0, 0, 0];
  let [low, high] = [Number.POSITIVE_INFINITY, 0];
  for (let row = y - half; row < y + half; row++) {
    for (let at = row * width + x - half; at < row * width + x + half; at++) {
      const gx = ((pixels[at + 1] as number) - (pixels[at - 1] as number)) / 2;
      const gy = ((pixels[at + width] as number) - (pixels[at - width] as number)) / 2;
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
      low = Math.min(low, pixels[at] as number);
      high = Math.max(high, pixels[at] as number);
    }
  }
  const smaller = (xx + yy) / 2 - Math.hypot((xx - yy) / 2, xy);
  // Speckle does not have two levels: at an edge the range is several times the difference of neighbouring pixels.
  return high - low < 0.1 * high ? 0 : smaller / (PATCH_PX * PATCH_PX);
}

/** Returns the strongest candidates in every part of the picture, with at most half overlap. */
function spread(candidates: { x: number; y: number; edge: number }[]): { x: number; y: number }[] {
  const chosen: { x: number; y: number }[] = [];
  for (const one of candidates.sort((a, b) => b.edge - a.edge)) {
    if (chosen.length >= MOST_PATCHES) break;
    if (chosen.every(({ x, y }) => Math.abs(x - one.x) >= PATCH_PX || Math.abs(y - one.y) >= PATCH_PX))
      chosen.push(one);
  }
  return chosen;
}

/** Number of patches for the coarse search, and number of their pixels to compare. */
const SCOUTS = 12;
const RASTER = 3;
/** Steps of the displacement, px: the first is less than half a stroke of a label. */
const COARSE_STEPS = [4, 2, 1] as const;

/** Returns the displacement, accurate to a pixel, at which the strongest patches match best. */
function coarse(picture: Picture, { places, pixels }: DriftReference): { dx: number; dy: number } {
  const scouts = Math.min(SCOUTS, places.length / 2);
  let best = { dx: 0, dy: 0, score: Number.NEGATIVE_INFINITY };
  let reach = REACH_PX;
  for (const step of COARSE_STEPS) {
    const from = best;
    for (let dy = Math.max(from.dy - reach, -REACH_PX); dy <= Math.min(from.dy + reach, REACH_PX); dy += step) {
      for (let dx = Math.max(from.dx - reach, -REACH_PX); dx <= Math.min(from.dx + reach, REACH_PX); dx += step) {
        let score = 0;
        for (let patch = 0; patch < scouts; patch++) score += likeness(picture, places, pixels, patch, dx, dy);
        if (score > best.score) best = { dx, dy, score };
      }
    }
    reach = step;
  }
  return best;
}

function likeness(picture: Picture, places: Int32Array, patches: Float32Array, patch: number, dx: number, dy: number) {
  const { pixels, width } = picture;
  const left = (places[2 * patch] as number) - SIDE / 2 + dx;
  const top = (places[2 * patch + 1] as number) - SIDE / 2 + dy;
  let [n, a, b, aa, ab, bb] = [0, 0, 0, 0, 0, 0];
  for (let row = 1; row < SIDE - 1; row += RASTER) {
    const there = (top + row) * width + left;
    const here = (patch * SIDE + row) * SIDE;
    for (let column = 1; column < SIDE - 1; column += RASTER) {
      const p = pixels[there + column] as number;
      const q = patches[here + column] as number;
      n++;
      a += p;
      b += q;
      aa += p * p;
      ab += p * q;
      bb += q * q;
    }
  }
  return (n * ab - a * b) / Math.sqrt(Math.max((n * aa - a * a) * (n * bb - b * b), 1e-9));
}

const ROUNDS = 10;
const BISQUARE = 4.685;
const MAD_TO_SIGMA = 1.4826;
/** Limit of the accuracy of a displacement because of interpolation, px. */
const FINEST_PX = 0.01;

/** Fits the shift and rotation that most patches agree on: u = dx + t·y, v = dy − t·x, iteratively reweighted. */
export function fitMovement(found: readonly (Found & { x: number; y: number })[]): Displacement | undefined {
  let dx = medianOf(Float64Array.from(found, ({ dx: u }) => u));
  let dy = medianOf(Float64Array.from(found, ({ dy: v }) => v));
  let t = 0;
  let kept = 0;
  let errorPx = Number.NaN;
  for (let round = 0; round < ROUNDS; round++) {
    const off = Float64Array.from(found, (one) => Math.hypot(one.dx - dx - t * one.y, one.dy - dy + t * one.x));
    const scale = BISQUARE * Math.max(MAD_TO_SIGMA * medianOf(off), FINEST_PX);
    const weight = off.map((one) => Math.max(0, 1 - (one / scale) ** 2) ** 2);
    let [w, x, y, u, v] = [0, 0, 0, 0, 0];
    found.forEach((one, i) => {
      const wi = weight[i] as number;
      w += wi;
      x += wi * one.x;
      y += wi * one.y;
      u += wi * one.dx;
      v += wi * one.dy;
    });
    if (w < FEWEST_PATCHES - 1) return undefined;
    let [spreadOf, turn, rest] = [0, 0, 0];
    found.forEach((one, i) => {
      const wi = weight[i] as number;
      const [rx, ry] = [one.x - x / w, one.y - y / w];
      spreadOf += wi * (rx * rx + ry * ry);
      turn += wi * (ry * (one.dx - u / w) - rx * (one.dy - v / w));
      rest += wi * (off[i] as number) ** 2;
    });
    t = spreadOf > 0 ? turn / spreadOf : 0;
    dx = u / w - (t * y) / w;
    dy = v / w + (t * x) / w;
    kept = weight.filter((one) => one > 0).length;
    const variance = rest / Math.max(2 * w - 3, 1);
    errorPx = Math.sqrt(variance * (1 / w + (Math.max(Math.abs(x), Math.abs(y)) / w) ** 2 / Math.max(spreadOf, 1e-9)));
  }
  return { dx, dy, turnDegrees: (t * 180) / Math.PI, errorPx, patches: kept };
}
