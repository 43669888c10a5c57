// Describes the typical and the maximum distortion of a picture by the optics.
import type { Lens, Pose } from "./pose.ts";

/** Standard deviations of the lens amounts in ordinary optics, as shares of half the picture's diagonal. */
export const ORDINARY = [0.006, 0.0015, 0.0015, 0.002, 0.0015, 0.002, 0.002] as const;
/** Beyond this many standard deviations the cause is not the optics but another chip. */
const BEYOND_OPTICS = 3.5;

/** Returns a lens without distortion for a picture of this size; a fit that starts with it determines the amounts. */
export function noLens({ width, height }: { readonly width: number; readonly height: number }): Lens {
  const radiusPx = Math.hypot(width, height) / 2;
  return { middle: { x: width / 2, y: height / 2 }, radiusPx, amounts: ORDINARY.map(() => 0) };
}

/** Returns the amounts of a lens as multiples of the ordinary ones. */
function sharesOf({ radiusPx, amounts }: Lens): number[] {
  return amounts.map((amount, i) => amount / ((ORDINARY[i] ?? 0) * radiusPx));
}

/** Whether ordinary optics can cause this distortion. */
export function isOrdinary(lens: Lens): boolean {
  return sharesOf(lens).every((share) => Math.abs(share) <= BEYOND_OPTICS);
}

/** Root mean square distortion, as a share of the ordinary one, below which the picture shows none. */
const STRAIGHT = 0.25;

/** Whether the picture shows no measurable distortion: then unmeasurable distortion is unlikely, too. */
export function isStraight({ lens }: Pose): boolean {
  if (lens === undefined) return true;
  const shares = sharesOf(lens);
  return Math.hypot(...shares) < STRAIGHT * Math.sqrt(shares.length);
}
