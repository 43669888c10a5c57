// The sensorgram plot (uPlot): curves on one time axis, flagged points as open circles, markers and baseline on top.
import uPlot from "uplot";
import { aligned, type Series } from "./aligned.ts";
import { curveColour, temperatureColour, theme } from "./colours.ts";
import { dayAndClock, zoneName } from "./format.ts";
import type { PlotContent } from "./plot-content.ts";
import { drawMarks } from "./plot-marks.ts";
import { decimalsOf } from "./ticks.ts";

export interface PlotEvents {
  /** A range was dragged, ms. */
  ranged(from: number, to: number): void;
  /** The plot was clicked at a time, ms. */
  clicked(at: number): void;
  /** Values under the cursor, in the order of the curves; undefined without a cursor. */
  pointed(at: number | undefined, values: readonly (number | null | undefined)[]): void;
  reset(): void;
}

const HEIGHT = 380;
const TEMPERATURE_HEIGHT = 130;
/** Space between time ticks: the width of their labels and a margin. */
const TIME_SPACE_PX = 80;
const inZone = (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), zoneName());

/** 24-hour clock, as in the files. Adds the date where it changes; shows only the date for steps of a day or more. */
function timeTicks(_plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  return splits.map((at, place) => {
    const text = dayAndClock(at * 1000);
    const clock = text.slice(11, step < 60 ? 19 : 16);
    const day = text.slice(5, 10);
    const before = place === 0 ? "" : dayAndClock((splits[place - 1] as number) * 1000).slice(5, 10);
    if (step >= 86_400) return day;
    return day === before ? clock : `${clock}\n${day}`;
  });
}

/** Uses enough decimals to tell neighbouring ticks apart, also for small units. */
function numberTicks(_plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  return splits.map((value) => value.toFixed(decimalsOf(step)));
}

function axes(label: string): uPlot.Axis[] {
  const common = () => ({
    stroke: theme("--text"),
    grid: { stroke: theme("--line"), width: 1 },
    ticks: { stroke: theme("--line"), width: 1 },
  });
  return [
    { ...common(), space: TIME_SPACE_PX, values: timeTicks },
    { ...common(), label, size: 68, labelSize: 22, values: numberTicks },
  ];
}

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
function curveData({ view, factor }: PlotContent): uPlot.AlignedData {
  return aligned([...view.curves, ...view.curves.map(({ flagged }) => flagged)], SECONDS, factor);
}

export class CurvePlot {
  readonly #host: HTMLElement;
  readonly #events: PlotEvents;
  #content: PlotContent;
  #plot: uPlot | undefined;
  #temperature: uPlot | undefined;
  #shape = "";

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
      content.unit,
      theme("--text"),
    ]);
    if (shape !== this.#shape) this.#make(shape);
    const { curves, temperatures } = content.view;
    draw(this.#plot, curves, curveData(content));
    draw(this.#temperature, temperatures, aligned(temperatures, SECONDS, 1));
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
    plot.setCursor({ left, top: clientHeight / 2 });
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
    const { view, unit } = this.#content;
    const sync = { key: "time" };
    const scales: uPlot.Scales = { x: { range: () => this.#span() } };
    this.#plot = new uPlot(
      {
        width: this.#host.clientWidth,
        height: HEIGHT,
        tzDate: inZone,
        scales,
        legend: { show: false },
        cursor: { sync, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => this.#reset() } },
        axes: axes(`shift, ${unit}`),
        series: [
          {},
          ...view.curves.map(
            (_c, at): uPlot.Series => ({ stroke: curveColour(at), width: WIDTH, points: { show: false } }),
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
          draw: [(plot) => drawMarks(plot, this.#content)],
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
        scales,
        legend: { show: false },
        cursor: { sync, drag: { x: false, y: false } },
        axes: axes("°C"),
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

  #reset(): null {
    this.#events.reset();
    return null;
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
      return;
    }
    const count = this.#content.view.curves.length;
    this.#events.pointed(
      1000 * (plot.data[0][at] as number),
      Array.from({ length: count }, (_v, i) => nearest(plot.data[i + 1], at)),
    );
  }
}

/** The first of a plot's series are lines. */
function draw(plot: uPlot | undefined, lines: readonly Series[], data: uPlot.AlignedData): void {
  if (plot === undefined) return;
  const width = widthFor(lines);
  for (const series of plot.series.slice(1, 1 + lines.length)) series.width = width;
  plot.setData(data);
}

/** The value at an index of the common axis, or the last one before it: decimated curves contain different frames. */
function nearest(values: ArrayLike<number | null | undefined> | undefined, at: number): number | null | undefined {
  for (let index = at; index >= Math.max(0, at - 40); index -= 1) {
    const value = values?.[index];
    if (typeof value === "number") return value;
  }
  return undefined;
}
