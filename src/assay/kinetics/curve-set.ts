// Types for sensorgrams that are fitted together: the cycles of one grating, one ligand or one flow cell.

/** A period with analyte over the surface, followed by buffer. */
export interface InjectionWindow {
  readonly startS: number;
  readonly endS: number;
  /** M */
  readonly concentration: number;
}

/** One sensorgram. Several injections in one cycle are a titration without regeneration (single-cycle kinetics). */
export interface CurveCycle {
  readonly name: string;
  /** Times, ascending. */
  readonly timesS: Float64Array;
  readonly responses: Float64Array;
  /** Standard errors of the responses, if known. */
  readonly errors?: Float64Array | undefined;
  readonly injections: readonly InjectionWindow[];
  /** Set if a blank was subtracted that was also subtracted from other cycles. */
  readonly shared?: SharedNoise | undefined;
}

/** The noise that a blank adds to each point. */
interface SharedNoise {
  /** Identifies the blank; the same number for all cycles that it was subtracted from. */
  readonly blank: number;
  /** Number of frames of the blank. */
  readonly frames: number;
  /** Position of each point among them, fractional because of interpolation; NaN: none. */
  readonly at: Float64Array;
  /** Ratio of the standard error of the blank's frame to that of the point. */
  readonly part: Float64Array;
}

export interface CurveSet {
  readonly name: string;
  readonly cycles: readonly CurveCycle[];
}

/** Returns the highest concentration of a cycle, M. */
export function highestOf({ injections }: CurveCycle): number {
  return injections.reduce((most, { concentration }) => Math.max(most, concentration), 0);
}

/** Returns the concentrations of a set other than 0, ascending and without duplicates, M. */
export function concentrationsOf({ cycles }: Pick<CurveSet, "cycles">): number[] {
  const all = cycles.flatMap(({ injections }) => injections.map(({ concentration }) => concentration));
  return [...new Set(all.filter((concentration) => concentration > 0))].sort((a, b) => a - b);
}
