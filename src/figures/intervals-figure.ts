// Draws the time resolution of an experiment as a histogram of the intervals between frames.
import type { TopLevelSpec } from "vega-lite";
import { type HistogramBar, histogramAxis } from "../assay/intervals.ts";
import { COLOURS, STYLE } from "./figure-style.ts";
import { type FigureSize, PRINT_STYLE, pxOfMm } from "./print-style.ts";
import { printTitle } from "./print-title.ts";

export interface IntervalsLook {
  readonly title: string;
  readonly subtitle: readonly string[];
  readonly size: FigureSize;
}

const LEFT = 52;
/** Ratio of bars from which the axis is logarithmic, so that a bar of one frame is visible next to bars of thousands. */
const LOGARITHMIC_FROM = 100;

/** Returns the specification; `bars` in seconds. The vertical axis is logarithmic if the highest bar would hide the others. */
export function intervalsFigure(bars: readonly HistogramBar[], { title, subtitle, size }: IntervalsLook): TopLevelSpec {
  const most = Math.max(...bars.map(({ count }) => count));
  const least = Math.min(...bars.filter(({ count }) => count > 0).map(({ count }) => count));
  const logarithmic = most >= LOGARITHMIC_FROM * least;
  const floor = logarithmic ? 0.5 : 0;
  const width = size.width - LEFT - 16;
  const values = bars.filter(({ count }) => count > 0).map((bar) => ({ ...bar, floor }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: { ...STYLE, ...PRINT_STYLE },
    ...printTitle(title, subtitle, size.width - 14),
    width,
    height: size.height === undefined ? Math.round(0.5 * Math.min(width, 500)) : Math.max(60, size.height - 90),
    data: { values },
    mark: { type: "bar", color: COLOURS[0], stroke: "#ffffff", strokeWidth: 0.4 },
    encoding: {
      x: {
        field: "from",
        type: "quantitative",
        scale: { zero: false, nice: false, domain: histogramAxis(bars) },
        axis: {
          title: "Time from frame to frame (s)",
          grid: false,
          tickCount: Math.max(3, Math.round(width / pxOfMm(20))),
        },
      },
      x2: { field: "to" },
      y: {
        field: "count",
        type: "quantitative",
        scale: logarithmic ? { type: "log", domain: [floor, most], nice: false } : { zero: true },
        axis: {
          title: logarithmic ? "Intervals (logarithmic)" : "Intervals",
          tickCount: 5,
          format: ",d",
          minExtent: 34,
        },
      },
      y2: { field: "floor" },
    },
  } as TopLevelSpec;
}
