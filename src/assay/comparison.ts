// Compares two experiments, or two analyses of one, curve by curve.
import { medianOf } from "../measurement/statistics.ts";
import type { Precision } from "./precision.ts";
import { isSound } from "./sensorgram.ts";
import type { WorkedSensorgram } from "./worked-sensorgram.ts";

/** The compared values of a curve. */
export interface CurveFigures extends Pick<Precision, "noise" | "driftPerHour" | "detectionLimit"> {
  /** Median of the result (the shift from the baseline, minus references) in the last tenth of the frames, px; NaN without any. */
  readonly endShiftMedian: number;
}

export interface Compared {
  readonly label: string;
  readonly a: CurveFigures;
  readonly b: CurveFigures;
}

/** Share of the frames that the end shift is computed from. */
const LAST_PART = 0.1;
const FEWEST = 3;

/** Returns the values of a curve. */
export function figuresOf({
  result,
  flags,
  precision,
}: Pick<WorkedSensorgram, "result" | "flags" | "precision">): CurveFigures {
  const count = Math.max(FEWEST, Math.ceil(LAST_PART * result.length));
  const first = Math.max(0, result.length - count);
  const sound = result.slice(first).filter((_value, at) => isSound({ values: result, flags }, first + at));
  const { noise, driftPerHour, detectionLimit } = precision;
  return { endShiftMedian: sound.length === 0 ? Number.NaN : medianOf(sound), noise, driftPerHour, detectionLimit };
}

/** Returns the curves that both have, in the order of `a`, and the labels that only one has. */
export function compare(
  a: ReadonlyMap<string, CurveFigures>,
  b: ReadonlyMap<string, CurveFigures>,
): { readonly compared: Compared[]; readonly onlyA: string[]; readonly onlyB: string[] } {
  const compared = [...a].flatMap(([label, ofA]) => {
    const ofB = b.get(label);
    return ofB === undefined ? [] : [{ label, a: ofA, b: ofB }];
  });
  return {
    compared,
    onlyA: [...a.keys()].filter((label) => !b.has(label)),
    onlyB: [...b.keys()].filter((label) => !a.has(label)),
  };
}
