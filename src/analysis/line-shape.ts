// The line shapes as functions of position, without height and offset; the same formulas as in native/fit/joint.h and
// docs/kernel.md.
import type { Line } from "../measurement/method.ts";
import { voigtLine } from "./voigt.ts";

/** Parameters of a fitted line; px, and numbers without unit. */
export interface FittedLine {
  readonly centre: number;
  /** Sigma of a Gaussian, gamma of a Lorentzian or Fano line, half the width at half height of a Voigt line. */
  readonly width: number;
  /** q of a Fano line; other lines have none. */
  readonly asymmetry: number;
  /** Lorentzian share of a Voigt line's half-width; other lines have none. */
  readonly share: number;
}

/** Returns a function that gives the line's value at a position, px, in units of its amplitude. */
export function shapeOf(line: Line, { centre, width, asymmetry, share }: FittedLine): (x: number) => number {
  const at = (x: number) => (x - centre) / width;
  const lorentzian = (t: number) => 1 / (1 + t * t);
  switch (line) {
    case "gaussian":
      return (x) => Math.exp(-(at(x) ** 2) / 2);
    case "lorentzian":
      return (x) => lorentzian(at(x));
    case "fano":
      return (x) => (asymmetry + at(x)) ** 2 * lorentzian(at(x));
    case "voigt": {
      const shape = voigtLine(share);
      return (x) => shape(at(x));
    }
    default:
      return line satisfies never;
  }
}
