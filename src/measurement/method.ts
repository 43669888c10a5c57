// The vocabulary of a measurement: methods, the quantities each one gives, the statistics over an ROI's rows, flags.
// Spellings are those of the established result files ("assymetry" included): they are an interface.
import type { Depth } from "./depth.ts";
import type { Displacement } from "./displacement.ts";

export const METHODS = ["max_intensity", "centre", "gaussian", "fano", "joint", "tracking"] as const;
export type Method = (typeof METHODS)[number];

/**
 * Quantities of a method in their established order; also the kernel's column order. `joint` is ours: position (px, on the
 * middle row), slope (px per row), width (sigma of a Gaussian, gamma of a Lorentzian or Fano line, half the width at half
 * height of a Voigt line), asymmetry (q of a Fano line, 0 of the others), amplitude and offset (counts, median of the
 * rows), error (counts, root mean square of all residuals). `tracking` is ours too: position and shift from the anchor (px),
 * light relative to the reference, error as before.
 */
export const QUANTITIES: Readonly<Record<Method, readonly string[]>> = {
  max_intensity: ["max_intensity"],
  centre: ["centre"],
  gaussian: ["amplitude", "mu", "sigma", "offset", "error"],
  fano: ["amplitude", "assymetry", "resonance", "gamma", "offset", "error"],
  joint: ["position", "slope", "width", "asymmetry", "amplitude", "offset", "error"],
  tracking: ["position", "shift", "light", "error"],
};

/** Column of QUANTITIES with the resonance position. */
export const POSITION_COLUMN: Readonly<Record<Method, number>> = {
  max_intensity: 0,
  centre: 0,
  gaussian: 1,
  fano: 2,
  joint: 0,
  tracking: 0,
};

/** Column of QUANTITIES with the width of the fitted line (sigma, gamma); none if nothing is fitted. */
export const WIDTH_COLUMN: Readonly<Partial<Record<Method, number>>> = { gaussian: 2, fano: 3, joint: 2 };

/** Statistics over the rows of an ROI, in their established order. */
export const STATISTICS = ["Mean", "STD", "LQ", "Median", "UQ", "Max", "Min", "Smoothness"] as const;
export type Statistic = (typeof STATISTICS)[number];
export const MEDIAN = STATISTICS.indexOf("Median");

/** Possible line shapes of an ROI's light; formulas in docs/kernel.md. */
export const LINES = ["gaussian", "fano", "lorentzian", "voigt"] as const;
export type Line = (typeof LINES)[number];

/** Decodes the kernel's line code: 1 + the index in LINES; undefined for 0, which means none. */
export function lineOfCode(code: number | undefined): Line | undefined {
  return code === undefined ? undefined : LINES[code - 1];
}

/** The line that `joint` fits and `tracking` holds: a fixed one, or "auto", the one that fits each ROI's light. */
export const JOINT_LINES = [...LINES, "auto"] as const;
export type JointLine = (typeof JOINT_LINES)[number];

/**
 * The form of the columns of `fano`; each line can be written in four. canonical: amplitude >= 0 and gamma > 0; established:
 * the form that the established system's least squares arrives at.
 */
export const FANO_SIGNS = ["canonical", "established"] as const;
export type FanoSign = (typeof FANO_SIGNS)[number];

export const SAMPLINGS = ["precise", "established"] as const;
export type Sampling = (typeof SAMPLINGS)[number];

export const BIT_DEPTH_SCALINGS = ["stretch", "fixed"] as const;
export type BitDepthScaling = (typeof BIT_DEPTH_SCALINGS)[number];

/** Range of configurable bit depths in 16-bit pictures; 0 means that the pictures show it. */
export const [FEWEST_BITS, MOST_BITS] = [8, 16] as const;

/**
 * What makes a resonance position doubtful; bits of a result's `flags`. fallback: another method was used instead.
 * shape_changed: the line or the light has changed in a way that a shift does not explain. The view `sensorgram` names them
 * too.
 */
export const FLAGS = {
  saturated: 1,
  at_edge: 2,
  low_contrast: 4,
  not_converged: 8,
  jumped: 16,
  fallback: 32,
  shape_changed: 64,
} as const;
export type Flag = keyof typeof FLAGS;

/** Returns the names of the flags set in `bits`, in the order of FLAGS. */
export function flagNames(bits: number): Flag[] {
  return (Object.keys(FLAGS) as Flag[]).filter((name) => (bits & FLAGS[name]) !== 0);
}

/** Returns the bits of flags given by name; ignores unknown names. */
export function flagBits(names: readonly unknown[]): number {
  return (Object.keys(FLAGS) as Flag[]).reduce((bits, flag) => (names.includes(flag) ? bits | FLAGS[flag] : bits), 0);
}

/** The results of one analysis for one frame. ROIs are in the order of the ROI manifest. */
export interface FrameResult {
  readonly method: Method;
  /** Position, px from the ROI's left edge after flipping; NaN if no row could be measured. */
  readonly position: Float64Array;
  /** Standard error of `position`, px; NaN if unknown. */
  readonly standardError: Float64Array;
  /** 0 (worthless) to 1 (perfect). */
  readonly quality: Float64Array;
  /** FLAGS bits per ROI. */
  readonly flags: Uint8Array;
  /** [roi][quantity][statistic] row-major, rounded to 3 decimals as established; NaN if no row was measured. */
  readonly statistics: Float64Array;
  /** Line that each ROI was measured with: 1 + its index in LINES. Only methods that fit whole ROIs. */
  readonly lines?: Uint8Array;
  /** Mean of the undecorated pixels, 2 decimals. */
  readonly brightness: number;
  /** 95 % minus 5 % quantile of the undecorated pixels, 2 decimals. */
  readonly contrast: number;
  /** Full scale of a 16-bit picture, and what its series has revealed about it; absent in 8 bits. */
  readonly depth?: Depth;
  /** Level of the darkest places, counts, if they are darker than the configured dark level, which was then not used. */
  readonly darkest?: number;
  /** Movement of the chip since the reference frame; absent if it was not or could not be measured. */
  readonly displacement?: Displacement;
  /** Debug mode only: per ROI, per quantity, the value of every measured row. */
  readonly values?: readonly (readonly Float64Array[])[];
}
