// Interprets the labels of ROIs: which ones match a pattern, which two are the halves of one grating, which group a grating
// belongs to. Labels are those of the ROI manifest: `052A_N` is half N of grating 052A.
import type { Roi } from "./roi.ts";

/**
 * Returns a function that tests labels against patterns: `*` stands for any characters, `?` for one; case is ignored. Patterns
 * also come from users of the page: as a regular expression, one with many `*` would take years.
 */
export function labelMatcher(patterns: readonly string[]): (label: string) => boolean {
  const wanted = patterns.map((pattern) => pattern.toLowerCase());
  return (label) => {
    const text = label.toLowerCase();
    return wanted.some((pattern) => matches(text, pattern));
  };
}

/**
 * Whether the whole text matches. The match is greedy and only backtracks to the last `*`, so it takes at most the product of
 * both lengths.
 */
function matches(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const wanted = pattern[next];
    if (wanted === "*") {
      star = next;
      resume = at;
      next += 1;
    } else if (wanted === "?" || (wanted !== undefined && wanted === text[at])) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      resume += 1;
      at = resume;
      next = star + 1;
    } else return false;
  }
  while (pattern[next] === "*") next += 1;
  return next === pattern.length;
}

/** Returns the label of a half's grating: without its last part. */
export function gratingOf(label: string): string {
  return label.replace(/_[^_]*$/, "");
}

/** Returns the ROIs of a curve: the one with its label, or the halves of the grating with its label. */
export function roisOf<R extends Pick<Roi, "label">>(rois: readonly R[], curve: string): R[] {
  return rois.filter(({ label }) => label === curve || gratingOf(label) === curve);
}

/** Two halves of a grating, as indices in the ROI manifest. */
export interface Pair {
  readonly label: string;
  readonly flipped: number;
  readonly plain: number;
}

/** Returns the gratings with exactly two ROIs, one of them flipped, in the order of the ROI manifest. */
export function pairsOf(rois: readonly Pick<Roi, "label" | "flip">[]): Pair[] {
  const halves = new Map<string, number[]>();
  rois.forEach(({ label }, at) => {
    const grating = gratingOf(label);
    halves.set(grating, [...(halves.get(grating) ?? []), at]);
  });
  return [...halves].flatMap(([label, members]) => {
    const flipped = members.filter((at) => rois[at]?.flip === true);
    const plain = members.filter((at) => rois[at]?.flip === false);
    const [one, other] = [flipped[0], plain[0]];
    return flipped.length === 1 && plain.length === 1 && one !== undefined && other !== undefined
      ? [{ label, flipped: one, plain: other }]
      : [];
  });
}

/** Names of groups and the patterns of their labels. */
export type Groups = Readonly<Record<string, readonly string[]>>;

/**
 * Returns the groups of a label: those in `groups` with a matching pattern. If `groups` is empty, the group is named by the
 * letters of the grating's label (series A of 052A), if it has any.
 */
export function groupsOf(label: string, groups: Groups): string[] {
  const named = Object.entries(groups);
  if (named.length > 0) return named.filter(([, patterns]) => labelMatcher(patterns)(label)).map(([name]) => name);
  const letters = gratingOf(label).replace(/[^\p{L}]/gu, "");
  return letters === "" ? [] : [letters];
}
