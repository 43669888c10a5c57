// Style of figures for print: sizes in mm as journals specify them, and text of 7 to 9 pt.
import type { Config } from "vega-lite";

/** CSS pixels, the unit of SVG, per mm and per point. */
const PX_PER_MM = 96 / 25.4;
const PX_PER_POINT = 96 / 72;

/** Width of two columns of a journal, mm. */
export const PAGE_MM = 170;

export function pxOfMm(mm: number): number {
  return Math.round(mm * PX_PER_MM);
}

/** Converts points on paper to px. */
export function pxOfPoints(points: number): number {
  return points * PX_PER_POINT;
}

/** Added to STYLE: narrow margins, and text as in printed figures. */
export const PRINT_STYLE: Config = {
  padding: 6,
  title: {
    color: "#222222",
    subtitleColor: "#555555",
    fontSize: pxOfPoints(9),
    subtitleFontSize: pxOfPoints(7),
    subtitlePadding: 3,
    offset: 8,
  },
  axis: {
    labelColor: "#222222",
    titleColor: "#222222",
    gridColor: "#e3e3e3",
    domainColor: "#666666",
    tickColor: "#666666",
    // Each label is centred below its own tick. Otherwise the last one would move inwards and overlap its neighbour.
    labelFlush: false,
    labelOverlap: true,
    labelFontSize: pxOfPoints(7),
    titleFontSize: pxOfPoints(8),
    titleFontWeight: "normal",
  },
  legend: {
    labelFontSize: pxOfPoints(7),
    titleFontSize: pxOfPoints(7),
    labelColor: "#222222",
    titleColor: "#222222",
    titleFontWeight: "normal",
    symbolStrokeWidth: 1.6,
    symbolSize: 120,
    labelLimit: 200,
    titleLimit: 200,
  },
};

/** Size of a drawing, px; if the height is absent, it follows from the content. */
export interface FigureSize {
  readonly width: number;
  readonly height?: number;
}
