// How a chip differs from its drawing besides where it is: its gratings' light begins inside their boxes or beyond them, and
// its labels are printed a little off where the gratings have them. Both are the same all over a chip, so that every fit to
// labels and edges can have them as unknowns: what would pull a pose to one family of edges, or to the labels, does not.
import { direction, type Pose } from "./pose.ts";
import type { Kind, Sighting } from "./sighting.ts";

/**
 * px: by how much gratings' light is inside their upper and lower edges, and inside their sides; by how much labels are
 * shifted along the chip's x and y.
 */
export type Deviations = readonly number[];

export const NO_DEVIATIONS: Deviations = [0, 0, 0, 0];

/** What is expected of them: these standard deviations, with this number of degrees of freedom, so that large ones are possible. */
const EXPECTED = {
  inset: { px: 0.1, um: 0.2 },
  shift: { px: 0, um: 0.1 },
  freedom: 3,
} as const;

/** Nothing is known of them at first: what is seen decides, and what it does not tell goes back to what is expected. */
const AT_FIRST_UM = 5;

export function firstDeviations({ pxPerUm }: Pose): Deviations {
  return NO_DEVIATIONS.map(() => AT_FIRST_UM * pxPerUm);
}

/**
 * Standard deviations of the deviations' priors, px, those of Student's distribution about what they are now. Labels are shifted only
 * where gratings are seen as well: elsewhere nothing says against what.
 */
export function deviationPriors(now: Deviations, { pxPerUm }: Pose, bothSeen: boolean): number[] {
  const { inset, shift, freedom } = EXPECTED;
  const of = ({ px, um }: { readonly px: number; readonly um: number }, value: number) =>
    Math.sqrt((freedom * Math.max(px, um * pxPerUm) ** 2 + value * value) / (freedom + 1));
  const [y = 0, x = 0, labelX = 0, labelY = 0] = now;
  const shifts = bothSeen ? [of(shift, labelX), of(shift, labelY)] : [HELD, HELD];
  return [of(inset, y), of(inset, x), ...shifts];
}

/** px; 0 for what is undetermined. */
const HELD = 1e-4;

/** By how much the deviations move an edge along its direction, for each px of them. */
export function termsOfEdge({ kind, inward }: Pick<Sighting, "kind" | "inward">): number[] {
  const by = inward ?? 0;
  return [kind === "edge" ? by : 0, kind === "side" ? by : 0, 0, 0];
}

/** By how much the deviations move a label along the picture's x and y, for each px of them; nothing but labels. */
export function termsOfLabel(pose: Pose, kind: Kind): [number[], number[]] {
  if (kind !== "label") return [[...NO_DEVIATIONS], [...NO_DEVIATIONS]];
  const [right, down] = [direction(pose, { x: 1, y: 0 }), direction(pose, { x: 0, y: 1 })];
  return [
    [0, 0, right.x, down.x],
    [0, 0, right.y, down.y],
  ];
}

/** How far labels are shifted against the gratings, px. */
export function shiftOf([, , x = 0, y = 0]: Deviations): number {
  return Math.hypot(x, y);
}
