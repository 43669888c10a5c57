// The sensorgram plot (uPlot): curves on one time axis, flagged points as open circles, markers and baseline on top.
import uPlot from "uplot";
import { aligned, type Series } from "./aligned.ts";
import { curveColour, curveDash, temperatureColour } from "./colours.ts";
import { axes, inZone } from "./plot-axes.ts";
import type { PlotContent } from "./plot-content.ts";
import { drawInjections, drawMarks } from "./plot-marks.ts";
import { theme } from "./theme.ts";

export interface PlotEvents {
  /** Called when a range was dragged, ms. */
  ranged(from: number, to: number): void;
  /** Called when the plot was clicked at a time, ms. */
  clicked(at: number): void;
  /** Values under the cursor, in the order of the curves; undefined without a cursor. */
  pointed(at: number | undefined, values: readonly (number | null | undefined)[]): void;
  /** Called when the pointer comes near a curve (its label), or leaves all of them (undefined). */
  near(label: string | undefined): void;
  reset(): void;
  /** Where the curves are drawn, whenever that has changed. */
  placed?(box: PlotBox): void;
}

/** px within the host of the plot. */
export interface PlotBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const HEIGHT = 380;
const TEMPERATURE_HEIGHT = 170;
/** Minimum range of the temperature axis: the noise of a steady thermometer must not fill it. */
const LEAST_DEGREES = 1;
/** Screen px between the pointer and a curve that it points at. */
const NEAR_PX = 18;
/** Opacity of the other curves while one is highlighted. */
const FAINT = 0.22;
const HIGHLIGHT_WIDTH = 2.5;

const SECONDS = 1 / 1000;
const WIDTH = 1.5;
/** Above this number of points, lines are one screen pixel wide: without a graphics card, wider dense lines take 0.3 s to draw. */
const MOST_WIDE_POINTS = 3000;

/** px. */
function widthFor(series: readonly Series[]): number {
  const points = series.reduce((sum, { times }) => sum + times.length, 0);
  return points > MOST_WIDE_POINTS ? 1 / devicePixelRatio : WIDTH;
}

/** Curves, then their flagged points, on a common time axis. */
function curveData({ view }: PlotContent): uPlot.AlignedData {
  return aligned([...view.curves, ...view.curves.map(({ flagged }) => flagged)], SECONDS);
}

export class CurvePlot {
  readonly #host: HTMLElement;
  readonly #events: PlotEvents;
  #content: PlotContent;
  #plot: uPlot | undefined;
  #temperature: uPlot | undefined;
  #shape = "";
  /** Width of the curves' lines, px. */
  #width = WIDTH;
  #isByKeys = false;
  /** Where the curves were drawn last. */
  #box = "";

  constructor(host: HTMLElement, content: PlotContent, events: PlotEvents) {
    this.#host = host;
    this.#events = events;
    this.#content = content;
    this.show(content);
  }

  /** Draws new content; rebuilds the plot only if the set of curves, the unit or the theme changed. */
  show(content: PlotContent): void {
    this.#content = content;
    const shape = JSON.stringify([
      content.view.curves.map(({ label }) => label),
      content.view.temperatures.map(({ sensor }) => sensor),
      content.quantity,
      content.unit,
      theme("--text"),
    ]);
    if (shape !== this.#shape) this.#make(shape);
    const { curves, temperatures } = content.view;
    this.#width = widthFor(curves);
    this.#style();
    this.#plot?.setData(curveData(content));
    for (const series of this.#temperature?.series.slice(1) ?? []) series.width = widthFor(temperatures);
    this.#temperature?.setData(aligned(temperatures, SECONDS));
  }

  /** Draws the same curves with other ones hidden or highlighted. */
  restyle(content: PlotContent): void {
    const { hidden } = this.#content;
    this.#content = content;
    this.#style();
    // Hiding a curve may change the limits of the axis.
    this.#plot?.redraw(false, content.hidden !== hidden);
  }

  #style(): void {
    const { view, hidden, highlighted } = this.#content;
    const isHighlighting = view.curves.some(({ label }) => label === highlighted && hidden?.has(label) !== true);
    view.curves.forEach(({ label }, at) => {
      const line = this.#plot?.series[1 + at];
      const marks = this.#plot?.series[1 + view.curves.length + at];
      if (line === undefined || marks === undefined) return;
      line.show = marks.show = hidden?.has(label) !== true;
      line.alpha = marks.alpha = isHighlighting && label !== highlighted ? FAINT : 1;
      line.width = isHighlighting && label === highlighted ? HIGHLIGHT_WIDTH : this.#width;
    });
  }

  resize(): void {
    const width = this.#host.clientWidth;
    this.#plot?.setSize({ width, height: HEIGHT });
    this.#temperature?.setSize({ width, height: TEMPERATURE_HEIGHT });
  }

  /** Moves the cursor by `px`, starting in the middle if there is none. */
  move(px: number): void {
    const plot = this.#plot;
    if (plot === undefined) return;
    const { clientWidth, clientHeight } = plot.over;
    const left = Math.min(Math.max(this.#cursorPx(plot) + px, 0), clientWidth - 1);
    this.#isByKeys = true;
    plot.setCursor({ left, top: clientHeight / 2 });
    this.#isByKeys = false;
  }

  /** Acts like a click at the cursor. */
  choose(): void {
    if (this.#plot !== undefined) this.#events.clicked(1000 * this.#plot.posToVal(this.#cursorPx(this.#plot), "x"));
  }

  #cursorPx({ cursor, over }: uPlot): number {
    return cursor.left === undefined || cursor.left < 0 ? over.clientWidth / 2 : cursor.left;
  }

  close(): void {
    this.#plot?.destroy();
    this.#temperature?.destroy();
  }

  #make(shape: string): void {
    this.close();
    this.#shape = shape;
    const { view, quantity, unit } = this.#content;
    const sync = { key: "time" };
    const x: uPlot.Scale = { range: () => this.#span() };
    this.#plot = new uPlot(
      {
        width: this.#host.clientWidth,
        height: HEIGHT,
        tzDate: inZone,
        scales: { x, y: { range: (_plot, low, high) => this.#limits(low, high) } },
        legend: { show: false },
        cursor: { sync, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => this.#reset() } },
        axes: axes(`${quantity}, ${unit}`, view.temperatures.length === 0),
        series: [
          {},
          ...view.curves.map(
            (_c, at): uPlot.Series => ({
              stroke: curveColour(at),
              width: WIDTH,
              dash: [...curveDash(at)],
              points: { show: false },
            }),
          ),
          ...view.curves.map(
            (_c, at): uPlot.Series => ({
              stroke: curveColour(at),
              paths: () => null,
              points: { show: true, size: 7, stroke: curveColour(at), fill: theme("--ground") },
            }),
          ),
        ],
        hooks: {
          drawClear: [(plot) => drawInjections(plot, this.#content)],
          draw: [(plot) => this.#drawn(plot)],
          setSelect: [(plot) => this.#selected(plot)],
          setCursor: [(plot) => this.#pointed(plot)],
          ready: [(plot) => plot.over.addEventListener("click", (event) => this.#clicked(plot, event))],
        },
      },
      [[], ...view.curves.map(() => []), ...view.curves.map(() => [])],
      this.#host,
    );
    if (view.temperatures.length === 0) {
      this.#temperature = undefined;
      return;
    }
    this.#temperature = new uPlot(
      {
        width: this.#host.clientWidth,
        height: TEMPERATURE_HEIGHT,
        tzDate: inZone,
        scales: { x, y: { range: (_plot, low, high) => degrees(low, high) } },
        legend: { show: false },
        cursor: { sync, drag: { x: false, y: false } },
        axes: axes("temp., °C", true),
        series: [
          {},
          ...view.temperatures.map(
            (_t, at): uPlot.Series => ({ stroke: temperatureColour(at), width: WIDTH, points: { show: false } }),
          ),
        ],
      },
      [[], ...view.temperatures.map(() => [])],
      this.#host,
    );
  }

  /** Seconds; never empty. */
  #span(): uPlot.Range.MinMax {
    const { from, to } = this.#content;
    return [from / 1000, Math.max(to, from + 1000) / 1000];
  }

  /** Returns the typed limits, otherwise those of the shown curves with a margin. */
  #limits(low: number, high: number): uPlot.Range.MinMax {
    const { limits } = this.#content;
    if (limits !== undefined) return [...limits];
    return uPlot.rangeNum(low, high, 0.08, true);
  }

  #reset(): null {
    this.#events.reset();
    return null;
  }

  #drawn(plot: uPlot): void {
    drawMarks(plot, this.#content);
    const [over, host] = [plot.over.getBoundingClientRect(), this.#host.getBoundingClientRect()];
    const box = { left: over.left - host.left, top: over.top - host.top, width: over.width, height: over.height };
    const key = JSON.stringify(box);
    if (key === this.#box) return;
    this.#box = key;
    this.#events.placed?.(box);
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 5) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#events.ranged(1000 * plot.posToVal(left, "x"), 1000 * plot.posToVal(left + width, "x"));
  }

  #clicked(plot: uPlot, event: MouseEvent): void {
    this.#events.clicked(1000 * plot.posToVal(event.offsetX, "x"));
  }

  #pointed(plot: uPlot): void {
    const at = plot.cursor.idx;
    if (at === null || at === undefined) {
      this.#events.pointed(undefined, []);
      this.#events.near(undefined);
      return;
    }
    const values = this.#content.view.curves.map((_curve, i) => nearest(plot.data[i + 1], at));
    this.#events.pointed(1000 * (plot.data[0][at] as number), values);
    if (!this.#isByKeys) this.#events.near(this.#nearestCurve(plot, values));
  }

  #nearestCurve(plot: uPlot, values: readonly (number | null | undefined)[]): string | undefined {
    const top = plot.cursor.top ?? 0;
    let best: { readonly label: string; readonly px: number } | undefined;
    this.#content.view.curves.forEach(({ label }, at) => {
      const value = values[at];
      if (value === null || value === undefined || this.#content.hidden?.has(label) === true) return;
      const px = Math.abs(plot.valToPos(value, "y") - top);
      if (px <= (best?.px ?? NEAR_PX)) best = { label, px };
    });
    return best?.label;
  }
}

function degrees(low: number, high: number): uPlot.Range.MinMax {
  const more = Math.max(0, LEAST_DEGREES - (high - low)) / 2;
  return [low - more - 0.1, high + more + 0.1];
}

/** Returns the value at an index of the common axis, or the last one before it: decimated curves contain different frames. */
function nearest(values: ArrayLike<number | null | undefined> | undefined, at: number): number | null | undefined {
  for (let index = at; index >= Math.max(0, at - 40); index -= 1) {
    const value = values?.[index];
    if (typeof value === "number") return value;
  }
  return undefined;
}
