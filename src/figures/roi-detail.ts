// Draws one ROI in detail: its sensorgram over the whole experiment, its pixels in one picture with the resonance of each row,
// and one row with the fitted line.
import type { TopLevelSpec } from "vega-lite";
import { imageLibrary } from "../image/library.ts";
import type { Sensorgram } from "../manifest/results.ts";
import type { JointLine } from "../measurement/method.ts";
import { medianOf } from "../measurement/statistics.ts";
import { counted } from "../system/counted.ts";
import { type TimeZone, UTC } from "../system/time-zone.ts";
import { CurveStore } from "./curve.ts";
import { COLOURS, CROSS, DOUBTFUL_COLOUR, METHOD_TITLES, STYLE, timeTitle } from "./figure-style.ts";
import { markerLayers, placedMarkers } from "./marker-marks.ts";
import type { PlotMarker, PlotSeries } from "./plot-input.ts";
import type { RoiView } from "./roi-view.ts";
import { timeTicks, vegaLiteTicks } from "./time-ticks.ts";
import { robustLimits, timeSpan, traceOf } from "./trace.ts";

const WIDTH = 690;
const CURVE_HEIGHT = 220;
const HALF = 310;

export interface RoiDetail {
  readonly label: string;
  /** Name of the experiment; absent or empty if unknown. */
  readonly experiment?: string;
  /** Time zone of the time axis. */
  readonly zone?: TimeZone;
  readonly method: keyof typeof METHOD_TITLES;
  /** Line shape of the ROI; absent for methods without a line for the whole ROI. */
  readonly line?: JointLine | undefined;
  readonly sensorgram: Sensorgram;
  readonly markers?: readonly PlotMarker[];
  /** undefined if no picture is left. */
  readonly view: (RoiView & { readonly filename: string }) | undefined;
}

/** Returns the specification of the figure. */
export async function roiDetailFigure({
  label,
  experiment = "",
  zone = UTC,
  method,
  line,
  sensorgram,
  markers = [],
  view,
}: RoiDetail): Promise<TopLevelSpec> {
  const errors = sensorgram.standardError.filter(Number.isFinite);
  const subtitle = [
    METHOD_TITLES[method],
    ...(line === undefined || line === "auto" ? [] : [`${line} line`]),
    counted(sensorgram.position.length, "frame"),
    ...(errors.length > 0
      ? [`median standard error of one position ${medianOf(errors).toFixed(4)} px (from its fit; not the noise)`]
      : []),
  ].join("  ·  ");
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: STYLE,
    title: {
      text: experiment === "" ? `ROI ${label}` : `ROI ${label}, ${experiment}`,
      subtitle: [subtitle, ...(view === undefined ? ["the image is no longer on this computer"] : [])],
      anchor: "start",
    },
    spacing: 18,
    vconcat: [curve(label, sensorgram, markers, zone), ...(view === undefined ? [] : [await pictureRow(view)])],
  } as TopLevelSpec;
}

function curve(
  label: string,
  { capturedAtUs, position, flags }: Sensorgram,
  markers: readonly PlotMarker[],
  zone: TimeZone,
): object {
  // CurveStore decides which pauses are gaps.
  const store = new CurveStore([label], 4 * WIDTH);
  capturedAtUs.forEach((timeUs, at) => {
    store.add(timeUs, position.subarray(at, at + 1), flags.subarray(at, at + 1));
  });
  const series: PlotSeries = { label, baselinePx: undefined, ...store.curve(0) };
  const [firstUs, lastUs] = store.spanUs ?? [];
  const known = firstUs !== undefined && lastUs !== undefined;
  const span = timeSpan(known ? [firstUs / 1000, lastUs / 1000] : undefined);
  const limits = robustLimits([series], () => 0) ?? [-1, 1];
  const trace = traceOf(series, 0, span, WIDTH, limits);
  const points = trace.runs.flatMap((run, index) => run.map(({ t, v }) => ({ t, v, run: index })));
  const marks = [...trace.doubtful, ...trace.clipped].map(({ t, v }) => ({ t, v }));
  const x = {
    field: "t",
    type: "temporal",
    scale: { type: "utc", domain: [...span], nice: false },
    axis: {
      title: timeTitle(span, zone),
      ...vegaLiteTicks(timeTicks(span, zone, 7)),
      labelOverlap: true,
      labelFlush: false,
    },
  };
  const y = {
    field: "v",
    type: "quantitative",
    scale: { zero: false, domain: [...limits], nice: false },
    axis: { title: "Resonance position (px)" },
  };
  return {
    width: WIDTH,
    height: CURVE_HEIGHT,
    layer: [
      {
        data: { values: points },
        mark: { type: "line", color: COLOURS[0], strokeWidth: 1.3, point: points.length < 40 },
        encoding: { x, y, detail: { field: "run", type: "nominal" } },
      },
      {
        data: { values: marks },
        mark: { type: "point", shape: CROSS, color: DOUBTFUL_COLOUR, size: 34 },
        encoding: { x, y },
      },
      ...markerLayers(placedMarkers(markers, span, WIDTH), x),
    ],
  };
}

async function pictureRow(view: RoiView & { readonly filename: string }): Promise<object> {
  return {
    spacing: 44,
    hconcat: [await pixels(view), profile(view)],
    // Each panel has axes of its own.
    resolve: { scale: { x: "independent", y: "independent", color: "independent" } },
  };
}

async function pixels({ width, height, pixels: counts, rowPositions, row, filename }: RoiView & { filename: string }) {
  const scale = HALF / width;
  const drawn = Math.min(360, Math.max(60, Math.round(height * scale)));
  const url = await grayPng(counts, width, height);
  const px = (title: string, field: string, most: number, reversed = false) => ({
    field,
    type: "quantitative",
    scale: { domain: reversed ? [most, 0] : [0, most], nice: false },
    axis: { title, grid: false },
  });
  const rows = Array.from(rowPositions, (position, y) => ({ x: position + 0.5, y: y + 0.5 })).filter(
    ({ x }) => x >= 0 && x <= width,
  );
  const x = px("Pixel of the row", "x", width);
  const y = px("Row", "y", height, true);
  return {
    width: HALF,
    height: drawn,
    title: { text: filename, fontSize: 11, anchor: "start" },
    layer: [
      {
        data: { values: [{ x: width / 2, y: height / 2, url }] },
        mark: { type: "image", width: HALF, height: drawn, aspect: false },
        encoding: { x, y, url: { field: "url", type: "nominal" } },
      },
      { data: { values: rows }, mark: { type: "circle", color: "#ff7f0e", size: 9, opacity: 0.9 }, encoding: { x, y } },
      {
        data: { values: [{ y: row + 0.5 }] },
        mark: { type: "rule", color: COLOURS[4], strokeDash: [4, 3] },
        encoding: { y },
      },
    ],
  };
}

function profile({ profile: counts, fit, row }: RoiView): object {
  const values = Array.from(counts, (v, x) => ({ x, v }));
  const line = fit === undefined ? [] : Array.from(fit.line, (v, x) => ({ x, v }));
  const x = { field: "x", type: "quantitative", axis: { title: "Pixel of the row" }, scale: { nice: false } };
  const y = { field: "v", type: "quantitative", axis: { title: "Counts" }, scale: { zero: false } };
  const at = fit === undefined ? "no fit" : `fit, resonance at ${fit.positionPx.toFixed(3)} px`;
  return {
    width: HALF,
    height: 250,
    title: { text: `Row ${row}: ${at}`, fontSize: 11, anchor: "start" },
    layer: [
      { data: { values }, mark: { type: "circle", color: "#555555", size: 16 }, encoding: { x, y } },
      { data: { values: line }, mark: { type: "line", color: COLOURS[0], strokeWidth: 1.8 }, encoding: { x, y } },
      {
        data: { values: fit === undefined ? [] : [{ x: fit.positionPx }] },
        mark: { type: "rule", color: COLOURS[1], strokeWidth: 1.5 },
        encoding: { x },
      },
    ],
  };
}

/** Returns the pixels as a gray picture stretched to their own range, enlarged without smoothing, as a data URI. */
async function grayPng(counts: Float64Array, width: number, height: number): Promise<string> {
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  const bytes = Uint8Array.from(counts, (v) => Math.round(((v - low) / Math.max(high - low, 1e-9)) * 255));
  const enlarged = Math.max(1, Math.round((2 * HALF) / width));
  const sharp = await imageLibrary();
  const png = await sharp(bytes, { raw: { width, height, channels: 1 } })
    .resize(width * enlarged, height * enlarged, { kernel: "nearest", fit: "fill" })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}
