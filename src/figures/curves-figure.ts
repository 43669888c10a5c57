// Draws curves for print: over each other, or with their rolling median and its difference below.
import type { TopLevelSpec } from "vega-lite";
import { rollingDifference, rollingMedian } from "../assay/rolling.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { drawnSeries, type FigureCurve, limitsOf } from "./figure-curve.ts";
import { COLOURS, CROSS, DASHES, DOUBTFUL_COLOUR, STYLE } from "./figure-style.ts";
import { markerLayers, placedMarkers } from "./marker-marks.ts";
import type { PlacedMarker } from "./marker-places.ts";
import type { PlotMarker } from "./plot-input.ts";
import { type FigureSize, PRINT_STYLE, pxOfPoints } from "./print-style.ts";
import { type PrintTime, printTime } from "./print-time.ts";
import { printTitle } from "./print-title.ts";
import { textWidth } from "./text-width.ts";
import { type Limits, timeSpan, traceOf } from "./trace.ts";

/** Options of all figures of curves. */
export interface CurvesLook {
  readonly title: string;
  readonly subtitle: readonly string[];
  readonly size: FigureSize;
  /** "Shift from baseline (px)". */
  readonly quantity: string;
  /** Limits of the vertical axis; undefined: the range of the curves. */
  readonly limits: Limits | undefined;
  readonly firstMs: number;
  /** Show the time of day instead of the time since the first frame. */
  readonly clock: boolean;
  readonly zone: TimeZone;
  /** Markers and injections to draw. */
  readonly markers: readonly PlotMarker[];
}

/** Maximum number of curves that colours and dashes distinguish. */
export const MOST_TOLD_APART = COLOURS.length * DASHES.length;

/** Maximum number of rows for Vega, for all lines together. */
const POINT_BUDGET = 60_000;
const LEFT = 46;
const LEGEND_SYMBOL = 38;

interface Panel {
  readonly curves: readonly FigureCurve[];
  readonly quantity: string;
  readonly limits: Limits | undefined;
  readonly height: number;
  /** Curves drawn thin and pale in the background. */
  readonly behind?: readonly FigureCurve[];
}

/** Draws the curves over each other. */
export function curvesFigure(curves: readonly FigureCurve[], look: CurvesLook): TopLevelSpec {
  const height = plotHeight(curves.length, look.size, 0.56);
  return figure(look, curves, [{ curves, quantity: look.quantity, limits: look.limits, height }]);
}

/** Draws the curves with their rolling medians over `frames` frames, and below them the step of these medians at each frame. */
export function rollingFigure(curves: readonly FigureCurve[], frames: number, look: CurvesLook): TopLevelSpec {
  const height = plotHeight(curves.length, look.size, 0.8);
  const rolled = rolledCurves(curves, frames);
  return figure(look, curves, [
    {
      curves: rolled.map(({ median }) => median),
      behind: curves,
      quantity: look.quantity,
      limits: look.limits,
      height: Math.round(0.56 * height),
    },
    {
      curves: rolled.map(({ difference }) => difference),
      quantity: "Difference of medians (px)",
      limits: undefined,
      height: Math.round(0.44 * height),
    },
  ]);
}

/** Computes rolling medians; flagged values are ignored. */
export function rolledCurves(curves: readonly FigureCurve[], frames: number) {
  return curves.map((curve) => {
    const sound = curve.values.map((value, at) => (curve.flags[at] === 0 ? value : Number.NaN));
    const unflagged = { label: curve.label, timesUs: curve.timesUs, flags: new Uint8Array(sound.length) };
    return {
      median: { ...unflagged, values: rollingMedian(sound, frames) },
      difference: { ...unflagged, values: rollingDifference(sound, frames) },
    };
  });
}

function plotHeight(curves: number, { width, height }: FigureSize, shape: number): number {
  if (height !== undefined) return Math.max(60, height - 90);
  const legend = curves > 1 && curves <= MOST_TOLD_APART ? curves * 14 + 10 : 0;
  return Math.round(Math.max(shape * Math.min(width, 500), legend));
}

function figure(look: CurvesLook, curves: readonly FigureCurve[], panels: readonly Panel[]): TopLevelSpec {
  const labels = curves.map(({ label }) => label);
  const hasLegend = labels.length > 1 && labels.length <= MOST_TOLD_APART;
  const widest = Math.max(...labels.map((label) => textWidth(label, pxOfPoints(7))));
  const width = Math.round(look.size.width - 14 - LEFT - (hasLegend ? LEGEND_SYMBOL + widest : 4));
  const all = curves.flatMap(({ timesUs }) => [timesUs[0] ?? 0, timesUs.at(-1) ?? 0]);
  const span = timeSpan([Math.min(...all) / 1000, Math.max(...all) / 1000]);
  const time = printTime(span, look);
  const markers = placedMarkers(look.markers, span, width).map((marker) => ({ ...marker, t: time.x(marker.t) }));
  const frame = { labels, width, span, time, markers };
  const drawn = panels.map((panel, at) =>
    panelOf(panel, { ...frame, isFirst: at === 0, hasLegend: hasLegend && at === 0, isLast: at === panels.length - 1 }),
  );
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: { ...STYLE, ...PRINT_STYLE },
    ...printTitle(look.title, look.subtitle, look.size.width - 14),
    spacing: 10,
    vconcat: drawn,
  } as TopLevelSpec;
}

interface PanelFrame {
  readonly labels: readonly string[];
  readonly hasLegend: boolean;
  readonly width: number;
  readonly span: Limits;
  readonly time: PrintTime;
  readonly markers: readonly PlacedMarker[];
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

function panelOf({ curves, behind = [], quantity, limits, height }: Panel, frame: PanelFrame): object {
  const { labels, width, span, time } = frame;
  const series = curves.map(drawnSeries);
  const shown: Limits = limits ?? limitsOf([...series, ...behind.map(drawnSeries)]);
  const columns = Math.min(2 * width, Math.floor(POINT_BUDGET / 4 / Math.max(curves.length, 1)));
  const traces = series.map((one) => traceOf(one, 0, span, columns, shown));
  const pale = behind.map((one) => traceOf(drawnSeries(one), 0, span, columns, shown));
  const lines = (of: typeof traces) =>
    of.flatMap(({ runs }, at) => {
      const look = { label: labels[at], colour: COLOURS[at % COLOURS.length] };
      return runs.flatMap((points, run) =>
        points.map(({ t, v }) => ({ t: time.x(t), v, run: `${at}.${run}`, ...look })),
      );
    });
  const flagged = traces.flatMap(({ doubtful }) => doubtful.map(({ t, v }) => ({ t: time.x(t), v })));
  const clipped = traces.flatMap(({ clipped: of }) =>
    of.map(({ t, v }) => ({ t: time.x(t), v, side: v >= shown[1] ? "above" : "below" })),
  );
  const x = time.encoding(frame.isLast, width);
  const y = {
    field: "v",
    type: "quantitative",
    scale: { domain: [...shown], nice: false, zero: false },
    axis: { title: quantity, minExtent: LEFT - 14, tickCount: Math.max(3, Math.round(height / 40)) },
  };
  const legend = frame.hasLegend ? { title: null, symbolType: "stroke", values: [...labels] } : null;
  const look = (range: readonly unknown[]) => ({
    field: "label",
    type: "nominal",
    scale: { domain: [...labels], range },
    legend,
  });
  const color = look(labels.map((_label, at) => COLOURS[at % COLOURS.length]));
  const strokeDash = look(labels.map((_label, at) => dashOf(at)));
  const detail = { field: "run" };
  const strokeWidth = labels.length > MOST_TOLD_APART ? 0.6 : 1.2;
  return {
    width,
    height,
    layer: [
      {
        data: { values: lines(pale) },
        mark: { type: "line", strokeWidth: 0.5, opacity: 0.4 },
        // Without its own scale: a layer without a legend would remove that of the others.
        encoding: { x, y, stroke: { field: "colour", type: "nominal", scale: null, legend: null }, detail },
      },
      {
        data: { values: lines(traces) },
        mark: { type: "line", strokeWidth, strokeJoin: "round" },
        encoding: { x, y, color, strokeDash, detail },
      },
      {
        data: { values: flagged },
        mark: { type: "point", shape: CROSS, color: DOUBTFUL_COLOUR, size: 18, strokeWidth: 0.9 },
        encoding: { x, y },
      },
      {
        data: { values: clipped },
        mark: { type: "point", filled: true, color: "#222222", size: 22, opacity: 1 },
        encoding: {
          x,
          y,
          shape: {
            field: "side",
            type: "nominal",
            scale: { domain: ["above", "below"], range: ["triangle-up", "triangle-down"] },
            legend: null,
          },
        },
      },
      ...markerLayers(frame.markers, x, frame.isFirst),
    ],
  };
}

function dashOf(at: number): number[] {
  return [...(DASHES[Math.floor(at / COLOURS.length) % DASHES.length] ?? [1, 0])];
}
