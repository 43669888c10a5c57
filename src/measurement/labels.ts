// What the labels of ROIs say: which ones are meant by a pattern, which two are the halves of one grating, which group
// a grating belongs to. Labels are those of the ROI manifest: `052A_N` is half N of grating 052A.
import type { Roi } from "./roi.ts";

/**
 * Tests labels against patterns: `*` stands for any characters, `?` for one, upper and lower case are the same. Patterns also
 * come from the users of the page: one with many `*`, as a regular expression, would take years.
 */
export function labelMatcher(patterns: readonly string[]): (label: string) => boolean {
  const wanted = patterns.map((pattern) => pattern.toLowerCase());
  return (label) => {
    const text = label.toLowerCase();
    return wanted.some((pattern) => matches(text, pattern));
  };
}

/** Whether the whole text matches: greedy, and back only to the last `*`, so at most the product of both lengths. */
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

/** The grating's label of a half: without its last part. */
export function gratingOf(label: string): string {
  return label.replace(/_[^_]*$/, "");
}

/** The ROIs that a curve is made of: the one of its label, or the halves of the grating of its label. */
export function roisOf<R extends Pick<Roi, "label">>(rois: readonly R[], curve: string): R[] {
  return rois.filter(({ label }) => label === curve || gratingOf(label) === curve);
}

/** Two halves of a grating, as indices in the ROI manifest. */
export interface Pair {
  readonly label: string;
  readonly flipped: number;
  readonly plain: number;
}

/** The gratings of which exactly two ROIs are there, one of them flipped; in the order of the ROI manifest. */
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
 * The groups a label belongs to: those named in `groups` with a pattern that matches; where none are named, the one
 * called by the letters of the grating's label (series A of 052A), if it has any.
 */
export function groupsOf(label: string, groups: Groups): string[] {
  const named = Object.entries(groups);
  if (named.length > 0) return named.filter(([, patterns]) => labelMatcher(patterns)(label)).map(([name]) => name);
  const letters = gratingOf(label).replace(/[^\p{L}]/gu, "");
  return letters === "" ? [] : [letters];
}
