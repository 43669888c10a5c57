// Detects labels that cannot be read because something far brighter than the chip covers them, such as boxes drawn into a
// picture.
import type { FoundLabel } from "./label-search.ts";
import { direction, type Pose } from "./pose.ts";
import type { View } from "./view.ts";

/** A label at least this similar to its drawing counts as read, even if something covers it. */
const READ = 0.65;
/** Light that exceeds the picture's range by this share of it does not come from the chip. */
const BEYOND = 0.25;
/** Minimum share of a label's box covered by such light. */
const COVERED = 0.08;

/** Whether a label was not read, and a large part of its expected place is brighter than the chip. */
export function isCovered(view: View, pose: Pose, { label, picture: at, likeness }: FoundLabel): boolean {
  if (likeness >= READ) return false;
  const { width, height, pixels } = view.picture;
  // Marks are drawn in white.
  const limit = Math.min(view.brightest(BEYOND), (pixels instanceof Uint8Array ? 255 : 65_535) - 1);
  const [right, down] = [direction(pose, { x: 1, y: 0 }), direction(pose, { x: 0, y: 1 })];
  const [across, along] = [label.width * pose.pxPerUm, label.height * pose.pxPerUm];
  // A drawn box is as large as the label: its lines are on the rim.
  const [columns, rows] = [Math.ceil(across) + 2, Math.ceil(along) + 2];
  let bright = 0;
  for (let row = 0; row <= rows; row++) {
    for (let column = 0; column <= columns; column++) {
      const [u, v] = [column - columns / 2, row - rows / 2];
      const x = Math.floor(at.x + right.x * u + down.x * v);
      const y = Math.floor(at.y + right.y * u + down.y * v);
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      if ((pixels[y * width + x] as number) > limit) bright++;
    }
  }
  return bright > COVERED * columns * rows;
}
