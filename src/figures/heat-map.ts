// Draws the overview of many ROIs: one line of pixels per ROI, time to the right, colour for the shift. It is an image, because
// as many rectangles would take Vega a minute.
import { imageLibrary } from "../image/library.ts";
import type { Limits, Trace, TracePoint } from "./trace.ts";

/** Colours from below to above the baseline: blue, white, orange-red; distinguishable with every kind of colour blindness. */
export const SHIFT_COLOURS = [
  "#053061",
  "#2166ac",
  "#4393c3",
  "#92c5de",
  "#f7f7f7",
  "#f4a582",
  "#d6604d",
  "#b2182b",
  "#67001f",
] as const;
/** Colour for no measurement. */
const GAP_COLOUR = "#d0d0d0";
/** Colour for only doubtful values. */
const DOUBTFUL_CELL_COLOUR = "#8c8c8c";

const PALETTE = SHIFT_COLOURS.map(rgb);

/**
 * Returns a PNG data URI of width × height pixels; line i of the map is traces[i]. `most`: shift at the ends of the colour
 * scale, px.
 */
export async function heatMap(
  traces: readonly Trace[],
  span: Limits,
  most: number,
  width: number,
  height: number,
): Promise<string> {
  const pixels = Buffer.alloc(width * height * 3);
  const rows = Math.max(traces.length, 1);
  let painted = -1;
  let line: Buffer = Buffer.alloc(0);
  for (let y = 0; y < height; y += 1) {
    const roi = Math.min(rows - 1, Math.floor((y * rows) / height));
    if (roi !== painted) {
      line = paintLine(traces[roi], span, most, width);
      painted = roi;
    }
    line.copy(pixels, y * width * 3);
  }
  const sharp = await imageLibrary();
  const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}

function paintLine(trace: Trace | undefined, span: Limits, most: number, width: number): Buffer {
  const line = Buffer.alloc(width * 3);
  const sums = new Float64Array(width);
  const counts = new Uint32Array(width);
  const doubtful = new Uint32Array(width);
  if (trace !== undefined) {
    const usual = usualStep(trace);
    for (const run of trace.runs) {
      spread(run, span, width, usual, (column, v) => {
        sums[column] = (sums[column] as number) + v;
        counts[column] = (counts[column] as number) + 1;
      });
    }
    const marks = [...trace.doubtful, ...trace.clipped.filter((point) => point.doubtful)].sort((a, b) => a.t - b.t);
    spread(marks, span, width, usual, (column) => {
      doubtful[column] = 1;
    });
  }
  for (let column = 0; column < width; column += 1) {
    const count = counts[column] as number;
    const nothing = doubtful[column] === 1 ? DOUBTFUL_CELL_COLOUR : GAP_COLOUR;
    line.set(count > 0 ? shiftColour((sums[column] as number) / count / most) : rgb(nothing), column * 3);
  }
  return line;
}

/** Gives each point the columns closer to it than to its neighbours, but at most one usual step around it. */
function spread(
  points: readonly TracePoint[],
  [first, last]: Limits,
  width: number,
  usual: number,
  paint: (column: number, v: number) => void,
): void {
  const columnOf = (t: number) => ((t - first) / (last - first)) * width;
  points.forEach(({ t, v }, i) => {
    const before = points[i - 1]?.t ?? Number.NEGATIVE_INFINITY;
    const after = points[i + 1]?.t ?? Number.POSITIVE_INFINITY;
    const from = Math.floor(columnOf(Math.max((before + t) / 2, t - usual, first)));
    const to = Math.max(from + 1, Math.ceil(columnOf(Math.min((t + after) / 2, t + usual, last))));
    for (let column = Math.min(from, width - 1); column < Math.min(to, width); column += 1) paint(column, v);
  });
}

/** Returns the median distance of neighbouring points, ms; a single point covers everything. */
function usualStep(trace: Trace): number {
  const points = [...trace.runs.flat(), ...trace.doubtful, ...trace.clipped].map(({ t }) => t).sort((a, b) => a - b);
  const steps = points
    .slice(1)
    .map((t, i) => t - (points[i] ?? t))
    .filter((step) => step > 0)
    .sort((a, b) => a - b);
  return steps[Math.floor(steps.length * 0.75)] ?? Number.POSITIVE_INFINITY;
}

/** Returns the colour for a `share` from -1 to 1 of the scale; beyond the ends, the end's colour. */
function shiftColour(share: number): [number, number, number] {
  const place = ((Math.min(Math.max(share, -1), 1) + 1) / 2) * (PALETTE.length - 1);
  const below = PALETTE[Math.floor(place)] ?? [0, 0, 0];
  const above = PALETTE[Math.ceil(place)] ?? below;
  const part = place - Math.floor(place);
  const mix = (channel: 0 | 1 | 2) => Math.round(below[channel] + part * (above[channel] - below[channel]));
  return [mix(0), mix(1), mix(2)];
}

function rgb(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
