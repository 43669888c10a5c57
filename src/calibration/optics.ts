// What optics do to a picture: how much a lens bends it, as a rule and at most.
import type { Lens, Pose } from "./pose.ts";

/** Standard deviations of a lens's amounts among ordinary optics, as shares of half the picture's diagonal. */
export const ORDINARY = [0.006, 0.0015, 0.0015, 0.002, 0.0015, 0.002, 0.002] as const;
/** Beyond this many deviations it is not the optics but another chip. */
const BEYOND_OPTICS = 3.5;

/** A lens that does not bend, for a picture of this size: where it is given, a fit tells its amounts. */
export function noLens({ width, height }: { readonly width: number; readonly height: number }): Lens {
  const radiusPx = Math.hypot(width, height) / 2;
  return { middle: { x: width / 2, y: height / 2 }, radiusPx, amounts: ORDINARY.map(() => 0) };
}

/** The amounts of a lens as multiples of what is ordinary. */
function sharesOf({ radiusPx, amounts }: Lens): number[] {
  return amounts.map((amount, i) => amount / ((ORDINARY[i] ?? 0) * radiusPx));
}

/** Whether optics may bend like this. */
export function isOrdinary(lens: Lens): boolean {
  return sharesOf(lens).every((share) => Math.abs(share) <= BEYOND_OPTICS);
}

/** Bent by less than this share of what is ordinary, root mean square, the picture shows no bend. */
const STRAIGHT = 0.25;

/** Whether no measurable distortion of the optics bends the picture: then what cannot be measured hardly will. */
export function isStraight({ lens }: Pose): boolean {
  if (lens === undefined) return true;
  const shares = sharesOf(lens);
  return Math.hypot(...shares) < STRAIGHT * Math.sqrt(shares.length);
}
