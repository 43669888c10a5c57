// Where gratings lie along the chip's x: from their left and right edges, those of several together, because a single one shows
// little light there.
import type { Chip, ChipBox } from "../chip/layout.ts";
import { localAxes, type Pose, toPicture } from "./pose.ts";
import type { Sighting } from "./pose-fit.ts";
import { gapOf, Profile, profilesOf, STRIP_UM } from "./profiles.ts";
import type { View } from "./view.ts";

/** Gratings below each other that are looked at together, at least and at most. */
const TOGETHER = { least: 2, most: 6 } as const;
/** What the sides of a few gratings count where a label counts 1. */
const SIDES_WEIGHT = 0.25;

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
      const [{ right }, there] = [localAxes(pose, at), toPicture(pose, at)];
      const picture = { x: there.x + right.x * offset, y: there.y + right.y * offset };
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
  const margin = stripOf(chip, pose) + reachUm;
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
  const stripUm = stripOf(chip, pose);
  const margin = stripUm + reachUm;
  const lines = {
    lie: "along y",
    length: 0.9 * first.height,
    beyond: margin,
    step: Math.max(1, 0.6 / pose.pxPerUm),
  } as const;
  const together = [0, first.width].map((side) => {
    const middles = gratings.map(({ x, y, height }) => ({ x: x + side, y: y + height / 2 }));
    return medianOf(profilesOf(view, pose, { ...lines, middles }), lines.step);
  });
  const [left, right] = together;
  if (left === undefined || right === undefined) return undefined;
  return left.brightest((at) => left.step(at, stripUm) - right.step(at, stripUm), reachUm);
}

/** Light that half of the profiles exceed, place by place. */
function medianOf(profiles: readonly Profile[], step: number): Profile {
  const values = Float64Array.from({ length: profiles[0]?.values.length ?? 0 }, (_, k) => {
    const sorted = profiles.map(({ values: own }) => own[k] as number).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] as number;
  });
  return new Profile(values, step);
}
