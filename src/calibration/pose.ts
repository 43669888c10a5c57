// How a chip is in a picture.
//
//   picture = lens((x, y) + pxPerUm · Rot(angle) · F · chip),   Rot(a) = (cos a, sin a; −sin a, cos a),   F = (1, 0; 0, ±1)
//
// Pixel i of a row reaches from i to i + 1. `mirrored` (F = −1) is a picture taken without the established cameras' flip.
// "Aligned" px are those after rotation by −angle about (width // 2, height // 2), in which ROIs are given.
import type { ChipBox } from "../chip/chip.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Pose {
  /** Rotation of the chip in the picture, with the sign of `image_angle`; -180 to 180. */
  readonly angleDegrees: number;
  readonly pxPerUm: number;
  readonly mirrored: boolean;
  /** Position of the chip's origin in the picture, px. */
  readonly x: number;
  readonly y: number;
  /** Lens distortion, if it is visible. */
  readonly lens?: Lens;
}

/**
 * Distortion by the optics, which a similarity does not describe. With d the position from the picture's centre in units of
 * `radiusPx` (half its diagonal), a point moves by the sum of `amounts` (px) times the values of `bends`: barrel or cushion
 * distortion and its centre, pixels that are not square, axes that are not at right angles, and a tilted chip.
 */
export interface Lens {
  readonly middle: Point;
  readonly radiusPx: number;
  readonly amounts: readonly number[];
}

/** Returns the picture point of a chip point. */
export function toPicture(pose: Pose, chip: Point): Point {
  const ideal = idealPlace(pose, chip);
  const { lens } = pose;
  if (lens === undefined) return ideal;
  return bends(lens, ideal).reduce(
    (at, bend, i) => ({ x: at.x + (lens.amounts[i] ?? 0) * bend.x, y: at.y + (lens.amounts[i] ?? 0) * bend.y }),
    ideal,
  );
}

/** Returns where a perfect lens would show a chip point. */
export function idealPlace(pose: Pose, chip: Point): Point {
  const { x, y } = direction(pose, chip);
  return { x: pose.x + pose.pxPerUm * x, y: pose.y + pose.pxPerUm * y };
}

/**
 * Returns how a point moves for one px of each of a lens's amounts: d·|d|², its centre's x and y, aspect, shear, tilts along x
 * and y.
 */
export function bends({ middle, radiusPx }: Lens, ideal: Point): Point[] {
  const [x, y] = [(ideal.x - middle.x) / radiusPx, (ideal.y - middle.y) / radiusPx];
  const square = x * x + y * y;
  return [
    { x: square * x, y: square * y },
    { x: -2 * x * x - square, y: -2 * x * y },
    { x: -2 * x * y, y: -2 * y * y - square },
    { x: x / 2, y: -y / 2 },
    { x: y / 2, y: x / 2 },
    { x: x * x, y: x * y },
    { x: x * y, y: y * y },
  ];
}

/** Returns the directions of the chip's x and y in the picture at a chip point, px per µm. */
export function localAxes(pose: Pose, chip: Point): { right: Point; down: Point } {
  const step = pose.lens === undefined ? 1 : LOCAL_UM;
  const along = (v: Point): Point => {
    const ahead = toPicture(pose, { x: chip.x + v.x * step, y: chip.y + v.y * step });
    const behind = toPicture(pose, { x: chip.x - v.x * step, y: chip.y - v.y * step });
    return { x: (ahead.x - behind.x) / (2 * step), y: (ahead.y - behind.y) / (2 * step) };
  };
  return { right: along({ x: 1, y: 0 }), down: along({ x: 0, y: 1 }) };
}

/** Half the length over which the axes of a distorted picture are computed, µm. */
const LOCAL_UM = 20;

/** Returns the enlargement of a part of the picture by the lens, averaged over directions; 1 without a lens. */
function enlargement({ lens, ...pose }: Pose, chip: Point): number {
  if (lens === undefined) return 1;
  const { x, y } = minus(idealPlace(pose, chip), lens.middle);
  const [dx, dy] = [x / lens.radiusPx, y / lens.radiusPx];
  const [radial = 0, across = 0, down = 0, , , tiltX = 0, tiltY = 0] = lens.amounts;
  const bent = 2 * radial * (dx * dx + dy * dy) - 4 * (dx * across + dy * down);
  return 1 + (bent + 1.5 * (dx * tiltX + dy * tiltY)) / lens.radiusPx;
}

/** Returns a vector on the chip rotated (and mirrored) as in the picture, not scaled. */
export function direction(pose: Pick<Pose, "angleDegrees" | "mirrored">, chip: Point): Point {
  const radians = (pose.angleDegrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const y = pose.mirrored ? -chip.y : chip.y;
  return { x: cos * chip.x + sin * y, y: cos * y - sin * chip.x };
}

/** Converts a chip box to aligned px, for a picture of this size. */
export function toAligned(
  pose: Pose,
  size: { readonly width: number; readonly height: number },
  box: ChipBox,
): ChipBox {
  const centre = rotationCentre(size);
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const shown = minus(toPicture(pose, middle), centre);
  const aligned = direction({ angleDegrees: -pose.angleDegrees, mirrored: false }, shown);
  const scale = pose.pxPerUm * enlargement(pose, middle);
  const [width, height] = [box.width * scale, box.height * scale];
  return { x: aligned.x + centre.x - width / 2, y: aligned.y + centre.y - height / 2, width, height };
}

/** Returns the picture point that rotation by `angleDegrees` maps to an aligned point. */
export function fromAligned(
  angleDegrees: number,
  size: { readonly width: number; readonly height: number },
  aligned: Point,
): Point {
  const centre = rotationCentre(size);
  const turned = direction({ angleDegrees, mirrored: false }, minus(aligned, centre));
  return { x: turned.x + centre.x, y: turned.y + centre.y };
}

/** Centre of the rotation: that of pixel (width // 2, height // 2). */
function rotationCentre({ width, height }: { readonly width: number; readonly height: number }): Point {
  return { x: Math.floor(width / 2) + 0.5, y: Math.floor(height / 2) + 0.5 };
}

export function minus(a: Point, b: Point): Point {
  return { x: a.x - b.x, y: a.y - b.y };
}

/** Returns the same direction within -180 (excluded) to 180 degrees. */
export function wrapDegrees(degrees: number): number {
  const wrapped = ((degrees % 360) + 360) % 360;
  return wrapped > 180 ? wrapped - 360 : wrapped;
}
