// Draws the curves of two experiments over each other, with their difference next to them, for print.
import type { TopLevelSpec } from "vega-lite";
import { lowerBound } from "../manifest/timestamps.ts";
import { COLOURS, STYLE } from "./figure-style.ts";
import { PAGE_MM, PRINT_STYLE, pxOfMm, pxOfPoints } from "./print-style.ts";
import { timeUnit } from "./print-time.ts";
import { printTitle } from "./print-title.ts";

/** A curve against the seconds since the first frame of its experiment. */
export interface TimedCurve {
  readonly seconds: Float64Array;
  /** Values, px; NaN if there is none. */
  readonly values: Float64Array;
}

export interface CurvePair {
  readonly label: string;
  readonly a: TimedCurve;
  readonly b: TimedCurve;
}

const LEFT = 55;
const GAP = 18;
const HEIGHT = 78;
/** Maximum number of points of a curve; more would not be visible. */
const MOST_POINTS = 2000;
/** Minimum range of an axis, px; a narrower one would only magnify rounding. */
const LEAST_SPAN = 0.02;
const DASHED = [5, 2];

/** Draws a row for each pair: both curves, and B minus A. `nameA`, `nameB`: names of the experiments. */
export function comparisonFigure(
  title: string,
  nameA: string,
  nameB: string,
  pairs: readonly CurvePair[],
): TopLevelSpec {
  const width = Math.floor((pxOfMm(PAGE_MM) - 14 - 2 * LEFT - GAP) / 2);
  const longestMs = 1000 * Math.max(0, ...pairs.flatMap(({ a, b }) => [a.seconds.at(-1) ?? 0, b.seconds.at(-1) ?? 0]));
  const unit = timeUnit(longestMs);
  const rowsOf = pairs.map(({ label, a, b }, at) => {
    const look = { width, unit, longestMs, first: at === 0, last: at === pairs.length - 1 };
    return {
      spacing: GAP,
      hconcat: [
        panel([...rows(a, "A"), ...rows(b, "B")], { ...look, heading: "Shift from baseline (px)", name: label }),
        panel(rows(differenceOf(a, b), "B - A"), { ...look, heading: "Difference B − A (px)", name: label }),
      ],
      resolve: { scale: { x: "independent", y: "independent" } },
    };
  });
  const subtitle = [`A (solid): ${nameA}`, `B (dashed): ${nameB}`];
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: { ...STYLE, ...PRINT_STYLE },
    ...printTitle(title, subtitle, pxOfMm(PAGE_MM) - 14),
    spacing: 8,
    vconcat: rowsOf,
  } as TopLevelSpec;
}

interface PanelLook {
  readonly width: number;
  readonly unit: { readonly unit: string; readonly ms: number };
  /** Length of the time axis, ms. */
  readonly longestMs: number;
  readonly first: boolean;
  readonly last: boolean;
  /** Heading above the first panel. */
  readonly heading: string;
  /** Name of the grating. */
  readonly name: string;
}

function panel(points: readonly Point[], { width, unit, longestMs, first, last, heading, name }: PanelLook): object {
  const values = points.map(({ s, px, of }) => ({ t: (s * 1000) / unit.ms, px, of }));
  const axis = { grid: false, tickCount: 5 };
  return {
    ...(first ? { title: { text: heading, fontSize: pxOfPoints(8), fontWeight: "normal", anchor: "start" } } : {}),
    data: { values },
    width,
    height: HEIGHT,
    mark: { type: "line", strokeWidth: 1, invalid: "break-paths-show-domains" },
    encoding: {
      x: {
        field: "t",
        type: "quantitative",
        axis: last
          ? { ...axis, title: `Time since the first frame of each (${unit.unit})` }
          : { ...axis, title: null, labels: false, ticks: false },
        scale: { domain: [0, longestMs / unit.ms], nice: false },
      },
      y: {
        field: "px",
        type: "quantitative",
        axis: { title: name, tickCount: 4, minExtent: LEFT - 23 },
        scale: { domain: limitsOf(points), nice: false, zero: false },
      },
      color: {
        field: "of",
        type: "nominal",
        scale: { domain: ["A", "B", "B - A"], range: [COLOURS[0], COLOURS[1], COLOURS[2]] },
        legend: null,
      },
      strokeDash: {
        field: "of",
        type: "nominal",
        scale: { domain: ["A", "B", "B - A"], range: [[1, 0], DASHED, [1, 0]] },
        legend: null,
      },
    },
  };
}

/** Returns the range of all values, with a margin. */
function limitsOf(points: readonly Point[]): [number, number] {
  const known = points.flatMap(({ px }) => (px === null ? [] : [px]));
  if (known.length === 0) return [-1, 1];
  const [low, high] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  const margin = Math.max((LEAST_SPAN - (high - low)) / 2, 0.05 * (high - low));
  return [low - margin, high + margin];
}

interface Point {
  readonly s: number;
  readonly px: number | null;
  readonly of: string;
}

function rows({ seconds, values }: TimedCurve, of: string): Point[] {
  const step = Math.max(1, Math.ceil(seconds.length / MOST_POINTS));
  const shown: Point[] = [];
  for (let at = 0; at < seconds.length; at += step) {
    const px = values[at] as number;
    shown.push({ s: seconds[at] as number, px: Number.isFinite(px) ? px : null, of });
  }
  return shown;
}

/** Returns B minus A at the times of A, with B interpolated linearly; NaN beyond the ends of B. */
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
