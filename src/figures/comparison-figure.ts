// The curves of two experiments over each other, and their difference below.
import type { TopLevelSpec } from "vega-lite";
import { lowerBound } from "../manifest/timestamps.ts";
import { COLOURS, STYLE } from "./figure-style.ts";

/** A curve over the seconds since the first frame of its experiment. */
export interface TimedCurve {
  readonly seconds: Float64Array;
  /** px; NaN where there is none. */
  readonly values: Float64Array;
}

export interface CurvePair {
  readonly label: string;
  readonly a: TimedCurve;
  readonly b: TimedCurve;
}

const WIDTH = 660;
const HEIGHT = 130;
/** More points of a curve would not be seen. */
const MOST_POINTS = 2000;

/** `nameA`, `nameB`: of the experiments. */
export function comparisonFigure(
  title: string,
  nameA: string,
  nameB: string,
  pairs: readonly CurvePair[],
): TopLevelSpec {
  const panel = (values: object[], name: string, colour: object) => ({
    data: { values },
    width: WIDTH,
    height: HEIGHT,
    mark: { type: "line", strokeWidth: 1.2, invalid: "break-paths-show-domains" },
    encoding: {
      x: { field: "s", type: "quantitative", axis: { title: null }, scale: { nice: false } },
      y: { field: "px", type: "quantitative", axis: { title: name, tickCount: 4 }, scale: { zero: false } },
      ...colour,
    },
  });
  const both = {
    color: {
      field: "of",
      type: "nominal",
      sort: null,
      scale: { range: [COLOURS[0], COLOURS[1]] },
      legend: { title: null },
    },
    strokeDash: {
      field: "of",
      type: "nominal",
      sort: null,
      scale: {
        range: [
          [1, 0],
          [5, 2],
        ],
      },
      legend: null,
    },
  };
  const panels = pairs.flatMap(({ label, a, b }) => [
    panel([...rows(a, nameA), ...rows(b, nameB)], `${label}: shift (px)`, both),
    panel(rows(differenceOf(a, b), "B - A"), `${label}: B − A (px)`, { color: { value: COLOURS[2] } }),
  ]);
  const last = panels.at(-1);
  if (last !== undefined) last.encoding.x.axis.title = "Seconds since the first frame of each" as never;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: STYLE,
    title: { text: title, subtitle: `A: ${nameA}  ·  B: ${nameB}`, anchor: "start" },
    spacing: 10,
    vconcat: panels,
  } as TopLevelSpec;
}

function rows({ seconds, values }: TimedCurve, of: string): object[] {
  const step = Math.max(1, Math.ceil(seconds.length / MOST_POINTS));
  const shown: object[] = [];
  for (let at = 0; at < seconds.length; at += step) {
    const px = values[at] as number;
    shown.push({ s: seconds[at], px: Number.isFinite(px) ? px : null, of });
  }
  return shown;
}

/** B minus A at the times of A, B on a straight line between its neighbours; NaN beyond the ends of B. */
export function differenceOf(a: TimedCurve, b: TimedCurve): TimedCurve {
  const values = a.seconds.map((second, at) => {
    const after = lowerBound(b.seconds, second);
    if (after >= b.seconds.length || (after === 0 && b.seconds[0] !== second)) return Number.NaN;
    const [toS, to] = [b.seconds[after] as number, b.values[after] as number];
    if (toS === second) return to - (a.values[at] as number);
    const [fromS, from] = [b.seconds[after - 1] as number, b.values[after - 1] as number];
    return from + ((second - fromS) / (toS - fromS)) * (to - from) - (a.values[at] as number);
  });
  return { seconds: a.seconds, values };
}
