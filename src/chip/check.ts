// Finds errors in a layout whose single rules are all valid: ROIs that overwrite each other, labels that cannot be found.
import { Failure } from "../failure/failure.ts";
import type { Chip, ChipBox } from "./chip.ts";
import { glyph } from "./glyphs.ts";

/** Throws Failure chip.invalid, with the reason, for a chip whose gratings or labels cannot be distinguished or drawn. */
export function checkChip({ gratings, labels }: Chip, where: string): void {
  const problem =
    (gratings.length === 0 ? "its rules leave no grating" : undefined) ??
    unfilled([...gratings.map(({ label }) => label), ...labels.flatMap(({ label, text }) => [label, text])]) ??
    repeated("grating", gratings) ??
    repeated("printed label", labels) ??
    undrawn(labels) ??
    overlapping(gratings);
  if (problem !== undefined) throw new Failure("chip.invalid", `${where}: ${problem}`);
}

function unfilled(texts: readonly string[]): string | undefined {
  const hole = texts.map((text) => /\{\w*\}/.exec(text)?.[0]).find((found) => found !== undefined);
  return hole === undefined ? undefined : `unknown placeholder ${hole} in a label`;
}

function repeated(kind: string, boxes: readonly { label: string }[]): string | undefined {
  const seen = new Set<string>();
  const twice = boxes.find(({ label }) => seen.size === seen.add(label).size);
  return twice === undefined ? undefined : `${kind} label "${twice.label}" is used more than once`;
}

function undrawn(labels: readonly { label: string; text: string }[]): string | undefined {
  for (const { label, text } of labels) {
    const strange = [...text].find((character) => glyph(character).length === 0);
    if (strange !== undefined)
      return `label "${label}": no outline of the character "${strange}" in src/chip/glyphs.ts`;
  }
  return undefined;
}

function overlapping(gratings: readonly (ChipBox & { label: string })[]): string | undefined {
  const sorted = [...gratings].sort((a, b) => a.y - b.y);
  for (const [i, a] of sorted.entries()) {
    for (let k = i + 1; k < sorted.length; k++) {
      const b = sorted[k] as (typeof sorted)[number];
      if (b.y >= a.y + a.height) break;
      if (a.x < b.x + b.width && b.x < a.x + a.width)
        return `gratings ${a.label} and ${b.label} overlap; check size and pitch`;
    }
  }
  return undefined;
}
