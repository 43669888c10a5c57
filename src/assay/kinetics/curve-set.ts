// Sensorgrams that are fitted together: the cycles of one grating, one ligand or one flow cell.

/** A time with analyte over the surface; after it comes buffer. */
export interface InjectionWindow {
  readonly startS: number;
  readonly endS: number;
  /** M */
  readonly concentration: number;
}

/** One sensorgram. Several injections in one cycle are a titration without regeneration (single-cycle kinetics). */
export interface CurveCycle {
  readonly name: string;
  /** Ascending. */
  readonly timesS: Float64Array;
  readonly responses: Float64Array;
  /** Standard errors of the responses, where they are known. */
  readonly errors?: Float64Array | undefined;
  readonly injections: readonly InjectionWindow[];
  /** Where a blank was subtracted that was subtracted from other cycles as well. */
  readonly shared?: SharedNoise | undefined;
}

/** The noise that each point has from a blank. */
interface SharedNoise {
  /** The same for all cycles that the blank was subtracted from. */
  readonly blank: number;
  /** Frames of the blank. */
  readonly frames: number;
  /** Place among them for each point, between two of them as it is interpolated; NaN: none. */
  readonly at: Float64Array;
  /** Standard error of the blank's frame over that of the point. */
  readonly part: Float64Array;
}

export interface CurveSet {
  readonly name: string;
  readonly cycles: readonly CurveCycle[];
}

/** Highest concentration of a cycle, M. */
export function highestOf({ injections }: CurveCycle): number {
  return injections.reduce((most, { concentration }) => Math.max(most, concentration), 0);
}

/** The concentrations of a set other than 0, each once, ascending, M. */
export function concentrationsOf({ cycles }: Pick<CurveSet, "cycles">): number[] {
  const all = cycles.flatMap(({ injections }) => injections.map(({ concentration }) => concentration));
  return [...new Set(all.filter((concentration) => concentration > 0))].sort((a, b) => a - b);
}
