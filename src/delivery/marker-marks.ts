// Markers in drawings: a dashed line over the whole height, its text at the upper end where there is room for it.
import type { Mark } from "vega";
import { INK } from "./figure-style.ts";
import type { PlotMarker } from "./plot-input.ts";
import type { Limits } from "./trace.ts";

const DASH = [4, 3];
const FONT_SIZE = 10;
const CHARACTER_PX = 5.8;
const LONGEST_PX = 170;
const ROW_PX = 13;
const ROWS = 3;

interface PlacedMarker {
  readonly t: number;
  /** Empty where it would lie over others. */
  readonly text: string;
  /** px from the upper edge. */
  readonly y: number;
}

/** Those within `span`, on a drawing of `width` px; texts that would meet go to rows below one another. */
export function placedMarkers(markers: readonly PlotMarker[], span: Limits, width: number): PlacedMarker[] {
  const perMs = width / Math.max(1, span[1] - span[0]);
  const free = new Array<number>(ROWS).fill(0);
  return markers
    .filter(({ timeMs }) => timeMs >= span[0] && timeMs <= span[1])
    .map(({ timeMs, text }) => {
      const x = (timeMs - span[0]) * perMs;
      const row = free.findIndex((end) => end <= x);
      if (row < 0) return { t: timeMs, text: "", y: 0 };
      free[row] = x + Math.min(LONGEST_PX, text.length * CHARACTER_PX) + 8;
      return { t: timeMs, text, y: 8 + ROW_PX * row };
    });
}

/** Layers for Vega-Lite; `x` is the encoding of the time axis, field `t`. */
export function markerLayers(markers: readonly PlacedMarker[], x: object, texts = true): object[] {
  if (markers.length === 0) return [];
  const data = { values: markers };
  const rules = { data, mark: { type: "rule", color: INK, strokeDash: DASH, opacity: 0.7 }, encoding: { x } };
  if (!texts) return [rules];
  const look = { align: "left", baseline: "middle", dx: 4, fontSize: FONT_SIZE, color: INK, limit: LONGEST_PX };
  const y = { field: "y", type: "quantitative", scale: null, axis: null };
  const words = { data, mark: { type: "text", ...look }, encoding: { x, y, text: { field: "text" } } };
  return [rules, words];
}

/** The same as marks of a Vega group that is `height` px high and has a scale `x`. On any ground. */
export function markerMarks(markers: readonly PlacedMarker[], height: number, texts = true): Mark[] {
  return markers.flatMap(({ t, text, y }): Mark[] => {
    const x = { scale: "x", value: t };
    const rule: Mark = {
      type: "rule",
      encode: {
        enter: {
          x,
          y: { value: 0 },
          y2: { value: height },
          stroke: { value: INK },
          strokeDash: { value: DASH },
          opacity: { value: 0.7 },
        },
      },
    };
    if (!texts || text === "") return [rule];
    const words: Mark = {
      type: "text",
      encode: {
        enter: {
          x,
          dx: { value: 4 },
          y: { value: y },
          text: { value: text },
          limit: { value: LONGEST_PX },
          baseline: { value: "middle" },
          fontSize: { value: FONT_SIZE },
          fill: { value: INK },
        },
      },
    };
    return [rule, words];
  });
}
