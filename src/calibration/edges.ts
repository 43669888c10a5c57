// Where the upper and lower edges of gratings lie in a picture, each by itself.
import type { Chip, ChipBox } from "../chip/layout.ts";
import { direction, type Pose, type Sighting, toPicture } from "./pose.ts";
import { gapOf, Profile, profilesOf, STRIP_UM } from "./profiles.ts";
import type { View } from "./view.ts";

const MOST_EDGES = 250;
export const EDGE_REACH_UM = 16;
const UPPER = "upper";
const LOWER = "lower";
/** An edge's place is less certain than a label's: speckle, and light that ends unevenly. */
export const EDGE_WEIGHT = 0.25;
/** Edges that face no grating needed to judge the gratings' size by these alone. */
const FEWEST_OUTER = 6;

/**
 * Where the upper and lower edges of gratings in view lie, along the chip's y; only those that face no other grating with
 * `outer`.
 */
export function gratingEdges(
  view: View,
  chip: Chip,
  pose: Pose,
  reachUm: number,
  outer = false,
): { edges: Sighting[]; expected: number } {
  const { width, height } = view.picture;
  const stripUm = Math.max(outer ? STRIP_UM : Math.min(STRIP_UM, gapOf(chip).y / 2), 1 / pose.pxPerUm);
  const margin = stripUm + reachUm;
  const facing = outer ? outerEdges(chip) : undefined;
  const inView = chip.gratings.filter(
    (one) =>
      (facing?.has(one.label) ?? true) &&
      [one.x, one.x + one.width].every((x) =>
        [one.y - margin, one.y + one.height + margin].every((y) => {
          const at = toPicture(pose, { x, y });
          return at.x >= 1 && at.y >= 1 && at.x <= width - 1 && at.y <= height - 1;
        }),
      ),
  );
  const every = Math.ceil(inView.length / MOST_EDGES);
  const gratings = inView.filter((_, i) => i % every === 0);
  const [first] = gratings;
  if (first === undefined) return { edges: [], expected: 0 };
  const stepY = Math.max(2, 0.7 / pose.pxPerUm);
  const columns = 24;
  const stepX = (0.9 * first.width) / columns;
  const rows = Math.ceil((first.height + 2 * margin) / stepY);
  const profiles = profilesOf(
    view,
    pose,
    gratings,
    { x: 0.05 * first.width, y: -margin },
    { x: stepX, y: stepY },
    columns,
    rows,
  );
  const edges = gratings.flatMap((grating, i) => {
    const profile = new Profile(profiles.subarray(i * rows, (i + 1) * rows), stepY);
    return [0, first.height].flatMap((edge): Sighting[] => {
      if (facing?.get(grating.label)?.includes(edge) === false) return [];
      const sign = edge === 0 ? 1 : -1;
      const offset = profile.brightest((at) => sign * profile.step(margin + edge + at, stripUm), reachUm);
      if (offset === undefined) return [];
      const chipPoint = { x: grating.x + grating.width / 2, y: grating.y + edge };
      const picture = toPicture(pose, { x: chipPoint.x, y: chipPoint.y + offset });
      return [
        {
          name: `${edge === 0 ? UPPER : LOWER} edge of ${grating.label}`,
          chip: chipPoint,
          picture,
          along: { x: 0, y: 1 },
          weight: EDGE_WEIGHT,
        },
      ];
    });
  });
  return { edges, expected: 2 * gratings.length };
}

/** Median distance by which upper edges lie too high and lower ones too low. */
export function overhang(pose: Pose, edges: readonly Sighting[], outliers: ReadonlySet<string>): number {
  const down = direction(pose, { x: 0, y: 1 });
  const beyond = edges.flatMap(({ name, chip, picture }) => {
    if (outliers.has(name)) return [];
    const { x, y } = toPicture(pose, chip);
    const below = (picture.x - x) * down.x + (picture.y - y) * down.y;
    return [name.startsWith(UPPER) ? -below : below];
  });
  return beyond.sort((a, b) => a - b)[beyond.length >> 1] ?? 0;
}

/** The overhang of edges at the chip's rim and at missing gratings; undefined where few of them are in view. */
export function outermost(view: View, chip: Chip, pose: Pose): number | undefined {
  const { edges } = gratingEdges(view, chip, pose, EDGE_REACH_UM, true);
  const mostOff = Math.max(4, 1 / pose.pxPerUm) * pose.pxPerUm;
  const near = edges.filter(({ chip: at, picture }) => {
    const there = toPicture(pose, at);
    return Math.hypot(picture.x - there.x, picture.y - there.y) < mostOff;
  });
  return near.length < FEWEST_OUTER ? undefined : overhang(pose, near, new Set());
}

const knownOuter = new WeakMap<Chip, ReadonlyMap<string, readonly number[]>>();

/** By grating: those of its two edges (0 and its height) beyond which there is no other grating nearby. */
function outerEdges(chip: Chip): ReadonlyMap<string, readonly number[]> {
  const known = knownOuter.get(chip);
  if (known !== undefined) return known;
  const outer = new Map<string, readonly number[]>();
  for (const one of chip.gratings) {
    const above = (other: ChipBox) => one.y - other.y - other.height;
    const below = (other: ChipBox) => other.y - one.y - one.height;
    const beside = chip.gratings.filter(
      (other) => other !== one && other.x < one.x + one.width && other.x + other.width > one.x,
    );
    const isFree = (gap: (other: ChipBox) => number) =>
      beside.every((other) => gap(other) < 0 || gap(other) >= 2 * STRIP_UM);
    const free = [...(isFree(above) ? [0] : []), ...(isFree(below) ? [one.height] : [])];
    if (free.length > 0) outer.set(one.label, free);
  }
  knownOuter.set(chip, outer);
  return outer;
}
