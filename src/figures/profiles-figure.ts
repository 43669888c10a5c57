// Draws one row of one ROI in several pictures over each other: a series of exposures shows where the camera saturates, a
// series in time how the band moves.
import type { TopLevelSpec } from "vega-lite";
import { COLOURS, DASHES, STYLE } from "./figure-style.ts";
import type { IntervalsLook } from "./intervals-figure.ts";
import { PRINT_STYLE, pxOfPoints } from "./print-style.ts";
import { printTitle } from "./print-title.ts";
import { textWidth } from "./text-width.ts";
import type { Limits } from "./trace.ts";

export interface NamedProfile {
  /** Name of the picture. */
  readonly name: string;
  /** Name in the legend, unique for each picture. */
  readonly legend: string;
  readonly counts: Float64Array;
}

const LEFT = 52;
const LEGEND_SYMBOL = 38;
const LEGEND_MOST = 190;

/** Returns the specification. */
export function profilesFigure(
  profiles: readonly NamedProfile[],
  limits: Limits | undefined,
  { title, subtitle, size }: IntervalsLook,
): TopLevelSpec {
  const names = profiles.map(({ legend }) => legend);
  const several = profiles.length > 1;
  const widest = Math.min(LEGEND_MOST, Math.max(...names.map((name) => textWidth(name, pxOfPoints(7)))));
  const width = Math.round(size.width - LEFT - 16 - (several ? LEGEND_SYMBOL + widest : 0));
  const values = profiles.flatMap(({ legend: name, counts }) => Array.from(counts, (v, x) => ({ x, v, name })));
  const legend = several ? { title: null, symbolType: "stroke", labelLimit: LEGEND_MOST } : null;
  const look = (range: readonly unknown[]) => ({
    field: "name",
    type: "nominal",
    scale: { domain: names, range },
    legend,
  });
  const dashes = names.map((_name, at) => [...(DASHES[Math.floor(at / COLOURS.length) % DASHES.length] ?? [1, 0])]);
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: { ...STYLE, ...PRINT_STYLE },
    ...printTitle(title, subtitle, size.width - 14),
    width,
    height: size.height === undefined ? Math.max(220, names.length * 14) : Math.max(60, size.height - 90),
    data: { values },
    mark: { type: "line", strokeWidth: 1.2, strokeJoin: "round", clip: true },
    encoding: {
      x: { field: "x", type: "quantitative", axis: { title: "Pixel of the row", grid: false }, scale: { nice: false } },
      y: {
        field: "v",
        type: "quantitative",
        axis: { title: "Intensity (counts)", tickCount: 6, format: ",d", minExtent: 34 },
        scale: limits === undefined ? { zero: true } : { domain: [...limits], nice: false, zero: false },
      },
      color: look(names.map((_name, at) => COLOURS[at % COLOURS.length])),
      strokeDash: look(dashes),
    },
  } as TopLevelSpec;
}
