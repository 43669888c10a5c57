// Draws up to 20 ROIs: the resonances in one panel with a legend, and the temperatures below on the same time axis.
import type { TopLevelSpec } from "vega-lite";
import { TimeZone } from "../system/time-zone.ts";
import {
  baselineNote,
  COLOURS,
  CROSS,
  DASHES,
  DOUBTFUL_COLOUR,
  emptyNote,
  INK,
  markNote,
  SENSOR_COLOURS,
  STYLE,
  summary,
  TIME_FORMAT,
  timeTitle,
} from "./figure-style.ts";
import { markerLayers, placedMarkers } from "./marker-marks.ts";
import type { PlotInput, PlotSeries, TemperatureSeries } from "./plot-input.ts";
import { timeTicks, vegaLiteTicks } from "./time-ticks.ts";
import { celsiusLimits, type Limits, robustLimits, type Trace, timeSpan, traceOf, zeroOf } from "./trace.ts";

// In print, 170 mm wide, the text of the figure is 7 points high.
const WIDTH = 660;
const HEIGHT = 370;
const TEMPERATURE_HEIGHT = 110;
/** Maximum number of rows for Vega, for all lines together: its time is proportional to them. */
const POINT_BUDGET = 12_000;
/** Curves with at most this many points are drawn with point marks. */
const FEW_POINTS = 40;

/**
 * Returns the specification for up to 20 ROIs. One ROI, or one frame, is drawn as positions, otherwise as shifts from
 * baselines.
 */
export function stackedFigure(input: PlotInput): TopLevelSpec {
  const span = timeSpan(input.spanMs);
  const zero = (series: PlotSeries) => (showsShifts(input) ? zeroOf(series) : 0);
  const limits = input.limits ?? robustLimits(input.series, zero);
  const columns = Math.min(WIDTH, Math.floor(POINT_BUDGET / 4 / Math.max(input.series.length, 1)));
  const traces = input.series.map((series) => traceOf(series, zero(series), span, columns, limits ?? [-1, 1]));
  const marks = {
    doubtful: traces.some(({ doubtful, clipped }) => doubtful.length > 0 || clipped.some((point) => point.doubtful)),
    clipped: traces.some(({ clipped }) => clipped.length > 0),
  };
  const drawn = input.temperatures.filter((series) => series.values.some(Number.isFinite));
  const resonance = resonancePanel(input, traces, span, limits, drawn.length === 0);
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: STYLE,
    title: {
      text: input.title,
      subtitle: [summary(input), ...(showsShifts(input) ? baselineNote(input) : []), ...markNote(marks)],
      anchor: "start",
    },
    spacing: 14,
    bounds: "flush",
    vconcat: drawn.length === 0 ? [resonance] : [resonance, temperaturePanel(input, drawn, span)],
    resolve: { scale: { color: "independent", strokeDash: "independent" } },
  } as TopLevelSpec;
}

function zoneOf({ timeZone = "UTC" }: Pick<PlotInput, "timeZone">): TimeZone {
  return new TimeZone(timeZone);
}

/** Whether shifts are shown: a single frame has none, and a single ROI needs none. */
function showsShifts(input: PlotInput): boolean {
  return input.series.length > 1 && input.frames > 1;
}

function timeAxis(span: Limits, labelled: boolean, zone: TimeZone): object {
  const ticks = zone.name === "UTC" ? { format: TIME_FORMAT, tickCount: 7 } : vegaLiteTicks(timeTicks(span, zone, 7));
  return {
    field: "t",
    type: "temporal",
    scale: { type: "utc", domain: [...span], nice: false },
    axis: {
      title: labelled ? timeTitle(span, zone) : null,
      labels: labelled,
      ticks: labelled,
      ...ticks,
      labelOverlap: true,
      labelFlush: false,
    },
  };
}

function resonancePanel(
  input: PlotInput,
  traces: readonly Trace[],
  span: Limits,
  limits: Limits | undefined,
  last: boolean,
): object {
  const several = input.series.length > 1;
  const shifts = showsShifts(input);
  const names = input.series.map((series) =>
    shifts && series.baselinePx !== undefined ? `${series.label}  ${series.baselinePx.toFixed(2)}` : series.label,
  );
  const line = traces.flatMap((trace, roi) =>
    trace.runs.flatMap((points, run) => points.map(({ t, v }) => ({ t, v, roi: names[roi], run: `${roi}.${run}` }))),
  );
  // A point without neighbours would be a line of no length: it is drawn as a dot.
  const dots = traces.flatMap((trace, roi) => {
    const few = trace.runs.reduce((sum, points) => sum + points.length, 0) <= FEW_POINTS;
    return trace.runs
      .filter((points) => few || points.length === 1)
      .flatMap((points) => points.map(({ t, v }) => ({ t, v, roi: names[roi] })));
  });
  const marks = traces.flatMap(({ doubtful, clipped }, roi) => {
    const colour = several ? COLOURS[roi % COLOURS.length] : DOUBTFUL_COLOUR;
    const side = (v: number) => (limits !== undefined && v >= limits[1] ? "above" : "below");
    return [
      ...doubtful.map(({ t, v }) => ({ t, v, mark: "doubtful", colour })),
      ...clipped.map(({ t, v, doubtful: bad }) => ({ t, v, mark: side(v), colour: bad || several ? colour : INK })),
    ];
  });
  const x = timeAxis(span, last, zoneOf(input));
  const y = {
    field: "v",
    type: "quantitative",
    scale: { domain: [...(limits ?? [-1, 1])], nice: false, zero: false },
    axis: {
      title: shifts ? "Shift from baseline (px)" : "Resonance position (px)",
      minExtent: 44,
      labels: limits !== undefined,
      ticks: limits !== undefined,
      tickCount: 8,
    },
  };
  const legend = several ? { title: shifts ? "ROI, baseline (px)" : "ROI", symbolType: "stroke", values: names } : null;
  const colour = {
    field: "roi",
    type: "nominal",
    scale: { domain: names, range: names.map((_name, i) => COLOURS[i % COLOURS.length]) },
    legend,
  };
  const dash = {
    field: "roi",
    type: "nominal",
    scale: { domain: names, range: names.map((_name, i) => [...(DASHES[Math.floor(i / COLOURS.length)] ?? [1, 0])]) },
    legend,
  };
  return {
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: line },
        mark: { type: "line", strokeWidth: 1.4, strokeJoin: "round" },
        encoding: { x, y, color: colour, strokeDash: dash, detail: { field: "run" } },
      },
      {
        data: { values: dots },
        mark: { type: "point", filled: true, size: 22, opacity: 1 },
        encoding: { x, y, color: colour },
      },
      {
        data: { values: marks },
        mark: { type: "point", size: 46, strokeWidth: 1.6, opacity: 0.9 },
        encoding: {
          x,
          y,
          shape: {
            field: "mark",
            type: "nominal",
            scale: { domain: ["doubtful", "above", "below"], range: [CROSS, "triangle-up", "triangle-down"] },
            legend: null,
          },
          stroke: { field: "colour", type: "nominal", scale: null, legend: null },
        },
      },
      ...markerLayers(placedMarkers(input.markers ?? [], span, WIDTH), x),
      ...(limits === undefined
        ? [
            {
              data: { values: [{}] },
              mark: { type: "text", text: emptyNote(input), fontSize: 15, color: "#666666" },
              encoding: { x: { value: WIDTH / 2 }, y: { value: HEIGHT / 2 } },
            },
          ]
        : []),
    ],
  };
}

function temperaturePanel(
  { markers = [], timeZone = "UTC" }: PlotInput,
  temperatures: readonly TemperatureSeries[],
  span: Limits,
): object {
  const sensors = temperatures.map(({ sensor }) => sensor);
  const rows = temperatures.flatMap(({ sensor, timesMs, values }) => {
    const nothing = new Uint8Array(values.length);
    const unlimited: Limits = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const { runs } = traceOf(
      { label: sensor, baselinePx: 0, timesMs, values, flags: nothing },
      0,
      span,
      WIDTH / 2,
      unlimited,
    );
    return runs.flatMap((points, run) =>
      points.map(({ t, v }) => ({ t, v, sensor, run: `${sensor}.${run}`, alone: points.length === 1 })),
    );
  });
  const x = timeAxis(span, true, zoneOf({ timeZone }));
  const y = {
    field: "v",
    type: "quantitative",
    scale: { zero: false, nice: false, domain: [...celsiusLimits(temperatures)] },
    axis: { title: "Temperature (°C)", minExtent: 44, tickCount: 4 },
  };
  const scale = {
    domain: sensors,
    range: sensors.map((_sensor, i) => SENSOR_COLOURS[i % SENSOR_COLOURS.length]),
  };
  const color = { field: "sensor", type: "nominal", scale, legend: { title: "Sensor", symbolType: "stroke" } };
  return {
    width: WIDTH,
    height: TEMPERATURE_HEIGHT,
    data: { values: rows },
    layer: [
      { mark: { type: "line", strokeWidth: 1.4 }, encoding: { x, y, color, detail: { field: "run" } } },
      {
        transform: [{ filter: "datum.alone" }],
        mark: { type: "point", filled: true, size: 22, opacity: 1 },
        encoding: { x, y, color },
      },
      ...markerLayers(placedMarkers(markers, span, WIDTH), x, false),
    ],
  };
}
