// Colours of the data: distinguishable for colour-blind people, on light and dark backgrounds.
import type { RoiView } from "../views.ts";

/** Based on Paul Tol's "bright" and "muted" schemes; contrast of at least 3:1 on both backgrounds. */
const CURVES = [
  "#4477aa",
  "#ee6677",
  "#228833",
  "#b8860b",
  "#2f9dc0",
  "#b34285",
  "#94942f",
  "#cc6677",
  "#3f8f62",
  "#8877cc",
  "#429f90",
  "#d1771f",
  "#5f93c8",
  "#b0623a",
  "#7f7f7f",
  "#dd4499",
] as const;

export function curveColour(index: number): string {
  return CURVES[index % CURVES.length] as string;
}

/** Starts at another colour than the curves, so that a few curves and temperatures differ. */
export function temperatureColour(index: number): string {
  return curveColour(index + 5);
}

export type Grade = "good" | "fair" | "bad" | "none";
export const GRADES: Readonly<Record<Grade, { readonly colour: string; readonly words: string }>> = {
  good: { colour: "#1f9e89", words: "quality 0.8 or higher" },
  fair: { colour: "#e0a526", words: "0.5 to 0.8" },
  bad: { colour: "#e0523a", words: "below 0.5, or flagged" },
  none: { colour: "#8a8f98", words: "no value" },
};

export function gradeOf({ quality, position, flags }: RoiView): Grade {
  if (position === null || quality === null) return "none";
  if (flags.length > 0 || quality < 0.5) return "bad";
  return quality < 0.8 ? "fair" : "good";
}

/** Blue for negative, red for positive, pale at 0; `share` from -1 to 1. */
export function divergingColour(share: number): string {
  const s = Math.max(-1, Math.min(1, share));
  const [r, g, b] = s < 0 ? [33, 102, 172] : [178, 24, 43];
  const t = Math.abs(s);
  const mix = (end: number) => Math.round(240 + (end - 240) * t);
  return `rgb(${mix(r)} ${mix(g)} ${mix(b)})`;
}

/** The page's own colours, for canvases. */
export function theme(name: "--text" | "--quiet" | "--line" | "--ground" | "--accent"): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
