// Draws association against dissociation rates on logarithmic axes, with lines of equal KD (an iso-affinity plot).
import type { TopLevelSpec } from "vega-lite";
import { concentrationText } from "../measurement/concentration.ts";
import { COLOURS, DOUBTFUL_COLOUR, FAINT_INK, STYLE } from "./figure-style.ts";
import { isoAffinityLines } from "./iso-affinity-lines.ts";

export interface AffinityPoint {
  readonly label: string;
  readonly group: string;
  /** 1/(M s) and 1/s, with the ends of their 95 % intervals. */
  readonly ka: { readonly value: number; readonly low: number; readonly high: number };
  readonly kd: { readonly value: number; readonly low: number; readonly high: number };
  readonly flagged: boolean;
}

const SIZE = 420;
/** Margin around the points, as a factor. */
const ROOM = 2;
/** A tick as "2·10⁻³". */
const EXPONENT = "floor(log(datum.value) / LN10 + 1e-9)";
const POWER =
  `format(datum.value / pow(10, ${EXPONENT}), ".0f") + "·10" + (${EXPONENT} < 0 ? "⁻" : "") + ` +
  `substring("⁰¹²³⁴⁵⁶⁷⁸⁹", abs(${EXPONENT}), abs(${EXPONENT}) + 1)`;
/** Room that a label needs, px. */
const [LABEL_WIDTH, LABEL_HEIGHT] = [34, 11];

/** Returns the specification. The lines are labelled by KD, such as "10 nM". Undefined without points. */
export function isoAffinityFigure(title: string, points: readonly AffinityPoint[]): TopLevelSpec | undefined {
  if (points.length === 0) return undefined;
  const x = spanOf(points.map(({ kd }) => kd.value));
  const y = spanOf(points.map(({ ka }) => ka.value));
  const values = points.map(({ label, group, ka, kd, flagged }) => ({
    label,
    group,
    ka: ka.value,
    kd: kd.value,
    kaLow: Math.max(ka.low, y[0]),
    kaHigh: Math.min(ka.high, y[1]),
    kdLow: Math.max(kd.low, x[0]),
    kdHigh: Math.min(kd.high, x[1]),
    flagged,
  }));
  const groups = [...new Set(values.map(({ group }) => group))];
  const color = {
    field: "group",
    type: "nominal",
    scale: { domain: groups, range: groups.map((_name, at) => COLOURS[at % COLOURS.length]) },
    legend: groups.length > 1 ? { title: "group" } : null,
  };
  const axis = (field: string, domain: readonly [number, number], title: string, labelSeparation = 0): object => ({
    field,
    type: "quantitative",
    scale: { type: "log", domain, nice: false, clamp: true },
    axis: { title, labelExpr: POWER, labelSeparation, tickCount: 5 },
  });
  const kdAxis = (field: string) => axis(field, x, "kd (1/s)", 8);
  const kaAxis = (field: string) => axis(field, y, "ka (1/(M s))");
  const [kd, ka] = [kdAxis("kd"), kaAxis("ka")];
  const errorBar = { type: "rule", strokeWidth: 1, opacity: 0.6 };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: STYLE,
    title: { text: title, subtitle: "Bars: 95 %; diagonals: equal KD; outlined in red: flagged", anchor: "start" },
    width: SIZE,
    height: SIZE,
    layer: [
      ...diagonals(x, y).flatMap(({ from, to, name }) => [
        {
          data: { values: [from, to] },
          mark: { type: "line", color: FAINT_INK, strokeDash: [4, 3], strokeWidth: 1.2, clip: true },
          encoding: { x: kd, y: ka },
        },
        {
          data: { values: [{ ...to, name }] },
          mark: { type: "text", color: FAINT_INK, fontSize: 9, align: "right", dx: -18, dy: 8, clip: true },
          encoding: { x: kd, y: ka, text: { field: "name" } },
        },
      ]),
      {
        data: { values },
        mark: errorBar,
        encoding: { x: kdAxis("kdLow"), x2: { field: "kdHigh" }, y: ka, color },
      },
      {
        data: { values },
        mark: errorBar,
        encoding: { x: kd, y: kaAxis("kaLow"), y2: { field: "kaHigh" }, color },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, size: 45, strokeWidth: 1.5, opacity: 1 },
        encoding: {
          x: kd,
          y: ka,
          color,
          stroke: { condition: { test: "datum.flagged", value: DOUBTFUL_COLOUR }, value: null },
        },
      },
      {
        data: { values: readable(values, x, y) },
        mark: { type: "text", fontSize: 9, align: "left", dx: 6, dy: -6 },
        encoding: { x: kd, y: ka, text: { field: "label" } },
      },
    ],
  } as TopLevelSpec;
}

interface Placed {
  readonly ka: number;
  readonly kd: number;
}

/** Returns the points whose labels do not lie over that of a point before them. */
function readable<Point extends Placed>(
  points: readonly Point[],
  x: readonly [number, number],
  y: readonly [number, number],
): Point[] {
  const px = (value: number, [low, high]: readonly [number, number]) =>
    (SIZE * Math.log(value / low)) / Math.log(high / low);
  const kept: Point[] = [];
  for (const point of points) {
    const isHidden = kept.some(
      (other) =>
        Math.abs(px(other.kd, x) - px(point.kd, x)) < LABEL_WIDTH &&
        Math.abs(px(other.ka, y) - px(point.ka, y)) < LABEL_HEIGHT,
    );
    if (!isHidden) kept.push(point);
  }
  return kept;
}

/** Returns a range of at least a decade, with a margin at both ends. */
function spanOf(list: readonly number[]): readonly [number, number] {
  const [low, high] = [Math.min(...list) / ROOM, Math.max(...list) * ROOM];
  const widen = Math.max(1, Math.sqrt(10 / (high / low)));
  return [low / widen, high * widen];
}

/** Returns the lines of equal KD, in the units of the axes. */
function diagonals(kd: readonly [number, number], ka: readonly [number, number]) {
  const powers = ([low, high]: readonly [number, number]) => [Math.log10(low), Math.log10(high)] as const;
  const point = (at: { readonly kd: number; readonly ka: number }) => ({ kd: 10 ** at.kd, ka: 10 ** at.ka });
  return isoAffinityLines(powers(kd), powers(ka)).map(({ power, from, to }) => ({
    ...{ from: point(from), to: point(to) },
    name: concentrationText(10 ** power),
  }));
}
