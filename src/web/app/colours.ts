// Colours of the data: distinguishable for colour-blind people, on light and dark backgrounds.
import type { RoiView } from "../views.ts";

/**
 * Paul Tol's "bright" scheme, darkened where needed: distinguishable for colour-blind people, with a contrast of at least 3:1
 * on both backgrounds.
 */
const CURVES = ["#4477aa", "#ee6677", "#228833", "#b8860b", "#2f9dc0", "#b34285", "#7f7f7f"] as const;

export function curveColour(index: number): string {
  return CURVES[index % CURVES.length] as string;
}

/** Lengths of line and gap, px. Each of them is used with all colours before the next one. */
const DASHES: readonly (readonly number[])[] = [
  [],
  [8, 4],
  [2, 3],
  [10, 3, 2, 3],
  [16, 5],
  [6, 3, 2, 3, 2, 3],
  [4, 6],
  [14, 3, 6, 3],
  [2, 7],
  [18, 3, 2, 3, 2, 3],
];

/** Returns the dashes that distinguish curves of one colour; empty for a solid line. */
export function curveDash(index: number): readonly number[] {
  return DASHES[Math.floor(index / CURVES.length) % DASHES.length] as readonly number[];
}

/** Starts with a different colour than the curves, so that a few curves and temperatures look different. */
export function temperatureColour(index: number): string {
  return curveColour(index + 5);
}

export type Grade = "good" | "fair" | "bad" | "none";
/** `dash`: of its outline. `mark`: a path in a square of 10 by 10 that tells the grade without its colour. */
export const GRADES: Readonly<
  Record<
    Grade,
    { readonly colour: string; readonly words: string; readonly dash: readonly number[]; readonly mark: string }
  >
> = {
  good: { colour: "#1f9e89", words: "quality 0.8 or higher", dash: [], mark: "" },
  fair: { colour: "#e0a526", words: "0.5 to 0.8", dash: [6, 3], mark: "M2 8L8 2" },
  bad: { colour: "#e0523a", words: "below 0.5, or flagged", dash: [2, 2], mark: "M2 2L8 8M2 8L8 2" },
  none: { colour: "#8a8f98", words: "no value", dash: [1, 4], mark: "M2 5H8" },
};

export function gradeOf({ quality, position, flags }: RoiView): Grade {
  if (position === null || quality === null) return "none";
  if (flags.length > 0 || quality < 0.5) return "bad";
  return quality < 0.8 ? "fair" : "good";
}

/** Returns blue for negative, red for positive, pale at 0; `share` from -1 to 1. */
export function divergingColour(share: number): string {
  const s = Math.max(-1, Math.min(1, share));
  const [r, g, b] = s < 0 ? [33, 102, 172] : [178, 24, 43];
  const t = Math.abs(s);
  const mix = (end: number) => Math.round(240 + (end - 240) * t);
  return `rgb(${mix(r)} ${mix(g)} ${mix(b)})`;
}

/** Nine colours of viridis (Smith and van der Walt): the brightness increases with the value, also for colour-blind people. */
const VIRIDIS = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
] as const;

/** Returns the colour of a value without a sign; `share` from 0 to 1. */
export function sequentialColour(share: number): string {
  const place = Math.max(0, Math.min(1, share)) * (VIRIDIS.length - 1);
  const at = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const mix = (of: 0 | 1 | 2) => {
    const [low, high] = [VIRIDIS[at]?.[of] ?? 0, VIRIDIS[at + 1]?.[of] ?? 0];
    return Math.round(low + (high - low) * (place - at));
  };
  return `rgb(${mix(0)} ${mix(1)} ${mix(2)})`;
}
