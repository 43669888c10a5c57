// Where the upper and lower edges of gratings lie in a picture, each by itself.
import type { Chip, ChipBox } from "../chip/layout.ts";
import { localAxes, type Pose, toPicture } from "./pose.ts";
import { offsetOf, type Sighting } from "./pose-fit.ts";
import { gapOf, profilesOf, STRIP_UM } from "./profiles.ts";
import type { View } from "./view.ts";

const MOST_EDGES = 250;
export const EDGE_REACH_UM = 16;
const UPPER = "upper";
const LOWER = "lower";
/** An edge's place is less certain than a label's: speckle, and light that ends unevenly. */
const EDGE_WEIGHT = 0.25;
/** Edges that face no grating needed to judge the gratings' size by these alone. */
const FEWEST_OUTER = 4;

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
  const lines = {
    lie: "along x",
    length: 0.9 * first.width,
    beyond: margin,
    step: Math.max(2, 0.7 / pose.pxPerUm),
  } as const;
  const wanted = gratings.flatMap((grating) =>
    [0, first.height]
      .filter((edge) => facing?.get(grating.label)?.includes(edge) ?? true)
      .map((edge) => ({ grating, edge, middle: { x: grating.x + grating.width / 2, y: grating.y + edge } })),
  );
  const profiles = profilesOf(view, pose, { ...lines, middles: wanted.map(({ middle }) => middle) });
  const edges = wanted.flatMap(({ grating, edge, middle }, i): Sighting[] => {
    const profile = profiles[i];
    const sign = edge === 0 ? 1 : -1;
    const offset = profile?.brightest((at) => sign * profile.step(at, stripUm), reachUm);
    if (offset === undefined) return [];
    const { x, y } = toPicture(pose, middle);
    const { down } = localAxes(pose, middle);
    return [
      {
        name: `${edge === 0 ? UPPER : LOWER} edge of ${grating.label}`,
        chip: middle,
        picture: { x: x + down.x * offset, y: y + down.y * offset },
        along: { x: 0, y: 1 },
        weight: EDGE_WEIGHT,
      },
    ];
  });
  return { edges, expected: 2 * gratings.length };
}

export function isUpper({ name }: Sighting): boolean {
  return name.startsWith(UPPER);
}

/** Median distance by which upper edges lie too high and lower ones too low. */
export function overhang(pose: Pose, edges: readonly Sighting[], outliers: ReadonlySet<string>): number {
  return medianOf(edges.flatMap((edge) => (outliers.has(edge.name) ? [] : [beyond(pose, edge)])));
}

/** How far an edge lies outside its grating's box, px. */
function beyond(pose: Pose, edge: Sighting): number {
  const below = offsetOf(pose, edge).y;
  return isUpper(edge) ? -below : below;
}

/**
 * The overhang of edges at the chip's rim and at missing gratings, of upper or of lower ones, whichever is larger: labels
 * may hold one of them. undefined where few of either are in view.
 */
export function outermost(view: View, chip: Chip, pose: Pose): number | undefined {
  const { edges } = gratingEdges(view, chip, pose, EDGE_REACH_UM, true);
  const [upper, lower] = [edges.filter(isUpper), edges.filter((edge) => !isUpper(edge))].map((some) =>
    some.map((edge) => beyond(pose, edge)),
  ) as [number[], number[]];
  if (Math.min(upper.length, lower.length) < FEWEST_OUTER) return undefined;
  const [high, low] = [medianOf(upper), medianOf(lower)];
  return Math.abs(high) > Math.abs(low) ? high : low;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
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
