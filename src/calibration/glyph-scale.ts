// Checks whether printed labels have the size that the gratings' pitch implies. Gratings whose light ends inside their boxes
// look like those of a chip with a larger pitch. Labels are printed with the same mask and decide which of the two it is.
import type { ChipLabel } from "../chip/chip.ts";
import { coarseStep } from "./identity.ts";
import { type FoundLabel, type LabelPatterns, labelMiddle, searchLabel } from "./label-search.ts";
import type { Pose } from "./pose.ts";
import type { View } from "./view.ts";

/** Maximum number of labels that are read, the largest first, which show most. */
const MOST_READ = 20;
/** Search distance around the position where a label was found, µm. */
const REACH_UM = 12;

/**
 * Returns how much better labels match at their own size than drawn `scale` times as large, summed over all: above 0 their size
 * supports the pose's scale, below 0 one `scale` times as large.
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

/** Returns the label enlarged around its centre. */
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
