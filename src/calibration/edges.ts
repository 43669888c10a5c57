// Finds the edges of gratings in a picture one by one: upper and lower ones along the chip's y, sides along its x.
import type { Chip, ChipBox, Grating } from "../chip/chip.ts";
import { upperMedian } from "../measurement/statistics.ts";
import { gratingGaps } from "./gaps.ts";
import { isInView, offsetPlace, someOf } from "./lines-in-view.ts";
import type { Point, Pose } from "./pose.ts";
import { offsetOf } from "./pose-equations.ts";
import { gapOf, profilesOf, STRIP_UM, sideStrip } from "./profiles.ts";
import type { Sighting } from "./sighting.ts";
import type { View } from "./view.ts";

/** Length of a piece of an edge, µm. */
const PIECE_UM = 340;
export const EDGE_REACH_UM = 16;
const UPPER = "upper";
const LOWER = "lower";
/**
 * Widths of gaps between gratings, px: below the first, sides cannot be seen individually; above the second, blur does not
 * close them.
 */
const LEAST_GAP_PX = 2;
const WIDE_GAP_PX = 5;
/** Edges in narrow gaps that appear this far in or out, px, are blurred into each other. */
const CLOSED_PX = 0.2;
/** Minimum number of edges without an opposite grating to judge the gratings' size from these alone. */
const FEWEST_OUTER = 4;

/** Search range: how far from their expected position, and how far inside their boxes, µm. */
export interface EdgeSearch {
  readonly reachUm: number;
  readonly insetUm: number;
}

/**
 * Returns the upper and lower edges of gratings in view, along the chip's y, long ones in pieces. With `outer`, only those that
 * face no other grating.
 */
export function gratingEdges(
  view: View,
  chip: Chip,
  pose: Pose,
  { reachUm, insetUm }: EdgeSearch,
  outer = false,
): { edges: Sighting[]; expected: number } {
  const stripUm = Math.max(outer ? STRIP_UM : Math.min(STRIP_UM, gapOf(chip).y / 2), 1 / pose.pxPerUm);
  const search = { stripUm, reachUm, insetUm };
  const beyond = beyondOf(search);
  const facing = outer ? outerEdges(chip) : undefined;
  const wanted = chip.gratings.flatMap((grating) =>
    [0, grating.height]
      .filter((edge) => facing === undefined || facing.get(grating.label)?.includes(edge) === true)
      .flatMap((edge) =>
        piecesOf(grating, edge).filter(({ middle, length }) =>
          isInView(view, pose, middle, { x: length / 2, y: beyond }),
        ),
      ),
  );
  const pieces = someOf(wanted);
  return { edges: sightingsOf(view, pose, pieces, "along x", search), expected: pieces.length };
}

/**
 * Returns the left and right sides of gratings in view, along the chip's x. If blur closes the gaps between them, as the upper
 * and lower `edges` show, the middles of these gaps are used instead.
 */
export function gratingSides(
  view: View,
  chip: Chip,
  pose: Pose,
  reachUm: number,
  edges: readonly Sighting[],
): Sighting[] {
  const gapPx = gapOf(chip).x * pose.pxPerUm;
  const closed = gapPx < WIDE_GAP_PX && Math.abs(overhang(pose, edges, new Set())) > CLOSED_PX;
  if (gapPx < LEAST_GAP_PX || closed) return gratingGaps(view, chip, pose, reachUm);
  const search = { stripUm: sideStrip(chip, pose), reachUm, insetUm: 0 };
  const beyond = beyondOf(search);
  const wanted = chip.gratings.flatMap((grating) =>
    sidesOf(grating).filter(({ middle, length }) => isInView(view, pose, middle, { x: beyond, y: length / 2 })),
  );
  return sightingsOf(view, pose, someOf(wanted), "along y", search);
}

/** Returns the width of the strip that is compared on both sides of an edge, µm. */
function beyondOf({ stripUm, reachUm, insetUm }: EdgeSearch & { readonly stripUm: number }): number {
  return stripUm + reachUm + Math.abs(insetUm);
}

function sightingsOf(
  view: View,
  pose: Pose,
  pieces: readonly Piece[],
  lie: "along x" | "along y",
  search: EdgeSearch & { readonly stripUm: number },
): Sighting[] {
  const [first] = pieces;
  if (first === undefined) return [];
  const profiles = profilesOf(view, pose, {
    lie,
    middles: pieces.map(({ middle }) => middle),
    length: 0.9 * first.length,
    beyond: beyondOf(search),
    step: Math.max(2, 0.7 / pose.pxPerUm),
  });
  return pieces.flatMap(({ name, begins, middle }, i): Sighting[] => {
    const profile = profiles[i];
    const sign = begins ? 1 : -1;
    const { stripUm, reachUm, insetUm } = search;
    const offset = profile?.brightest((at) => sign * profile.step(at, stripUm), reachUm, sign * insetUm);
    if (offset === undefined) return [];
    const seen = offsetPlace(pose, middle, lie, offset);
    return [{ name, chip: middle, ...seen, inward: sign, kind: lie === "along x" ? "edge" : "side", weight: 1 }];
  });
}

/** A piece of a grating's edge: its centre on the chip and its length, µm. */
interface Piece {
  readonly name: string;
  /** Upper and left edges, where the grating's light begins. */
  readonly begins: boolean;
  readonly middle: Point;
  readonly length: number;
}

function sidesOf({ label, x, y, width, height }: Grating): Piece[] {
  const side = (name: string, begins: boolean, at: number): Piece => {
    return { name: `${name} side of ${label}`, begins, middle: { x: at, y: y + height / 2 }, length: height };
  };
  return [side("left", true, x), side("right", false, x + width)];
}

/**
 * Returns the pieces of the edge `edge` µm below the top of a grating: long edges show the rotation and distortion of the
 * picture.
 */
function piecesOf(grating: Grating, edge: number): Piece[] {
  const count = Math.max(1, Math.round(grating.width / PIECE_UM));
  const length = grating.width / count;
  const upper = edge === 0;
  return Array.from({ length: count }, (_, i) => ({
    name: `${upper ? UPPER : LOWER} edge of ${grating.label}${count > 1 ? `, piece ${i + 1}` : ""}`,
    begins: upper,
    middle: { x: grating.x + (i + 0.5) * length, y: grating.y + edge },
    length,
  }));
}

export function isUpper({ name }: Sighting): boolean {
  return name.startsWith(UPPER);
}

/** Returns the median distance by which upper edges are too high and lower ones too low. */
export function overhang(pose: Pose, edges: readonly Sighting[], outliers: ReadonlySet<string>): number {
  return usual(edges.flatMap((edge) => (outliers.has(edge.name) ? [] : [beyond(pose, edge)])));
}

/** Returns how far an edge is outside its grating's box, px. */
function beyond(pose: Pose, edge: Sighting): number {
  const below = offsetOf(pose, edge).y;
  return isUpper(edge) ? -below : below;
}

/**
 * Returns how much larger gratings are than their boxes, upwards or downwards, px. Blur closes narrow gaps and moves the edges
 * there inwards; edges at the chip's rim and at missing gratings are not affected. If only upper or only lower edges of that
 * kind are in view, the opposite edges are assumed to be moved equally. Of the two values the larger counts, because labels may
 * hold one of them. All edges are used if too few face no other grating.
 */
export function largerThanBoxes(view: View, chip: Chip, pose: Pose, edges: readonly Sighting[], reach: number): number {
  const all = kindsOf(edges, pose);
  const search = { reachUm: EDGE_REACH_UM, insetUm: -reach / pose.pxPerUm };
  const outer = kindsOf(gratingEdges(view, chip, pose, search, true).edges, pose);
  const [high, low] = [usual(outer.upper), usual(outer.lower)];
  const closedMore = (usual(all.lower) - usual(all.upper)) / 2;
  const isSeen = ({ length }: readonly number[]) => length >= FEWEST_OUTER;
  if (isSeen(outer.upper) && isSeen(outer.lower)) return Math.abs(high) > Math.abs(low) ? high : low;
  if (isSeen(outer.upper)) return high + closedMore;
  return isSeen(outer.lower) ? low - closedMore : reach;
}

/** Returns how far upper and lower edges are outside their gratings' boxes, px. */
function kindsOf(edges: readonly Sighting[], pose: Pose): { upper: number[]; lower: number[] } {
  const outside = (some: readonly Sighting[]) => some.map((edge) => beyond(pose, edge));
  return { upper: outside(edges.filter(isUpper)), lower: outside(edges.filter((edge) => !isUpper(edge))) };
}

/** Returns the median of some distances; 0 without any. */
const usual = (distances: readonly number[]): number => upperMedian(distances) ?? 0;

const knownOuter = new WeakMap<Chip, ReadonlyMap<string, readonly number[]>>();

/** Returns, by grating, which of its two edges (0 and its height) have no other grating nearby. */
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
