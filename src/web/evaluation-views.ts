// The types that the server sends to the page about injections and their evaluation. Times are ms since 1970.
import type { InjectionType } from "../measurement/injection-type.ts";

/** An injection in the API. Concentration in M. */
export interface InjectionView {
  readonly id: number;
  readonly cycle: number;
  readonly solution: string;
  readonly type: InjectionType;
  readonly concentration: number | null;
  readonly refractiveIndex: number | null;
  readonly start: number;
  readonly end: number;
  /** null: the dissociation lasts until the next injection. */
  readonly dissociationEnd: number | null;
  readonly note: string;
}

/** A step that may be an unrecorded injection. */
export interface ProposalView {
  readonly start: number;
  /** null: no step back was found. */
  readonly end: number | null;
  /** px. */
  readonly stepPx: number;
}

/** A quantity of each grating, as `phorest map --json` writes it, with its position and colours. */
export interface MapView {
  readonly quantity: string;
  readonly unit: string;
  readonly values: readonly {
    readonly label: string;
    readonly value: number | null;
    readonly standard_error: number | null;
    readonly flagged: boolean;
  }[];
  readonly name: string;
  readonly detail: string;
  readonly summary: string;
  /** Positions in px of the image; gratings without a position are omitted. */
  readonly places: readonly {
    readonly label: string;
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
  }[];
  /** Whether zero is the middle of the colour scale. */
  readonly diverging: boolean;
  /** Ends of the colour scale: the range of the middle 96 % of the values. */
  readonly limits: readonly [number, number];
}

/** The compared values of a curve, px; null if not known. */
export interface ComparedFigures {
  readonly end_shift_median_px: number | null;
  readonly noise_px: number | null;
  readonly drift_px_per_hour: number | null;
  readonly detection_limit_px: number | null;
}

/** Two analyses, as `phorest compare --json` writes them. */
export interface ComparisonView {
  readonly a: string;
  readonly b: string;
  /** What the curves of gratings are: half the sum of both halves, or their sum; null for curves of ROIs. */
  readonly pairs: "half" | "sum" | null;
  readonly curves: readonly { readonly label: string; readonly a: ComparedFigures; readonly b: ComparedFigures }[];
  /** For people: what the values are, what only one of the two has, and how many curves the drawing has, if not all. */
  readonly notes: readonly string[];
}
