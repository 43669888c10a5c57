// Draws more than 20 ROIs: an overview (heat map, ROI by time) with the temperatures below it on the same time axis, then one
// small panel per grating, laid out like the chip in the picture. Uses Vega itself: Vega-Lite would draw each panel's axes.
import type { GroupMark, Mark, Spec } from "vega";
import { TimeZone } from "../system/time-zone.ts";
import { plainLayout } from "./chip-layout.ts";
import {
  baselineNote,
  COLOURS,
  emptyNote,
  FAINT_INK,
  GRID,
  INK,
  markNote,
  summary,
  textMark,
  VEGA_STYLE,
} from "./figure-style.ts";
import { heatMap } from "./heat-map.ts";
import { OVERVIEW_WIDTH, overview, TEMPERATURE_HEIGHT, temperaturePanel } from "./overview.ts";
import { type PanelGrid, panelData, panelGrid, panelMarks, panelRows } from "./panels.ts";
import type { PlotInput } from "./plot-input.ts";
import { PNG_ZOOM } from "./rasterise.ts";
import { type Limits, robustLimits, timeSpan, traceOf, zeroOf } from "./trace.ts";

const WIDTH = 1240;
const BELOW_AXIS = 52;
/** Maximum number of points in all panels together. */
const POINT_BUDGET = 120_000;

/** Maximum number of heat-map pixels with their own value. */
const HEAT_MAP_BUDGET = 200_000;

const HEAT_MAP_NOTE = "overview: light grey: nothing measured, dark grey: only flagged";

/** Returns the specification for more than 20 ROIs. Shifts are from each ROI's baseline, and all panels have the same axes. */
export async function chipFigure(input: PlotInput): Promise<Spec> {
  const layout = input.layout ?? plainLayout(input.series.map(({ label }) => label));
  const placeOf = new Map(layout.map((place) => [place.label, place]));
  const series = input.series
    .flatMap((one) => {
      const place = placeOf.get(one.label);
      return place === undefined ? [] : [{ one, place }];
    })
    .sort((a, b) => a.place.row - b.place.row || a.place.column - b.place.column);
  const places = series.map(({ place }) => place);
  const span = timeSpan(input.spanMs);
  const zone = new TimeZone(input.timeZone ?? "UTC");
  const limits = input.limits ?? robustLimits(input.series, zeroOf);
  const drawnLimits: Limits = limits ?? [-1, 1];
  const grid = panelGrid(places, WIDTH);
  const columns = Math.min(grid.width, Math.floor(POINT_BUDGET / 4 / series.length));
  const draw = (width: number) => series.map(({ one }) => traceOf(one, zeroOf(one), span, width, drawnLimits));
  const traces = draw(columns);
  const rows = panelRows(places, traces, grid, span, drawnLimits);
  const temperatures = input.temperatures.filter(({ values }) => values.some(Number.isFinite));

  const overviewHeight = Math.min(420, Math.max(160, series.length * 3));
  const most = Math.max(...drawnLimits.map(Math.abs));
  const pixels = { width: OVERVIEW_WIDTH, height: overviewHeight * PNG_ZOOM };
  const columnsOfMap = Math.min(OVERVIEW_WIDTH, Math.floor(HEAT_MAP_BUDGET / series.length));
  const map = await heatMap(draw(columnsOfMap), span, most, pixels.width, pixels.height);
  const temperatureTop = overviewHeight + 12;
  const overviewBottom = (temperatures.length > 0 ? temperatureTop + TEMPERATURE_HEIGHT : overviewHeight) + BELOW_AXIS;
  const gridTop = overviewBottom + 36;
  const notes = markNote({ doubtful: rows.doubtful.length > 0, clipped: rows.clipped.length > 0 });
  return {
    $schema: "https://vega.github.io/schema/vega/v6.json",
    background: "#ffffff",
    padding: 16,
    width: WIDTH,
    height: gridTop + grid.totalHeight,
    config: VEGA_STYLE,
    title: {
      text: input.title,
      subtitle: [summary(input), ...baselineNote(input), [...notes, HEAT_MAP_NOTE].join("  ·  ")],
      anchor: "start",
      frame: "group",
    },
    data: panelData(rows),
    marks: [
      overview(
        places,
        map,
        overviewHeight,
        span,
        most,
        temperatures.length === 0,
        limits === undefined ? emptyNote(input) : undefined,
        input.markers,
        zone,
      ),
      ...(temperatures.length === 0 ? [] : [temperaturePanel(temperatures, temperatureTop, span, input.markers, zone)]),
      panelHeading(
        grid,
        gridTop,
        drawnLimits,
        span,
        input.layout === undefined ? "Each grating" : "Each grating, arranged as in the image",
      ),
      panelMarks(grid, gridTop),
    ],
  };
}

/** Returns the text above the panels: the range of their axes, and the colours of the halves. */
function panelHeading(grid: PanelGrid, top: number, limits: Limits, span: Limits, heading: string): GroupMark {
  const [low, high] = limits.map((limit) => `${limit >= 0 ? "+" : "−"}${Math.abs(limit).toPrecision(3)}`);
  const hours = (span[1] - span[0]) / 3_600_000;
  const length =
    hours >= 48
      ? `${(hours / 24).toFixed(1)} days`
      : hours >= 2
        ? `${hours.toFixed(1)} hours`
        : `${(hours * 60).toFixed(1)} minutes`;
  const marks: Mark[] = [
    textMark(heading, 0, -22, { size: 13, align: "left", bold: true }),
    textMark(
      `each panel: ${low} to ${high} px of shift, ${length}; grey line: baseline`,
      heading.length * 7.4 + 20,
      -22,
      {
        size: 11,
        align: "left",
        colour: FAINT_INK,
      },
    ),
  ];
  grid.halves.forEach((half, i) => {
    if (half === "") return;
    const x = WIDTH - 60 * (grid.halves.length - i);
    marks.push({
      type: "rule",
      encode: {
        enter: {
          x: { value: x },
          x2: { value: x + 18 },
          y: { value: -22 },
          stroke: { value: COLOURS[i % COLOURS.length] ?? INK },
          strokeWidth: { value: 2.4 },
        },
      },
    });
    marks.push(textMark(half, x + 23, -22, { size: 11, align: "left" }));
  });
  return {
    type: "group",
    encode: {
      enter: {
        x: { value: 0 },
        y: { value: top },
        width: { value: WIDTH },
        height: { value: 0 },
        stroke: { value: GRID },
      },
    },
    marks,
  };
}
