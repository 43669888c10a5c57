// Draws all small panels on one canvas: hundreds of elements of their own would take seconds for each frame.
import type { MarkerView, PanelsView } from "../views.ts";
import { curveColour, GRADES } from "./colours.ts";
import type { Limits } from "./panel-data.ts";
import { type Box, boxOf, type Panel, type PanelGrid } from "./panel-layout.ts";
import { theme } from "./theme.ts";

export interface PanelsDrawing {
  readonly panels: readonly Panel[];
  readonly grid: PanelGrid;
  readonly view: PanelsView;
  readonly markers: readonly MarkerView[];
  /** ms. */
  readonly span: readonly [number, number];
  /** Label of the chosen panel. */
  readonly chosen: string | undefined;
  /** Returns the limits of a panel; undefined without values. */
  limitsOf(panel: Panel): Limits | undefined;
}

/** Panels of at least this width show their name. */
const NAMED_PX = 40;
/** More flagged frames than this mark a panel. */
const DOUBTFUL = 0.5;
/** A pause of more than this many usual columns interrupts the line. */
const GAP_COLUMNS = 3;

interface Pen {
  readonly context: CanvasRenderingContext2D;
  readonly drawing: PanelsDrawing;
  readonly gapMs: number;
  readonly colours: { readonly line: string; readonly card: string; readonly text: string; readonly quiet: string };
}

export function drawPanels(canvas: HTMLCanvasElement, width: number, drawing: PanelsDrawing): void {
  const ratio = devicePixelRatio;
  const { grid, panels } = drawing;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(grid.height * ratio);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = "10px system-ui, sans-serif";
  context.textBaseline = "top";
  const colours = {
    line: theme("--line"),
    card: theme("--card"),
    text: theme("--text"),
    quiet: theme("--quiet"),
  };
  const pen: Pen = { context, drawing, gapMs: gapOf(drawing.view), colours };
  for (const panel of panels) drawPanel(pen, panel);
  const chosen = panels.find(({ label }) => label === drawing.chosen);
  if (chosen === undefined) return;
  const { left, top, width: w, height: h } = boxOf(chosen, grid);
  context.strokeStyle = colours.text;
  context.lineWidth = 2;
  context.strokeRect(left, top, w, h);
}

function gapOf({ columns }: PanelsView): number {
  const steps = columns.slice(1).map(({ at }, i) => at - (columns[i]?.at ?? at));
  return GAP_COLUMNS * (steps.sort((a, b) => a - b)[steps.length >> 1] ?? Number.POSITIVE_INFINITY);
}

function drawPanel(pen: Pen, panel: Panel): void {
  const { context, drawing, colours } = pen;
  const box = boxOf(panel, drawing.grid);
  const { left, top, width, height } = box;
  context.lineWidth = 1;
  context.strokeStyle = colours.line;
  context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  const limits = drawing.limitsOf(panel);
  if (limits === undefined) cross(pen, box);
  else {
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    rules(pen, box, limits);
    for (const [at, unit] of panel.units.entries()) curve(pen, box, limits, unit, at);
    context.restore();
  }
  const named = width >= NAMED_PX;
  if (named) {
    // A background keeps the name readable where a curve crosses it.
    context.fillStyle = colours.card;
    context.globalAlpha = 0.75;
    context.fillRect(left + 1, top + 1, context.measureText(panel.label).width + 4, 11);
    context.globalAlpha = 1;
    context.fillStyle = colours.text;
    context.fillText(panel.label, left + 3, top + 2);
  }
  const doubtful = Math.max(0, ...panel.units.map((unit) => drawing.view.units[unit]?.doubtful ?? 0));
  if (doubtful > DOUBTFUL) warning(pen, box);
}

/** Draws a cross over a panel without any value. */
function cross({ context, colours }: Pen, { left, top, width, height }: Box): void {
  context.strokeStyle = colours.line;
  context.beginPath();
  context.moveTo(left, top);
  context.lineTo(left + width, top + height);
  context.moveTo(left + width, top);
  context.lineTo(left, top + height);
  context.stroke();
}

/** Draws the baseline at 0 px, and the markers. */
function rules({ context, drawing, colours }: Pen, { left, top, width, height }: Box, [low, high]: Limits): void {
  const [from, to] = drawing.span;
  context.strokeStyle = colours.line;
  const zero = Math.round(top + (height * high) / (high - low)) + 0.5;
  context.beginPath();
  context.moveTo(left, zero);
  context.lineTo(left + width, zero);
  context.stroke();
  context.setLineDash([2, 2]);
  context.beginPath();
  for (const { at } of drawing.markers) {
    if (at < from || at > to) continue;
    const x = Math.round(left + (width * (at - from)) / (to - from || 1)) + 0.5;
    context.moveTo(x, top);
    context.lineTo(x, top + height);
  }
  context.stroke();
  context.setLineDash([]);
}

function curve({ context, drawing, gapMs }: Pen, box: Box, [low, high]: Limits, unit: number, at: number): void {
  const { view, span } = drawing;
  const [from, to] = span;
  const { left, top, width, height } = box;
  const perMs = width / (to - from || 1);
  const y = (value: number) => top + (height * (high - value)) / (high - low);
  context.strokeStyle = curveColour(at);
  context.setLineDash(at === 0 ? [] : [3, 2]);
  context.lineWidth = 1.2;
  context.beginPath();
  let before = Number.NEGATIVE_INFINITY;
  for (const { at: ms, values } of view.columns) {
    const [one, other] = [values[2 * unit], values[2 * unit + 1]];
    if (one === null || one === undefined || other === null || other === undefined) continue;
    const x = left + (ms - from) * perMs;
    if (ms - before > gapMs) context.moveTo(x, y(one));
    else context.lineTo(x, y(one));
    context.lineTo(x + view.columnMs * perMs * 0.5, y(other));
    before = ms;
  }
  context.stroke();
  context.setLineDash([]);
}

/** Draws a triangle if most frames are flagged. The shape shows this without colour. */
function warning({ context }: Pen, { left, top, width }: Box): void {
  const size = Math.min(8, width / 3);
  context.fillStyle = GRADES.bad.colour;
  context.beginPath();
  context.moveTo(left + width - 2 - size, top + 2 + size);
  context.lineTo(left + width - 2, top + 2 + size);
  context.lineTo(left + width - 2 - size / 2, top + 2);
  context.fill();
}
