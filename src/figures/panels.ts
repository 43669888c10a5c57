// Draws the small panels of the chip figure: their positions, and their lines as paths of the whole figure. So Vega draws
// hundreds of panels with a few marks and one row per line; a row per point would take it seconds.
import type { GroupMark, Mark } from "vega";
import { gratingOf, type PanelPlace } from "./chip-layout.ts";
import { COLOURS, CROSS, DOUBTFUL_COLOUR, FAINT_INK, INK } from "./figure-style.ts";
import { textWidth } from "./text-width.ts";
import type { Limits, Trace, TracePoint } from "./trace.ts";

const GAP_X = 6;
/** Vertical distance between panels, with space for the name above each. */
const GAP_Y = 17;

export interface PanelGrid {
  /** Distance of neighbouring panels, and their size, in pixels of the figure. */
  readonly pitchX: number;
  readonly pitchY: number;
  readonly width: number;
  readonly height: number;
  readonly totalHeight: number;
  /** Space for the name above each panel, and the height of its letters. */
  readonly above: number;
  readonly nameSize: number;
  /** Suffixes of the grating's name in the labels ("N", "S"), each with its own colour. */
  readonly halves: readonly string[];
}

interface PanelRows {
  readonly cells: readonly object[];
  readonly lines: readonly object[];
  readonly dots: readonly object[];
  readonly doubtful: readonly object[];
  readonly clipped: readonly object[];
}

/** Returns the rows as the data sets that the marks of the panels read. */
export function panelData(rows: PanelRows): { name: keyof PanelRows; values: object[] }[] {
  return (["cells", "lines", "dots", "doubtful", "clipped"] as const).map((name) => ({
    name,
    values: [...rows[name]],
  }));
}

/** Returns the grid for all positions within `totalWidth` pixels. */
export function panelGrid(places: readonly PanelPlace[], totalWidth: number): PanelGrid {
  const columns = Math.max(...places.map(({ column }) => column)) + 1;
  const rows = Math.max(...places.map(({ row }) => row)) + 1;
  const pitchX = Math.min(230, (totalWidth + GAP_X) / columns);
  const pitchY = Math.min(Math.max(980 / rows, 50), pitchX * 0.72 + GAP_Y);
  return {
    pitchX,
    pitchY,
    width: pitchX - GAP_X,
    height: pitchY - GAP_Y,
    totalHeight: rows * pitchY,
    above: GAP_Y - 2,
    nameSize: pitchX - GAP_X > 100 ? 10.5 : 8.5,
    halves: halvesOf(places),
  };
}

const PRINT_GAP = 4;
/** Maximum height of all panels in print, px: what fits on an A4 page below the text above them. */
const MOST_HEIGHT = 900;
/** Height of letters of names in print, px: 5 to 8 points. */
const PRINT_NAMES = { least: 6.7, most: 10.7 } as const;
/** Panels in print: the maximum width, px; the ratio of height to width, for many and for few. */
const PRINT_PANEL = { widest: 200, many: 1.3, few: 0.7, manyBelow: 45 } as const;

/** Returns the grid for a print of `width` pixels, and of `height` if given. */
export function printGrid(places: readonly PanelPlace[], width: number, height: number | undefined): PanelGrid {
  const columns = Math.max(...places.map(({ column }) => column)) + 1;
  const rows = Math.max(...places.map(({ row }) => row)) + 1;
  const pitchX = Math.min(PRINT_PANEL.widest, (width + PRINT_GAP) / columns);
  const longest = Math.max(...places.map(({ panel }) => textWidth(panel, 1)));
  const room = Math.min((pitchX - 2) / longest, (height ?? MOST_HEIGHT) / rows / 4);
  const nameSize = Math.min(PRINT_NAMES.most, Math.max(PRINT_NAMES.least, room));
  const above = nameSize + 2;
  const mostTall = MOST_HEIGHT / rows - above - PRINT_GAP;
  const shape = pitchX < PRINT_PANEL.manyBelow ? PRINT_PANEL.many : PRINT_PANEL.few;
  const tall =
    height === undefined ? Math.min(shape * (pitchX - PRINT_GAP), mostTall) : height / rows - above - PRINT_GAP;
  const panelHeight = Math.max(12, tall);
  const pitchY = panelHeight + above + PRINT_GAP;
  return {
    pitchX,
    pitchY,
    width: pitchX - PRINT_GAP,
    height: panelHeight,
    totalHeight: rows * pitchY,
    above,
    nameSize,
    halves: halvesOf(places),
  };
}

function halvesOf(places: readonly PanelPlace[]): string[] {
  return [...new Set(places.map(({ label }) => halfOf(label)))].sort();
}

/**
 * Returns everything that the panels show, in pixels of the grid. traces[i] and limits[i] belong to places[i]; one pair of
 * limits may serve for all.
 */
export function panelRows(
  places: readonly PanelPlace[],
  traces: readonly Trace[],
  grid: PanelGrid,
  [begin, end]: Limits,
  limits: Limits | readonly Limits[],
): PanelRows {
  const cells = new Map<string, object>();
  const lines: object[] = [];
  const dots: object[] = [];
  const doubtful: object[] = [];
  const clipped: object[] = [];
  places.forEach(({ label, panel, row, column }, roi) => {
    const left = column * grid.pitchX;
    const top = row * grid.pitchY + grid.above;
    const [low, high] = limitsAt(limits, roi);
    const at = ({ t, v }: TracePoint) => ({
      x: tenth(left + ((t - begin) / (end - begin)) * grid.width),
      y: tenth(top + ((high - v) / (high - low)) * grid.height),
    });
    cells.set(panel, {
      panel,
      x: tenth(left),
      y: tenth(top),
      zero: at({ t: begin, v: Math.min(Math.max(0, low), high) }).y,
    });
    const colour = COLOURS[grid.halves.indexOf(halfOf(label)) % COLOURS.length];
    const trace = traces[roi];
    if (trace === undefined) return;
    for (const points of trace.runs) {
      const [first, ...rest] = points.map(at);
      if (first === undefined) continue;
      if (rest.length === 0) dots.push({ ...first, colour });
      else lines.push({ path: `M${first.x},${first.y}L${rest.map(({ x, y }) => `${x},${y}`).join("L")}`, colour });
    }
    for (const point of trace.doubtful) doubtful.push(at(point));
    for (const point of trace.clipped) {
      clipped.push({
        ...at(point),
        shape: point.v >= high ? "triangle-up" : "triangle-down",
        colour: point.doubtful ? DOUBTFUL_COLOUR : INK,
      });
    }
  });
  return { cells: [...cells.values()], lines, dots, doubtful, clipped };
}

function limitsAt(limits: Limits | readonly Limits[], roi: number): Limits {
  const one = limits[roi];
  return Array.isArray(one) ? (one as Limits) : (limits as Limits);
}

/** Returns the marks for the data sets `cells`, `lines`, `dots`, `doubtful` and `clipped`. */
export function panelMarks(grid: PanelGrid, top: number): GroupMark {
  const place = { x: { field: "x" }, y: { field: "y" } };
  const markSize = grid.height > 60 ? 30 : 14;
  const marks: Mark[] = [
    {
      type: "rect",
      from: { data: "cells" },
      encode: {
        enter: {
          ...place,
          width: { value: grid.width },
          height: { value: grid.height },
          fill: { value: "#fafafa" },
          stroke: { value: "#cccccc" },
          strokeWidth: { value: 0.6 },
        },
      },
    },
    {
      type: "rule",
      from: { data: "cells" },
      encode: {
        enter: {
          x: { field: "x" },
          x2: { field: "x", offset: grid.width },
          y: { field: "zero" },
          stroke: { value: "#bbbbbb" },
          strokeWidth: { value: 0.7 },
        },
      },
    },
    {
      type: "text",
      from: { data: "cells" },
      encode: {
        enter: {
          x: { field: "x", offset: 1 },
          y: { field: "y", offset: -2.5 },
          text: { field: "panel" },
          fontSize: { value: grid.nameSize },
          fill: { value: FAINT_INK },
        },
      },
    },
    {
      type: "path",
      from: { data: "lines" },
      encode: {
        enter: {
          path: { field: "path" },
          stroke: { field: "colour" },
          strokeWidth: { value: 1 },
          strokeJoin: { value: "round" },
        },
      },
    },
    {
      type: "symbol",
      from: { data: "dots" },
      encode: { enter: { ...place, size: { value: 8 }, fill: { field: "colour" } } },
    },
    {
      type: "symbol",
      from: { data: "doubtful" },
      encode: {
        enter: {
          ...place,
          size: { value: markSize },
          shape: { value: CROSS },
          stroke: { value: DOUBTFUL_COLOUR },
          strokeWidth: { value: 1.1 },
        },
      },
    },
    {
      type: "symbol",
      from: { data: "clipped" },
      encode: { enter: { ...place, size: { value: markSize }, shape: { field: "shape" }, fill: { field: "colour" } } },
    },
  ];
  return { type: "group", encode: { enter: { x: { value: 0 }, y: { value: top } } }, marks };
}

function halfOf(label: string): string {
  return label.slice(gratingOf(label).length + 1);
}

/** Rounds to a tenth of a pixel, the finest that is visible; more digits would only make the SVG longer. */
function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
