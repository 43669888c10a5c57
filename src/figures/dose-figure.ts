// Draws responses against concentrations, with the curves that were fitted to them.
import type { TopLevelSpec } from "vega-lite";
import { concentrationUnit } from "../measurement/concentration.ts";
import { COLOURS, DASHES, STYLE } from "./figure-style.ts";

export interface DrawnDoses {
  /** For the legend. */
  readonly name: string;
  /** M, and px with the standard error. */
  readonly doses: readonly { readonly concentration: number; readonly response: number; readonly error: number }[];
  /** Return px at a concentration in M; undefined without a fit. */
  readonly langmuir: ((concentration: number) => number) | undefined;
  readonly hill: ((concentration: number) => number) | undefined;
}

/** Maximum number of gratings in a figure: each has a colour of its own. */
export const MOST_DOSE_CURVES = COLOURS.length;

const [WIDTH, HEIGHT] = [520, 360];
/** Points of a fitted curve. */
const STEPS = 120;
/** Margin beside the concentrations, as a factor. */
const ROOM = 2;

/** Returns the specification. Error bars are one standard error. */
export function doseFigure(title: string, drawn: readonly DrawnDoses[]): TopLevelSpec {
  const all = drawn.flatMap(({ doses }) => doses.map(({ concentration }) => concentration));
  const [low, high] = [Math.min(...all) / ROOM, Math.max(...all) * ROOM];
  const { unit, factor } = concentrationUnit(Math.max(...all));
  const points = drawn.flatMap(({ name, doses }) =>
    doses.map(({ concentration, response, error }) => ({
      name,
      c: concentration * factor,
      r: response,
      low: response - error,
      high: response + error,
    })),
  );
  const lines = drawn.flatMap(({ name, langmuir, hill }) =>
    Object.entries({ Langmuir: langmuir, Hill: hill }).flatMap(([fit, equation]) =>
      equation === undefined
        ? []
        : Array.from({ length: STEPS + 1 }, (_step, at) => {
            const concentration = low * (high / low) ** (at / STEPS);
            return { name, fit, c: concentration * factor, r: equation(concentration) };
          }),
    ),
  );
  const color = {
    field: "name",
    type: "nominal",
    sort: null,
    scale: { domain: drawn.map(({ name }) => name), range: COLOURS },
    legend: { title: null },
  };
  const x = {
    field: "c",
    type: "quantitative",
    scale: { type: "log", domain: [low * factor, high * factor], nice: false },
    axis: {
      title: `Concentration (${unit})`,
      values: ticksBetween(low * factor, high * factor),
      format: "~g",
      labelSeparation: 8,
    },
  };
  const y = (field: string) => ({ field, type: "quantitative", axis: { title: "Response (px)" } });
  const fits = [...new Set(lines.map(({ fit }) => fit))];
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: STYLE,
    title: { text: title, subtitle: "Bars: one standard error", anchor: "start" },
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: lines },
        mark: { type: "line", strokeWidth: 1.6 },
        encoding: {
          x,
          y: y("r"),
          color,
          strokeDash: {
            field: "fit",
            type: "nominal",
            sort: null,
            scale: { domain: fits, range: DASHES.slice(0, fits.length) },
            legend: { title: null },
          },
        },
      },
      {
        data: { values: points },
        mark: { type: "rule", strokeWidth: 1.2 },
        encoding: { x, y: y("low"), y2: { field: "high" }, color },
      },
      {
        data: { values: points },
        mark: { type: "point", filled: true, size: 50, opacity: 1 },
        encoding: { x, y: y("r"), color },
      },
    ],
  } as TopLevelSpec;
}

/** Returns 1, 2 and 5 times each power of ten in a range. */
function ticksBetween(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const all = Array.from({ length: last - first + 1 }, (_power, at) =>
    [1, 2, 5].map((step) => Number(`${step}e${first + at}`)),
  ).flat();
  return all.filter((tick) => tick >= low && tick <= high);
}
