// Models how a chip differs from its drawing besides its position: the light of gratings begins inside their boxes or beyond
// them, and labels are printed slightly off. Both are the same all over a chip, so every fit to labels and edges includes them
// as unknowns; otherwise they would pull the pose to one family of edges, or to the labels.
import { direction, type Pose } from "./pose.ts";
import type { Kind, Sighting } from "./sighting.ts";

/**
 * In px: how far the gratings' light is inside their upper and lower edges, and inside their sides; the shift of the labels
 * along the chip's x and y.
 */
export type Deviations = readonly number[];

export const NO_DEVIATIONS: Deviations = [0, 0, 0, 0];

/** Their prior: these standard deviations with this number of degrees of freedom, so that large values are possible. */
const EXPECTED = {
  inset: { px: 0.1, um: 0.2 },
  shift: { px: 0, um: 0.1 },
  freedom: 3,
} as const;

/**
 * Initial standard deviation: wide at first, so that the picture decides. Values that it does not determine return to the
 * prior.
 */
const AT_FIRST_UM = 5;

export function firstDeviations({ pxPerUm }: Pose): Deviations {
  return NO_DEVIATIONS.map(() => AT_FIRST_UM * pxPerUm);
}

/**
 * Returns the standard deviations of the priors, px: those of Student's distribution around the current values. Labels are
 * shifted only if gratings are seen as well; otherwise there is nothing to compare them with.
 */
export function deviationPriors(now: Deviations, { pxPerUm }: Pose, bothSeen: boolean): number[] {
  const { inset, shift, freedom } = EXPECTED;
  const of = ({ px, um }: { readonly px: number; readonly um: number }, value: number) =>
    Math.sqrt((freedom * Math.max(px, um * pxPerUm) ** 2 + value * value) / (freedom + 1));
  const [y = 0, x = 0, labelX = 0, labelY = 0] = now;
  const shifts = bothSeen ? [of(shift, labelX), of(shift, labelY)] : [HELD, HELD];
  return [of(inset, y), of(inset, x), ...shifts];
}

/** Standard deviation of a deviation that is held at 0 because it is undetermined, px. */
const HELD = 1e-4;

/** Returns how far each px of the deviations moves an edge along its direction. */
export function termsOfEdge({ kind, inward }: Pick<Sighting, "kind" | "inward">): number[] {
  const by = inward ?? 0;
  return [kind === "edge" ? by : 0, kind === "side" ? by : 0, 0, 0];
}

/** Returns how far each px of the deviations moves a label along the picture's x and y; zero for anything but labels. */
export function termsOfLabel(pose: Pose, kind: Kind): [number[], number[]] {
  if (kind !== "label") return [[...NO_DEVIATIONS], [...NO_DEVIATIONS]];
  const [right, down] = [direction(pose, { x: 1, y: 0 }), direction(pose, { x: 0, y: 1 })];
  return [
    [0, 0, right.x, down.x],
    [0, 0, right.y, down.y],
  ];
}

/** Returns the shift of the labels against the gratings, px. */
export function shiftOf([, , x = 0, y = 0]: Deviations): number {
  return Math.hypot(x, y);
}
