// The style that both drawings share: colours, texts and axes.
import type { Mark, Config as VegaConfig } from "vega";
import type { Config } from "vega-lite";
import { TimeZone, UTC } from "../system/time-zone.ts";
import type { PlotInput } from "./plot-input.ts";
import { FONT_FAMILY } from "./render.ts";
import type { Limits } from "./trace.ts";

/**
 * Okabe and Ito's colours, distinguishable with every kind of colour blindness, without their yellow, which disappears on
 * white.
 */
export const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#222222"] as const;
/** Dashes distinguish curves of the same colour. */
export const DASHES: readonly (readonly number[])[] = [
  [1, 0],
  [6, 2],
  [2, 2],
  [8, 2, 2, 2],
];
/** Colours of temperatures, starting with those that ROIs of the same figure are unlikely to have. */
export const SENSOR_COLOURS = ["#222222", "#8a8a8a", "#0072b2", "#e69f00", "#009e73", "#cc79a7"] as const;
export const DOUBTFUL_COLOUR = "#c1121f";
/** A diagonal cross in Vega's unit square. */
export const CROSS = "M-.7,-.7L.7,.7M-.7,.7L.7,-.7";
export const INK = "#222222";
export const FAINT_INK = "#666666";
export const GRID = "#e3e3e3";

/** Tick labels by distance of the ticks; dates appear where a day begins. */
export const TIME_FORMAT = {
  year: "%-d %b %Y",
  quarter: "%-d %b",
  month: "%-d %b",
  week: "%-d %b",
  date: "%-d %b",
  hours: "%H:%M",
  minutes: "%H:%M",
  seconds: "%H:%M:%S",
  milliseconds: "%H:%M:%S.%L",
};

export const METHOD_TITLES = {
  max_intensity: "brightest pixel",
  centre: "centre of intensity",
  gaussian: "Gaussian fit",
  fano: "Fano fit",
  joint: "joint fit of all rows",
  tracking: "tracking against a reference",
} as const;

/** The style for Vega-Lite. */
export const STYLE: Config = {
  font: FONT_FAMILY,
  background: "#ffffff",
  padding: 16,
  view: { stroke: "#999999" },
  title: { color: INK, subtitleColor: FAINT_INK, fontSize: 17, subtitleFontSize: 12.5, subtitlePadding: 5, offset: 12 },
  axis: {
    labelColor: INK,
    titleColor: INK,
    gridColor: GRID,
    domainColor: "#999999",
    tickColor: "#999999",
    labelFontSize: 12.5,
    titleFontSize: 13.5,
    titleFontWeight: "normal",
  },
  legend: {
    labelFontSize: 12.5,
    titleFontSize: 12.5,
    labelColor: INK,
    titleColor: INK,
    titleFontWeight: "normal",
    symbolStrokeWidth: 2,
    symbolSize: 160,
    labelLimit: 260,
    titleLimit: 260,
  },
};

/** The style for Vega, which has no setting for the font of all texts. */
export const VEGA_STYLE: VegaConfig = {
  axis: { ...(STYLE.axis as VegaConfig["axis"]), labelFont: FONT_FAMILY, titleFont: FONT_FAMILY },
  legend: { ...(STYLE.legend as VegaConfig["legend"]), labelFont: FONT_FAMILY, titleFont: FONT_FAMILY },
  title: { ...(STYLE.title as VegaConfig["title"]), font: FONT_FAMILY, subtitleFont: FONT_FAMILY },
  text: { font: FONT_FAMILY },
};

/** "Fano fit · 12 ROIs · 26,000 frames · last 2024-05-03 11:59:50 UTC" */
export function summary(input: PlotInput): string {
  const parts = [METHOD_TITLES[input.method], counted(input.series.length, "ROI"), counted(input.frames, "frame")];
  if (input.spanMs !== undefined)
    parts.push(`last ${new TimeZone(input.timeZone ?? "UTC").moment(input.spanMs[1] * 1000)}`);
  return parts.join("  ·  ");
}

/** "Baseline: 2024-05-03 10:00:00 to 10:14:30 UTC, ends before a step", if it is known. */
export function baselineNote({ baseline }: PlotInput): string[] {
  return baseline === undefined ? [] : [`Baseline: ${baseline}`];
}

/** "Time (UTC), 3 May 2024" or "Time (UTC), 3 May 2024 to 5 May 2024". */
export function timeTitle([first, last]: Limits, zone: TimeZone = UTC): string {
  return `Time (${zone.name}), ${[...new Set([day(first, zone), day(last, zone)])].join(" to ")}`;
}

// Listed here, because Intl's result depends on the machine's language data.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function day(timeMs: number, zone: TimeZone): string {
  const [year, month, date] = zone
    .day(timeMs * 1000)
    .split("-")
    .map(Number);
  return `${date} ${MONTHS[(month ?? 1) - 1]} ${year}`;
}

function counted(count: number, noun: string): string {
  return `${String(count).replace(/\B(?=(\d{3})+$)/g, ",")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Returns the text shown if there is no curve. */
export function emptyNote(input: PlotInput): string {
  if (input.series.length === 0) return "There are no ROIs to measure.";
  return input.frames === 0 ? "No frame has been measured yet." : "No resonance could be measured in any frame.";
}

/** Returns the line that explains the marks that occur. */
export function markNote(marks: { doubtful: boolean; clipped: boolean }): string[] {
  const parts = [];
  if (marks.doubtful) parts.push("× flagged");
  if (marks.clipped) parts.push("▲▼ beyond the axis");
  return parts.length === 0 ? [] : [parts.join("  ·  ")];
}

/** Returns a text mark at a position of a Vega group, vertically centred on it. */
export function textMark(
  text: string,
  x: number,
  y: number,
  {
    size,
    align,
    bold = false,
    colour = INK,
  }: { size: number; align: "left" | "center"; bold?: boolean; colour?: string },
): Mark {
  return {
    type: "text",
    encode: {
      enter: {
        text: { value: text },
        x: { value: x },
        y: { value: y },
        align: { value: align },
        baseline: { value: "middle" },
        fontSize: { value: size },
        fill: { value: colour },
        fontWeight: { value: bold ? "bold" : "normal" },
      },
    },
  };
}
