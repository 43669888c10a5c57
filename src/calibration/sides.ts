// Finds the position of gratings along the chip's x before it is known to a few micrometres, from the left and right sides of
// all together.
import type { Chip, ChipBox } from "../chip/chip.ts";
import { upperMedian } from "../measurement/statistics.ts";
import { type Pose, toPicture } from "./pose.ts";
import { Profile, profilesOf, sideStrip } from "./profiles.ts";
import type { View } from "./view.ts";

/** Smallest number of gratings that are evaluated together. */
const LEAST = 2;

/**
 * Returns the distance of the gratings in view from their position in the pose, along x, µm; undefined if it cannot be seen.
 */
export function sidewaysOffset(view: View, chip: Chip, pose: Pose, reachUm: number): number | undefined {
  const gratings = withSidesInView(view, chip, pose, reachUm);
  return gratings.length < LEAST ? undefined : offsetOf(view, chip, pose, gratings, reachUm);
}

function withSidesInView(view: View, chip: Chip, pose: Pose, reachUm: number): ChipBox[] {
  const margin = sideStrip(chip, pose) + reachUm;
  return chip.gratings.filter((one) =>
    [one.x - margin, one.x + one.width + margin].every((x) =>
      [one.y, one.y + one.height].every((y) => view.holds(toPicture(pose, { x, y }), 1)),
    ),
  );
}

function offsetOf(
  view: View,
  chip: Chip,
  pose: Pose,
  gratings: readonly ChipBox[],
  reachUm: number,
): number | undefined {
  const [first] = gratings;
  if (first === undefined) return undefined;
  const stripUm = sideStrip(chip, pose);
  const margin = stripUm + reachUm;
  const lines = {
    lie: "along y",
    length: 0.9 * first.height,
    beyond: margin,
    step: Math.max(1, 0.6 / pose.pxPerUm),
  } as const;
  const together = [0, first.width].map((side) => {
    const middles = gratings.map(({ x, y, height }) => ({ x: x + side, y: y + height / 2 }));
    return medianProfile(profilesOf(view, pose, { ...lines, middles }), lines.step);
  });
  const [left, right] = together;
  if (left === undefined || right === undefined) return undefined;
  return left.brightest((at) => left.step(at, stripUm) - right.step(at, stripUm), reachUm);
}

/** Returns the median light of the profiles at each position. */
function medianProfile(profiles: readonly Profile[], step: number): Profile {
  const values = Float64Array.from({ length: profiles[0]?.values.length ?? 0 }, (_, k) => {
    return upperMedian(profiles.map(({ values: own }) => own[k] as number)) as number;
  });
  return new Profile(values, step);
}
