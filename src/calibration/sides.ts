// Where gratings lie along the chip's x: from their left and right edges, those of several together, because a single one shows
// little light there.
import type { Chip, ChipBox } from "../chip/layout.ts";
import { type Pose, type Sighting, toPicture } from "./pose.ts";
import { gapOf, Profile, profilesOf, STRIP_UM } from "./profiles.ts";
import type { View } from "./view.ts";

/** Gratings below each other that are looked at together, at least and at most. */
const TOGETHER = { least: 2, most: 6 } as const;
/** Samples down a grating. */
const LINES = 24;
/** What the sides of a few gratings count where a label counts 1. */
export const SIDES_WEIGHT = 0.25;

/** How far the gratings in view lie from where the pose puts them, along x, µm; undefined when that is not to be seen. */
export function sidewaysOffset(view: View, chip: Chip, pose: Pose, reachUm: number): number | undefined {
  const gratings = withSidesInView(view, chip, pose, reachUm);
  return gratings.length < TOGETHER.least ? undefined : offsetOf(view, chip, pose, gratings, reachUm);
}

/** The same of a few gratings below each other at a time, as sightings that count along x. */
export function columnSides(view: View, chip: Chip, pose: Pose, reachUm: number): Sighting[] {
  const columns = new Map<number, ChipBox[]>();
  for (const one of withSidesInView(view, chip, pose, reachUm)) {
    const column = columns.get(one.x);
    if (column === undefined) columns.set(one.x, [one]);
    else column.push(one);
  }
  return [...columns.values()].flatMap((column) => {
    const sorted = column.sort((a, b) => a.y - b.y);
    const groups = Math.ceil(sorted.length / TOGETHER.most);
    return Array.from({ length: groups }, (_, i): Sighting[] => {
      const group = sorted.slice(
        Math.floor((i * sorted.length) / groups),
        Math.floor(((i + 1) * sorted.length) / groups),
      );
      const [first] = group;
      if (first === undefined || group.length < TOGETHER.least) return [];
      const offset = offsetOf(view, chip, pose, group, reachUm);
      if (offset === undefined) return [];
      const y = group.reduce((sum, one) => sum + one.y + one.height / 2, 0) / group.length;
      const at = { x: first.x + first.width / 2, y };
      const picture = toPicture(pose, { x: at.x + offset, y });
      return [
        { name: `sides at ${at.x} ${Math.round(y)}`, chip: at, picture, along: { x: 1, y: 0 }, weight: SIDES_WEIGHT },
      ];
    }).flat();
  });
}

function stripOf(chip: Chip, pose: Pose): number {
  return Math.max(Math.min(STRIP_UM, gapOf(chip).x / 2), 1 / pose.pxPerUm);
}

function withSidesInView(view: View, chip: Chip, pose: Pose, reachUm: number): ChipBox[] {
  const { width, height } = view.picture;
  const margin = stripOf(chip, pose) + reachUm;
  return chip.gratings.filter((one) =>
    [one.x - margin, one.x + one.width + margin].every((x) =>
      [one.y, one.y + one.height].every((y) => {
        const at = toPicture(pose, { x, y });
        return at.x >= 1 && at.y >= 1 && at.x <= width - 1 && at.y <= height - 1;
      }),
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
  const stripUm = stripOf(chip, pose);
  const margin = stripUm + reachUm;
  const step = Math.max(1, 0.6 / pose.pxPerUm);
  const rows = Math.ceil((first.width + 2 * margin) / step);
  // Sampled with the chip's axes exchanged: rows of a patch go along x.
  const profiles = profilesOf(
    view,
    pose,
    gratings,
    { x: -margin, y: 0.05 * first.height },
    { x: step, y: (0.9 * first.height) / LINES },
    LINES,
    rows,
    true,
  );
  const together = new Float64Array(rows);
  for (let k = 0; k < rows; k++) {
    const values = gratings.map((_, i) => profiles[i * rows + k] as number).sort((a, b) => a - b);
    together[k] = values[values.length >> 1] as number;
  }
  const profile = new Profile(together, step);
  const [left, right] = [margin, margin + first.width];
  return profile.brightest((at) => profile.step(left + at, stripUm) - profile.step(right + at, stripUm), reachUm);
}
