// Measures the sharpness of a picture: the width of the light's rise at the edges of printed strokes, which are sharp
// themselves.
import { samplePatches } from "../analysis/correlate.ts";
import { upperMedian } from "../measurement/statistics.ts";
import type { FoundLabel, LabelPatterns } from "./label-search.ts";
import { direction, type Pose, toPicture } from "./pose.ts";
import type { View } from "./view.ts";

/**
 * Returns the median over labels of the ratio of their range of light (5 % to 95 %) to their steepest rise (99 % of the steps
 * between pixels), px; undefined without labels.
 */
export function edgeWidth(
  view: View,
  patterns: LabelPatterns,
  pose: Pose,
  labels: readonly FoundLabel[],
): number | undefined {
  const plane = view.atMost(1);
  const { lens: _, ...straight } = pose;
  const stepUm = 1 / pose.pxPerUm;
  const widths = labels.flatMap(({ label, picture }) => {
    const { middle } = patterns.of(label, label.height / 17);
    const columns = Math.min(400, Math.ceil(2 * middle.x * pose.pxPerUm));
    const rows = Math.min(400, Math.ceil(2 * middle.y * pose.pxPerUm));
    const start = toPicture(
      { ...straight, x: picture.x, y: picture.y },
      { x: (-columns / 2) * stepUm, y: (-rows / 2) * stepUm },
    );
    const [right, down] = [direction(pose, { x: 1, y: 0 }), direction(pose, { x: 0, y: 1 })];
    const patch = samplePatches(
      plane,
      Float64Array.of(start.x, start.y, right.x, right.y, down.x, down.y),
      columns,
      rows,
    );
    const values = patch.filter(Number.isFinite).sort();
    const steps = new Float32Array(patch.length);
    for (let i = 1; i < patch.length; i++) steps[i] = Math.abs((patch[i] as number) - (patch[i - 1] as number));
    const rises = steps.filter(Number.isFinite).sort();
    const at = (sorted: Float32Array, share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    const rise = at(rises, 0.99);
    return rise > 0 ? [(at(values, 0.95) - at(values, 0.05)) / rise] : [];
  });
  return upperMedian(widths);
}
