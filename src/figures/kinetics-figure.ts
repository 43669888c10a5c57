// Draws the sensorgrams of each curve set with their fits, and the residuals below.
import type { TopLevelSpec } from "vega-lite";
import { COLOURS, INK, STYLE } from "./figure-style.ts";

interface DrawnCycle {
  /** For the legend: "5e-8 M". */
  readonly name: string;
  readonly timesS: Float64Array;
  readonly responses: Float64Array;
  readonly fitted: Float64Array;
}

export interface DrawnSet {
  readonly title: string;
  readonly cycles: readonly DrawnCycle[];
}

const WIDTH = 620;
const [HEIGHT, RESIDUAL_HEIGHT] = [240, 70];
/** Maximum number of points of a curve; more would not be visible. */
const MOST_POINTS = 600;

/** Returns the specification. `unit`: unit of the response. */
export function kineticsFigure(title: string, unit: string, sets: readonly DrawnSet[]): TopLevelSpec {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: STYLE,
    title: { text: title, anchor: "start" },
    spacing: 8,
    resolve: { scale: { color: "independent" } },
    vconcat: sets.flatMap(panels(unit)),
  } as TopLevelSpec;
}

function panels(unit: string): (set: DrawnSet) => object[] {
  return ({ title, cycles }) => {
    const values = cycles.flatMap(rows);
    const names = cycles.map(({ name }) => name);
    const range = names.map((_name, at) => COLOURS[at % COLOURS.length]);
    const color = {
      field: "cycle",
      type: "nominal",
      sort: null,
      scale: { domain: names, range },
      legend: { title: null },
    };
    const x = (label: string | null) => ({
      field: "s",
      type: "quantitative",
      axis: { title: label, labelSeparation: 8 },
      scale: { nice: false },
    });
    const y = (field: string, label: string, tickCount = 5) => ({
      field,
      type: "quantitative",
      axis: { title: label, tickCount },
    });
    return [
      {
        data: { values },
        title: { text: title, anchor: "start", fontSize: 12 },
        width: WIDTH,
        height: HEIGHT,
        layer: [
          {
            mark: { type: "line", strokeWidth: 2.4, opacity: 0.75 },
            encoding: { x: x(null), y: y("r", `Response (${unit})`), color },
          },
          {
            mark: { type: "line", strokeWidth: 0.8, color: INK },
            encoding: { x: x(null), y: y("f", `Response (${unit})`), detail: { field: "cycle" } },
          },
        ],
      },
      {
        data: { values },
        width: WIDTH,
        height: RESIDUAL_HEIGHT,
        mark: { type: "line", strokeWidth: 0.8 },
        encoding: { x: x("Time (s)"), y: y("d", `Residual (${unit})`, 3), color: { ...color, legend: null } },
      },
    ];
  };
}

function rows({ name, timesS, responses, fitted }: DrawnCycle): object[] {
  const step = Math.max(1, Math.ceil(timesS.length / MOST_POINTS));
  const shown: object[] = [];
  for (let at = 0; at < timesS.length; at += step) {
    const [r, f] = [responses[at] as number, fitted[at] as number];
    shown.push({ s: timesS[at], r, f, d: r - f, cycle: name });
  }
  return shown;
}
