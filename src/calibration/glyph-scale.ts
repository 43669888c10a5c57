// Whether printed labels are as large as the gratings' pitch says. Gratings whose light ends inside their boxes look like those of
// a chip of a larger pitch; labels are printed with the same mask and tell which of both it is.
import type { ChipLabel } from "../chip/chip.ts";
import { coarseStep } from "./identity.ts";
import { type FoundLabel, type LabelPatterns, labelMiddle, searchLabel } from "./label-search.ts";
import type { Pose } from "./pose.ts";
import type { View } from "./view.ts";

/** Labels read at most; the largest first, which tell most. */
const MOST_READ = 20;
/** A label is looked for within this distance of where it was found, µm. */
const REACH_UM = 12;

/**
 * By how much labels are more like themselves at their own size than drawn `scale` times as large, summed over all: above 0 their size
 * speaks for the pose's scale, below 0 for one `scale` times as large.
 */
export function likenessAtOwnSize(
  view: View,
  patterns: LabelPatterns,
  pose: Pose,
  labels: readonly FoundLabel[],
  scale: number,
): number {
  const read = [...labels].sort((a, b) => b.label.height - a.label.height).slice(0, MOST_READ);
  return read.reduce((sum, { label }) => {
    const step = coarseStep(label, pose);
    const likeness = (one: ChipLabel) => searchLabel(view, patterns, pose, one, REACH_UM, step)?.likeness ?? 0;
    return sum + likeness(label) - likeness(enlarged(label, scale));
  }, 0);
}

/** The label drawn larger, about its middle. */
function enlarged(label: ChipLabel, by: number): ChipLabel {
  const { x, y } = labelMiddle(label);
  const [width, height] = [by * label.width, by * label.height];
  return {
    ...label,
    x: x - width / 2,
    y: y - height / 2,
    width,
    height,
    pitch: by * label.pitch,
    characterWidth: by * label.characterWidth,
  };
}
