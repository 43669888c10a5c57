// What the labels of ROIs say: which ones are meant by a pattern, which two are the halves of one grating, which group
// a grating belongs to. Labels are those of the ROI manifest: `052A_N` is half N of grating 052A.
import type { Roi } from "./roi.ts";

/**
 * Tests labels against patterns: `*` stands for any letters, upper and lower case are the same. Patterns also come from whoever
 * looks at the page: one with many `*`, as a regular expression, would take years.
 */
export function labelMatcher(patterns: readonly string[]): (label: string) => boolean {
  const wanted = patterns.map((pattern) => pattern.toLowerCase().split("*"));
  return (label) => {
    const text = label.toLowerCase();
    return wanted.some((parts) => holdsInOrder(text, parts));
  };
}

/** Whether the text is the parts in their order, with anything between them; the first begins it, the last ends it. */
function holdsInOrder(text: string, parts: readonly string[]): boolean {
  const [first = "", ...others] = parts;
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** The grating's label of a half: without its last part. */
export function gratingOf(label: string): string {
  return label.replace(/_[^_]*$/, "");
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
