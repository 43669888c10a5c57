// Draws the upper part of the chip figure: all ROIs as a heat map and the temperatures below it, on one time axis.
import type { GroupMark } from "vega";
import { type TimeZone, UTC } from "../system/time-zone.ts";
import type { PanelPlace } from "./chip-layout.ts";
import { INK, SENSOR_COLOURS, TIME_FORMAT, textMark, timeTitle } from "./figure-style.ts";
import { SHIFT_COLOURS } from "./heat-map.ts";
import { markerMarks, placedMarkers } from "./marker-marks.ts";
import type { PlotMarker, TemperatureSeries } from "./plot-input.ts";
import { labelsByTime, timeTicks } from "./time-ticks.ts";
import { celsiusLimits, type Limits, traceOf } from "./trace.ts";

/** Space for the row names on the left; the colour bar and the legend are right of the overview. */
const LEFT = 56;
export const OVERVIEW_WIDTH = 1054;
export const TEMPERATURE_HEIGHT = 70;

function timeScale(span: Limits): NonNullable<GroupMark["scales"]>[number] {
  return { name: "x", type: "utc", domain: [...span], range: [0, OVERVIEW_WIDTH] };
}

/** Signals with these names set the lengths of a group's axes and grids. */
function sizeSignals(height: number): NonNullable<GroupMark["signals"]> {
  return [
    { name: "width", value: OVERVIEW_WIDTH },
    { name: "height", value: height },
  ];
}

function timeAxis(span: Limits, zone: TimeZone): NonNullable<GroupMark["axes"]>[number] {
  const ticks = timeTicks(span, zone, 9);
  const inZone = {
    values: ticks.map(({ at }) => at),
    encode: { labels: { update: { text: { signal: labelsByTime(ticks, "+datum.value") } } } },
  };
  return {
    ...(zone.name === "UTC" ? {} : inZone),
    scale: "x",
    orient: "bottom",
    title: timeTitle(span, zone),
    format: TIME_FORMAT,
    formatType: "utc",
    tickCount: 9,
    labelOverlap: true,
    grid: false,
  };
}

/** Returns the heat map with the names of the chip's rows and the colour bar; `note` is written in its middle. */
export function overview(
  places: readonly PanelPlace[],
  url: string,
  height: number,
  span: Limits,
  most: number,
  last: boolean,
  note: string | undefined,
  markers: readonly PlotMarker[] = [],
  zone: TimeZone = UTC,
): GroupMark {
  // The first ROI of each row of the chip names the row, if there is space for the name.
  const step = height / places.length;
  let free = 0;
  const names = places.flatMap(({ panel, row }, i) => {
    if (i > 0 && places[i - 1]?.row === row) return [];
    const y = i * step;
    if (y < free) return [];
    free = y + 12;
    return [{ y, panel }];
  });
  return {
    type: "group",
    encode: {
      enter: { x: { value: LEFT }, y: { value: 0 }, width: { value: OVERVIEW_WIDTH }, height: { value: height } },
    },
    signals: sizeSignals(height),
    data: [{ name: "names", values: names }],
    scales: [
      timeScale(span),
      {
        name: "shift",
        type: "linear",
        domain: SHIFT_COLOURS.map((_c, i) => most * ((2 * i) / (SHIFT_COLOURS.length - 1) - 1)),
        range: [...SHIFT_COLOURS],
      },
    ],
    axes: last ? [timeAxis(span, zone)] : [],
    legends: [
      {
        fill: "shift",
        type: "gradient",
        title: ["Shift from", "baseline (px)"],
        orient: "right",
        gradientLength: Math.min(height - 40, 150),
        gradientThickness: 12,
        offset: 14,
        format: ".3~f",
        tickCount: 5,
      },
    ],
    marks: [
      {
        type: "image",
        encode: {
          enter: {
            url: { value: url },
            x: { value: 0 },
            y: { value: 0 },
            width: { value: OVERVIEW_WIDTH },
            height: { value: height },
            aspect: { value: false },
          },
        },
      },
      {
        type: "text",
        from: { data: "names" },
        encode: {
          enter: {
            x: { value: -6 },
            y: { field: "y", offset: 5 },
            text: { field: "panel" },
            align: { value: "right" },
            baseline: { value: "middle" },
            fontSize: { value: 9.5 },
            fill: { value: INK },
          },
        },
      },
      {
        type: "rule",
        from: { data: "names" },
        encode: { enter: { x: { value: -4 }, x2: { value: 0 }, y: { field: "y" }, stroke: { value: "#999999" } } },
      },
      ...markerMarks(placedMarkers(markers, span, OVERVIEW_WIDTH), height),
      ...(note === undefined ? [] : [textMark(note, OVERVIEW_WIDTH / 2, height / 2, { size: 15, align: "center" })]),
    ],
  };
}

/** Returns the panel of temperatures, on the time axis of the overview. */
export function temperaturePanel(
  temperatures: readonly TemperatureSeries[],
  top: number,
  span: Limits,
  markers: readonly PlotMarker[] = [],
  zone: TimeZone = UTC,
): GroupMark {
  const unlimited: Limits = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const values = temperatures.flatMap(({ sensor, timesMs, values: celsius }) =>
    traceOf(
      { label: sensor, baselinePx: 0, timesMs, values: celsius, flags: new Uint8Array(celsius.length) },
      0,
      span,
      OVERVIEW_WIDTH / 2,
      unlimited,
    ).runs.flatMap((run, index) =>
      run.map(({ t, v }) => ({ t, v, sensor, run: `${sensor}.${index}`, alone: run.length === 1 })),
    ),
  );
  const sensors = temperatures.map(({ sensor }) => sensor);
  const place = { x: { scale: "x", field: "t" }, y: { scale: "y", field: "v" } };
  return {
    type: "group",
    encode: {
      enter: {
        x: { value: LEFT },
        y: { value: top },
        width: { value: OVERVIEW_WIDTH },
        height: { value: TEMPERATURE_HEIGHT },
        stroke: { value: "#999999" },
      },
    },
    signals: sizeSignals(TEMPERATURE_HEIGHT),
    data: [{ name: "celsius", values }],
    scales: [
      timeScale(span),
      {
        name: "y",
        type: "linear",
        zero: false,
        domain: [...celsiusLimits(temperatures)],
        range: [TEMPERATURE_HEIGHT, 0],
      },
      {
        name: "sensor",
        type: "ordinal",
        domain: sensors,
        range: sensors.map((_s, i) => SENSOR_COLOURS[i % SENSOR_COLOURS.length] ?? INK),
      },
    ],
    axes: [timeAxis(span, zone), { scale: "y", orient: "left", title: "°C", tickCount: 3, grid: true }],
    legends: [{ stroke: "sensor", symbolType: "stroke", title: "Sensor", orient: "right", offset: 14, labelLimit: 96 }],
    marks: [
      {
        type: "group",
        from: { facet: { name: "run", data: "celsius", groupby: ["run"] } },
        marks: [
          {
            type: "line",
            from: { data: "run" },
            encode: { enter: { ...place, stroke: { scale: "sensor", field: "sensor" }, strokeWidth: { value: 1.3 } } },
          },
        ],
      },
      {
        type: "symbol",
        from: { data: "celsius" },
        encode: {
          enter: { ...place, size: { signal: "datum.alone ? 20 : 0" }, fill: { scale: "sensor", field: "sensor" } },
        },
      },
      ...markerMarks(placedMarkers(markers, span, OVERVIEW_WIDTH), TEMPERATURE_HEIGHT, false),
    ],
  };
}
