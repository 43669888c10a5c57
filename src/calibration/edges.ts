// Where the upper and lower edges of gratings lie in a picture, each by itself.
import type { Chip, ChipBox, Grating } from "../chip/layout.ts";
import { localAxes, type Point, type Pose, toPicture } from "./pose.ts";
import { offsetOf, type Sighting } from "./pose-fit.ts";
import { gapOf, profilesOf, STRIP_UM } from "./profiles.ts";
import type { View } from "./view.ts";

/** Upper edges looked at at most, and lower ones. */
const MOST_PIECES = 250;
/** Length of a piece of an edge, µm. */
const PIECE_UM = 340;
export const EDGE_REACH_UM = 16;
const UPPER = "upper";
const LOWER = "lower";
/** An edge's place is less certain than a label's: speckle, and light that ends unevenly. */
const EDGE_WEIGHT = 0.25;
/** Edges that face no grating needed to judge the gratings' size by these alone. */
const FEWEST_OUTER = 4;

/**
 * Where the upper and lower edges of gratings in view lie, along the chip's y, long ones in pieces; only those that face no
 * other grating with `outer`.
 */
export function gratingEdges(
  view: View,
  chip: Chip,
  pose: Pose,
  reachUm: number,
  outer = false,
): { edges: Sighting[]; expected: number } {
  const stripUm = Math.max(outer ? STRIP_UM : Math.min(STRIP_UM, gapOf(chip).y / 2), 1 / pose.pxPerUm);
  const beyond = stripUm + reachUm;
  const facing = outer ? outerEdges(chip) : undefined;
  const wanted = chip.gratings.flatMap((grating) =>
    [0, grating.height]
      .filter((edge) => facing === undefined || facing.get(grating.label)?.includes(edge) === true)
      .flatMap((edge) => piecesOf(grating, edge).filter((piece) => isInView(view, pose, piece, beyond))),
  );
  const every = 2 * Math.ceil(wanted.length / (2 * MOST_PIECES));
  // Upper and lower edges in pairs, however few of all are looked at.
  const pieces = wanted.length <= 2 * MOST_PIECES ? wanted : wanted.filter((_, i) => i % every < 2);
  const [first] = pieces;
  if (first === undefined) return { edges: [], expected: 0 };
  const profiles = profilesOf(view, pose, {
    lie: "along x",
    middles: pieces.map(({ middle }) => middle),
    length: 0.9 * first.length,
    beyond,
    step: Math.max(2, 0.7 / pose.pxPerUm),
  });
  const edges = pieces.flatMap(({ name, upper, middle }, i): Sighting[] => {
    const profile = profiles[i];
    const sign = upper ? 1 : -1;
    const offset = profile?.brightest((at) => sign * profile.step(at, stripUm), reachUm);
    if (offset === undefined) return [];
    const { x, y } = toPicture(pose, middle);
    const { down } = localAxes(pose, middle);
    const picture = { x: x + down.x * offset, y: y + down.y * offset };
    return [{ name, chip: middle, picture, along: { x: 0, y: 1 }, weight: EDGE_WEIGHT }];
  });
  return { edges, expected: pieces.length };
}

/** A piece of a grating's edge: its middle on the chip and its length, µm. */
interface Piece {
  readonly name: string;
  readonly upper: boolean;
  readonly middle: Point;
  readonly length: number;
}

/** The pieces of the edge `edge` µm below the top of a grating: long edges show how the picture is turned and bent. */
function piecesOf(grating: Grating, edge: number): Piece[] {
  const count = Math.max(1, Math.round(grating.width / PIECE_UM));
  const length = grating.width / count;
  const upper = edge === 0;
  return Array.from({ length: count }, (_, i) => ({
    name: `${upper ? UPPER : LOWER} edge of ${grating.label}${count > 1 ? `, piece ${i + 1}` : ""}`,
    upper,
    middle: { x: grating.x + (i + 0.5) * length, y: grating.y + edge },
    length,
  }));
}

function isInView(view: View, pose: Pose, { middle, length }: Piece, beyond: number): boolean {
  return [-length / 2, length / 2].every((along) =>
    [-beyond, beyond].every((across) => view.holds(toPicture(pose, { x: middle.x + along, y: middle.y + across }), 1)),
  );
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
