// Draws a quantity on the chip: each grating at its position, coloured by its value, with a histogram of the values.
import type { TopLevelSpec } from "vega-lite";
import { concentrationUnit } from "../measurement/concentration.ts";
import { medianOf } from "../measurement/statistics.ts";
import { INK, STYLE } from "./figure-style.ts";
import { SHIFT_COLOURS } from "./heat-map.ts";
import { PAGE_MM, PRINT_STYLE, pxOfMm } from "./print-style.ts";

/** A grating or ROI: its position in the image, px, and its value. */
export interface MapCell {
  readonly label: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Value; NaN if unknown. */
  readonly value: number;
  /** Whether the value is doubtful. */
  readonly flagged: boolean;
}

export interface MapOptions {
  readonly title: string;
  readonly subtitle: readonly string[];
  /** "Sensitivity" */
  readonly name: string;
  /** "px/RIU"; empty for a pure number. Values in "M" are drawn in the unit that suits them, such as nM. */
  readonly unit: string;
  /** Whether values of different sign mean opposite things: then zero is white. */
  readonly diverging: boolean;
  /** Ends of the colour scale; undefined: from the values. */
  readonly limits: readonly [number, number] | undefined;
}

/** Minimum share of the values that the colour scale covers; the rest is drawn in its end colours and marked. */
const SHOWN_PART = 0.96;
/** Maximum width, px; the legend needs the rest of the page. */
const MOST_WIDTH = pxOfMm(PAGE_MM) - 110;
const MOST_HEIGHT = pxOfMm(170);
const HISTOGRAM_HEIGHT = 70;
const LEAST_HISTOGRAM_WIDTH = 240;
const BARS = 40;
/** Without separators between thousands, as axes have them. */
const NUMBERS = "~r";
/** Maximum number of labels; more would not be readable. */
const MOST_LABELS = 70;
const NOT_KNOWN = "#d9d9d9";

/**
 * Returns the ends of the colour scale: the range of the middle 96 % of the values, symmetric around zero for quantities with a
 * sign.
 */
function mapLimits(values: readonly number[], diverging: boolean): readonly [number, number] {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at((1 - SHOWN_PART) / 2), at((1 + SHOWN_PART) / 2)];
  if (diverging) {
    const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return [-most, most];
  }
  if (high > low) return [low, high];
  const pad = Math.abs(low) * 0.01 || 1;
  return [low - pad, high + pad];
}

/** Returns the colours of a map (diverging if both signs occur), and the ends of the scale. */
export function mapScale(
  values: readonly number[],
  isSigned: boolean,
  limits: readonly [number, number] | undefined,
): { readonly diverging: boolean; readonly limits: readonly [number, number] } {
  // If all values have one sign, their differences matter.
  const diverging = isSigned && hasBothSigns(values);
  return { diverging, limits: limits ?? mapLimits(values, diverging) };
}

/** Returns the specification. */
export function mapFigure(given: readonly MapCell[], options: MapOptions): TopLevelSpec {
  const { title, subtitle } = options;
  const { unit, factor } = drawnUnit(given, options);
  const cells = given.map((cell) => ({ ...cell, value: factor * cell.value }));
  const quantity = withUnit(options.name, unit);
  const { diverging, limits } = mapScale(
    cells.map(({ value }) => value),
    options.diverging,
    options.limits && [factor * options.limits[0], factor * options.limits[1]],
  );
  const [low, high] = limits;
  const [left, right] = [Math.min(...cells.map((one) => one.left)), Math.max(...cells.map((one) => one.right))];
  const [top, bottom] = [Math.min(...cells.map((one) => one.top)), Math.max(...cells.map((one) => one.bottom))];
  const scale = Math.min(MOST_WIDTH / (right - left), MOST_HEIGHT / (bottom - top));
  const [width, height] = [Math.round(scale * (right - left)), Math.round(scale * (bottom - top))];
  const axis = { title: null, labels: false, ticks: false, grid: false, domain: false };
  const x = { field: "left", type: "quantitative", scale: { domain: [left, right], nice: false }, axis };
  const y = { field: "top", type: "quantitative", scale: { domain: [bottom, top], nice: false }, axis };
  const color = {
    field: "value",
    type: "quantitative",
    scale: {
      domain: diverging ? [low, 0, high] : [low, high],
      ...(diverging ? { range: [SHIFT_COLOURS[1], SHIFT_COLOURS[4], SHIFT_COLOURS[7]] } : { scheme: "viridis" }),
      clamp: true,
    },
    legend: { title: quantity.split(/ (?=\()/), gradientLength: Math.min(height, 180), tickCount: 5, format: NUMBERS },
  };
  const rows = cells.map((cell) => ({ ...cell, value: Number.isFinite(cell.value) ? cell.value : null }));
  const known = rows.filter(({ value }) => value !== null);
  const corners = { x, x2: { field: "right" }, y, y2: { field: "bottom" } };
  const middle = (marks: readonly (typeof rows)[number][]) =>
    marks.map(({ label, left: from, right: to, top: up, bottom: down }) => ({
      label,
      left: (from + to) / 2,
      top: (up + down) / 2,
    }));
  const beyond = (isBeyond: (value: number) => boolean) =>
    middle(known.filter(({ value }) => isBeyond(value as number)));
  const symbol = (values: object[], shape: string) => ({
    data: { values },
    mark: { type: "point", shape, filled: true, size: 22, color: "#ffffff", stroke: INK, strokeWidth: 0.7, opacity: 1 },
    encoding: { x, y },
  });
  // Dark colours are at the low end of viridis, and at both ends of a diverging scale.
  const isDark = (value: number | null) => {
    if (value === null) return false;
    return diverging ? Math.abs(value) > 0.6 * high : (value - low) / (high - low) < 0.55;
  };
  const labels = (isShown: (value: number | null) => boolean, colour: string) => ({
    data: { values: middle(rows.filter(({ value }) => isShown(value))) },
    mark: { type: "text", fontSize: 7, dy: 11, color: colour },
    encoding: { x, y, text: { field: "label" } },
  });
  const chip = {
    width,
    height,
    layer: [
      {
        data: { values: rows.filter(({ value }) => value === null) },
        mark: { type: "rect", color: NOT_KNOWN },
        encoding: corners,
      },
      { data: { values: known }, mark: { type: "rect", strokeWidth: 0 }, encoding: { ...corners, color } },
      {
        data: { values: rows.filter(({ flagged }) => flagged) },
        mark: { type: "rect", filled: false, stroke: INK, strokeWidth: 1, strokeDash: [3, 2] },
        encoding: corners,
      },
      symbol(
        beyond((value) => value > high),
        "triangle-up",
      ),
      symbol(
        beyond((value) => value < low),
        "triangle-down",
      ),
      ...(cells.length > MOST_LABELS ? [] : [labels(isDark, "#ffffff"), labels((value) => !isDark(value), INK)]),
    ],
  };
  const histogram = {
    width: Math.max(width, LEAST_HISTOGRAM_WIDTH),
    height: HISTOGRAM_HEIGHT,
    data: {
      values: bars(
        Float64Array.from(known, ({ value }) => value as number),
        limits,
      ),
    },
    mark: { type: "bar", color: "#7a7a7a", stroke: "#ffffff", strokeWidth: 0.5 },
    encoding: {
      x: {
        field: "from",
        type: "quantitative",
        scale: { domain: [low, high], nice: false },
        axis: { title: quantity, tickCount: 6, labelFlush: true, grid: false, format: NUMBERS },
      },
      x2: { field: "to" },
      y: {
        field: "count",
        type: "quantitative",
        axis: { title: "Gratings", tickCount: 3, tickMinStep: 1, format: "d" },
      },
      y2: { datum: 0 },
    },
  };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: { ...STYLE, ...PRINT_STYLE },
    title: { text: title, subtitle: [...subtitle, ...legendLine(rows, low, high)], anchor: "start", frame: "group" },
    spacing: 12,
    vconcat: [chip, histogram],
  } as TopLevelSpec;
}

/** Returns the bars of a histogram; values beyond the limits are in its first or last bar. */
function bars(values: Float64Array, [low, high]: readonly [number, number]) {
  const width = (high - low) / BARS;
  const counts = new Array<number>(BARS).fill(0);
  for (const value of values) {
    const at = Math.min(BARS - 1, Math.max(0, Math.floor((value - low) / width)));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts.map((count, at) => ({ from: low + at * width, to: low + (at + 1) * width, count }));
}

/** Returns the unit of the drawn values, and the factor to it. */
function drawnUnit(
  cells: readonly MapCell[],
  { unit }: MapOptions,
): { readonly unit: string; readonly factor: number } {
  const known = Float64Array.from(cells, ({ value }) => Math.abs(value)).filter(Number.isFinite);
  return unit === "M" && known.length > 0 ? concentrationUnit(medianOf(known)) : { unit, factor: 1 };
}

/** Returns a quantity with its unit: "Sensitivity (px/RIU)". */
export const withUnit = (name: string, unit: string): string => (unit === "" ? name : `${name} (${unit})`);

/** Whether zero is well within the middle 96 % of values. */
function hasBothSigns(values: readonly number[]): boolean {
  const [low, high] = mapLimits(values, false);
  return low < 0 && high > 0;
}

/** Returns the explanation of the marks, if there are any. */
function legendLine(
  rows: readonly { readonly value: number | null; readonly flagged: boolean }[],
  low: number,
  high: number,
): string[] {
  const unknown = rows.filter(({ value }) => value === null).length;
  const outside = rows.filter(({ value }) => value !== null && (value < low || value > high)).length;
  const flagged = rows.filter((one) => one.flagged).length;
  const parts = [
    ...(unknown > 0 ? [`${unknown} gray: not known`] : []),
    ...(outside > 0 ? [`${outside} with a triangle: beyond the scale`] : []),
    ...(flagged > 0 ? [`${flagged} with a dashed border: flagged`] : []),
  ];
  return parts.length === 0 ? [] : [parts.join("  ·  ")];
}
