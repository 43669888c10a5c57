// Decides which of a chip's edges and gaps are measured in a picture, and where the profile across each one is.
import { localAxes, type Point, type Pose, toPicture } from "./pose.ts";
import type { Sighting } from "./sighting.ts";
import type { View } from "./view.ts";

/** Maximum number of upper edges, and of lower ones. */
const MOST_PIECES = 250;

/** Selects some of very many pieces, in pairs of opposite ones. */
export function someOf<T>(wanted: readonly T[]): readonly T[] {
  const every = 2 * Math.ceil(wanted.length / (2 * MOST_PIECES));
  return wanted.length <= 2 * MOST_PIECES ? wanted : wanted.filter((_, i) => i % every < 2);
}

/** Returns the position in the picture of the point `offset` µm from the middle of an edge, across it. */
export function offsetPlace(
  pose: Pose,
  middle: Point,
  lie: "along x" | "along y",
  offset: number,
): Pick<Sighting, "picture" | "along"> {
  const { x, y } = toPicture(pose, middle);
  const { right, down } = localAxes(pose, middle);
  const [across, along] = lie === "along x" ? [down, { x: 0, y: 1 }] : [right, { x: 1, y: 0 }];
  return { picture: { x: x + across.x * offset, y: y + across.y * offset }, along };
}

/** Whether everything within `away` µm of a chip point, to both sides, is in the picture. */
export function isInView(view: View, pose: Pose, middle: Point, away: Point): boolean {
  return [-away.x, away.x].every((x) =>
    [-away.y, away.y].every((y) => view.holds(toPicture(pose, { x: middle.x + x, y: middle.y + y }), 1)),
  );
}
