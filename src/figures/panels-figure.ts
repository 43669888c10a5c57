// Draws one small panel for each grating, laid out like the chip, for print: hundreds of them fit on a page.
import type { GroupMark, Mark, Spec } from "vega";
import { type PanelPlace, plainLayout } from "./chip-layout.ts";
import type { CurvesLook } from "./curves-figure.ts";
import { drawnSeries, type FigureCurve, limitsOf } from "./figure-curve.ts";
import { COLOURS, FAINT_INK, INK, VEGA_STYLE } from "./figure-style.ts";
import { type PanelGrid, panelData, panelMarks, panelRows, printGrid } from "./panels.ts";
import { pxOfPoints } from "./print-style.ts";
import { timeUnit } from "./print-time.ts";
import { type PrintTitle, titleLines } from "./print-title.ts";
import { textWidth } from "./text-width.ts";
import { type Limits, timeSpan, traceOf } from "./trace.ts";

const PADDING = 6;
/** Maximum number of points in all panels together. */
const POINT_BUDGET = 160_000;
/** Space for the colour key of the halves, right of the line above the panels that explains them. */
const KEYS = 76;
const LINE = pxOfPoints(7) + 4;
const TITLE_LINE = LINE + 5;

/**
 * Returns the specification. `own`: each grating has its own vertical axis. `layout` is absent if that of the chip is unknown.
 */
export function panelsFigure(
  curves: readonly FigureCurve[],
  layout: readonly PanelPlace[] | undefined,
  own: boolean,
  look: CurvesLook,
): Spec {
  const { title, subtitle, size } = look;
  const placeOf = new Map((layout ?? plainLayout(curves.map(({ label }) => label))).map((one) => [one.label, one]));
  const shown = curves.filter(({ label }) => placeOf.has(label));
  const places = shown.map(({ label }) => placeOf.get(label) as PanelPlace);
  const series = shown.map(drawnSeries);
  const ends = shown.flatMap(({ timesUs }) => [timesUs[0] ?? 0, timesUs.at(-1) ?? 0]);
  const span = timeSpan([Math.min(...ends) / 1000, Math.max(...ends) / 1000]);
  const width = size.width - 2 * PADDING;
  const lines = titleLines(title, subtitle, width);
  const words = lines.title.length * TITLE_LINE + lines.subtitle.length * LINE;
  const common = look.limits ?? limitsOf(series);
  const heading = titleLines("", [panelText(look.quantity, own ? undefined : common, span)], width - KEYS).subtitle;
  const above = words + heading.length * LINE + 6;
  const grid = printGrid(places, width, size.height === undefined ? undefined : size.height - above - 2 * PADDING);
  const ownLimits = own ? ownOf(places, series) : undefined;
  const limitsAt = (at: number): Limits => ownLimits?.[at] ?? common;
  const columns = Math.min(3 * grid.width, Math.floor(POINT_BUDGET / 4 / Math.max(series.length, 1)));
  const traces = series.map((one, at) => traceOf(one, 0, span, columns, limitsAt(at)));
  const rows = panelRows(places, traces, grid, span, ownLimits ?? common);
  return {
    $schema: "https://vega.github.io/schema/vega/v6.json",
    background: "#ffffff",
    padding: PADDING,
    width,
    height: above + grid.totalHeight,
    autosize: { type: "none" },
    config: VEGA_STYLE,
    data: [
      ...panelData(rows),
      { name: "ranges", values: ownLimits === undefined ? [] : ranges(places, ownLimits, grid) },
    ],
    marks: [
      ...titleMarks(lines),
      ...heading.map((text, at) => line(text, words + 4 + at * LINE)),
      ...halfKeys(grid, width, words + 4),
      withRanges(panelMarks(grid, above), grid),
    ],
  };
}

/** Returns the limits of each position's grating, for both halves together. */
function ownOf(places: readonly PanelPlace[], series: readonly ReturnType<typeof drawnSeries>[]): Limits[] {
  const ofPanel = new Map<string, Limits>();
  for (const { panel } of places) {
    if (ofPanel.has(panel)) continue;
    ofPanel.set(panel, limitsOf(series.filter((_one, at) => places[at]?.panel === panel)));
  }
  return places.map(({ panel }) => ofPanel.get(panel) ?? [-1, 1]);
}

/** Returns the range of each panel in px of shift, if each has its own. */
function ranges(places: readonly PanelPlace[], limits: readonly Limits[], grid: PanelGrid): object[] {
  const longest = Math.max(...places.map(({ panel }) => textWidth(`${panel} 0.00`, grid.nameSize)));
  // Next to the name, if there is space for both.
  const fromTop = longest <= grid.width ? -2.5 : grid.height - 2;
  return places.map(({ row, column }, at) => {
    const [low, high] = limits[at] as Limits;
    return {
      x: column * grid.pitchX + grid.width - 1,
      y: row * grid.pitchY + grid.above + fromTop,
      text: (high - low).toPrecision(2),
    };
  });
}

function withRanges(group: GroupMark, grid: PanelGrid): GroupMark {
  const range = (look: object): Mark => ({
    type: "text",
    from: { data: "ranges" },
    encode: {
      enter: {
        x: { field: "x" },
        y: { field: "y" },
        text: { field: "text" },
        align: { value: "right" },
        fontSize: { value: grid.nameSize * 0.85 },
        ...look,
      },
    },
  });
  // A halo keeps it readable over a curve.
  const halo = range({ stroke: { value: "#ffffff" }, strokeWidth: { value: 3 }, opacity: { value: 0.85 } });
  return { ...group, marks: [...(group.marks ?? []), halo, range({ fill: { value: FAINT_INK } })] };
}

function panelText(quantity: string, limits: Limits | undefined, [begin, end]: Limits): string {
  const { unit, ms } = timeUnit(end - begin);
  const length = `${Number(((end - begin) / ms).toPrecision(3))} ${unit}`;
  if (limits === undefined) return `${quantity}: each panel has its own axis; the number is its height. ${length} each`;
  const [low, high] = limits.map((limit) => `${limit < 0 ? "−" : "+"}${Math.abs(Number(limit.toPrecision(3)))}`);
  return `${quantity}: ${low} to ${high} in each panel, ${length}`;
}

function titleMarks({ title, subtitle }: PrintTitle): Mark[] {
  const top = title.length * TITLE_LINE;
  return [
    ...title.map((text, at) => line(text, 6 + at * TITLE_LINE, pxOfPoints(9), true)),
    ...subtitle.map((text, at) => line(text, top + 4 + at * LINE)),
  ];
}

function line(text: string, y: number, fontSize = pxOfPoints(7), bold = false): Mark {
  return {
    type: "text",
    encode: {
      enter: {
        text: { value: text },
        x: { value: 0 },
        y: { value: y },
        baseline: { value: "middle" },
        fontSize: { value: fontSize },
        fontWeight: { value: bold ? "bold" : "normal" },
        fill: { value: bold ? INK : FAINT_INK },
      },
    },
  };
}

/** Returns the colour key of the halves, at the right. */
function halfKeys({ halves }: PanelGrid, width: number, y: number): Mark[] {
  return halves
    .filter((half) => half !== "")
    .flatMap((half, at, all) => {
      const x = width - 34 * (all.length - at);
      const name = line(half, y);
      return [
        {
          type: "rule",
          encode: {
            enter: {
              x: { value: x },
              x2: { value: x + 16 },
              y: { value: y },
              stroke: { value: COLOURS[at % COLOURS.length] ?? INK },
              strokeWidth: { value: 1.6 },
            },
          },
        },
        { ...name, encode: { enter: { ...name.encode?.enter, x: { value: x + 19 } } } },
      ] as Mark[];
    });
}
