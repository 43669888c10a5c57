// Draws the shown curves as SVG: the curves, the temperatures below them, and the markers across both.
import { cutText, placeMarkers } from "../../figures/marker-places.ts";
import { escapeMarkup } from "../../system/markup.ts";
import { curveColour, curveDash, temperatureColour } from "./colours.ts";
import { fixed } from "./format.ts";
import { NAME_GAP_PX, placedInjections, SHADES } from "./injection-places.ts";
import type { PlotContent } from "./plot-content.ts";
import { decimalsOf, roundTicks, timeTicks } from "./ticks.ts";
import { clock, day, zoneName, zoneOffsetMs } from "./time.ts";

/** Without the legend. */
const WIDTH = 918;
const LEGEND_WIDTH = 182;
const LEGEND_STEP = 20;
const LEFT = 100;
const TOP = 30;
const PLOT_WIDTH = 780;
const CURVES_HEIGHT = 450;
const TEMPERATURES_HEIGHT = 110;
const BETWEEN = 24;
/** Space for the ticks, their labels and the name of the time axis. */
const BELOW = 80;
const TICKS = 6;
const TEMPERATURE_TICKS = 3;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const LETTERING = { characterPx: 6.6, longestPx: 240 };

export interface Drawing extends PlotContent {
  readonly title: string;
}

interface Line {
  readonly label: string;
  readonly colour: string;
  readonly dash: readonly number[];
  readonly times: readonly number[];
  /** In the unit of the panel. */
  readonly values: readonly (number | null)[];
}

interface Panel {
  readonly top: number;
  readonly height: number;
  readonly name: string;
  readonly ticks: number;
  readonly lines: readonly Line[];
  /** undefined: as the lines need it. */
  readonly limits?: readonly [number, number] | undefined;
}

/** Always on white, independent of the page's theme, because it will be placed in a document. */
export function curvesSvg(drawing: Drawing): string {
  const { title, view, markers, quantity, unit, from, to, limits, hidden } = drawing;
  const x = (ms: number) => LEFT + (PLOT_WIDTH * (ms - from)) / Math.max(1, to - from);
  const within = (ms: number) => ms >= from && ms <= to;
  const shown = view.curves.flatMap((curve, at) => (hidden?.has(curve.label) === true ? [] : [{ curve, at }]));
  const lines = shown.map(({ curve: { label, times, values }, at }): Line => {
    return { label, colour: curveColour(at), dash: curveDash(at), times, values };
  });
  const curves = panel(
    { top: TOP, height: CURVES_HEIGHT, name: `${quantity}, ${unit}`, ticks: TICKS, lines, limits },
    { x, within },
  );
  const sensors = view.temperatures.filter(({ times, values }) =>
    values.some((value, at) => value !== null && within(times[at] as number)),
  );
  const below = TOP + CURVES_HEIGHT + BETWEEN;
  const readings = sensors.map(
    ({ sensor, times, values }, at): Line => ({
      ...{ label: sensor, times, values, dash: [] },
      colour: temperatureColour(at),
    }),
  );
  const temperatures =
    sensors.length === 0
      ? undefined
      : panel(
          { top: below, height: TEMPERATURES_HEIGHT, name: "temp., °C", ticks: TEMPERATURE_TICKS, lines: readings },
          { x, within },
        );
  const bottom = temperatures === undefined ? TOP + CURVES_HEIGHT : below + TEMPERATURES_HEIGHT;
  const height = bottom + BELOW;
  const injections = injectionParts(drawing, x);
  const parts = [
    words(LEFT, TOP - 10, title, 'font-size="14" font-weight="600"'),
    ...injections.shades,
    ...curves.parts,
    ...injections.names,
  ];
  const clip = (ms: number) => Math.min(Math.max(ms, from), to);
  const [b0, b1] = [x(clip(view.baseline.from)), x(clip(view.baseline.to))];
  parts.push(
    `<rect x="${b0.toFixed(1)}" y="${TOP}" width="${(b1 - b0).toFixed(1)}" height="${CURVES_HEIGHT}" fill="#14623a" opacity="0.08"/>`,
  );
  shown.forEach(({ curve: { flagged }, at }) => {
    flagged.values.forEach((value, i) => {
      const ms = flagged.times[i] as number;
      if (!within(ms) || !curves.holds(value)) return;
      const place = `cx="${x(ms).toFixed(1)}" cy="${curves.y(value).toFixed(1)}"`;
      parts.push(`<circle ${place} r="3" fill="#fff" stroke="${curveColour(at)}"/>`);
    });
  });
  parts.push(...(temperatures?.parts ?? []));
  const { ticks, step } = timeTicks(from, to, TICKS, zoneOffsetMs(from));
  for (const ms of ticks) {
    const text = step >= DAY_MS ? day(ms) : `${day(ms)}, ${clock(ms, step < MINUTE_MS)}`;
    parts.push(`<path d="M${x(ms).toFixed(1)} ${bottom}v5" stroke="#888"/>`);
    parts.push(words(x(ms), bottom + 20, text, 'text-anchor="middle"'));
  }
  parts.push(words(LEFT + PLOT_WIDTH / 2, bottom + 44, `time, ${zoneName()}`, 'text-anchor="middle"'));
  const marked = markers.map(({ at, text }) => ({ timeMs: at, text }));
  for (const { t, text, y, left } of placeMarkers(marked, [from, to], PLOT_WIDTH, LETTERING)) {
    parts.push(`<path d="M${x(t).toFixed(1)} ${TOP}V${bottom}" stroke="#555" stroke-dasharray="4 3"/>`);
    parts.push(words(x(t) + (left ? -4 : 4), TOP + y + 6, cutText(text, LETTERING), left ? 'text-anchor="end"' : ""));
  }
  const width = WIDTH + LEGEND_WIDTH * Math.max(1, Math.ceil(lines.length / perColumn(CURVES_HEIGHT)));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>`
  );
}

/** Draws injections: shades below the curves, and names over them at the lower edge. */
function injectionParts({ injections = [], view, from, to }: Drawing, x: (ms: number) => number) {
  const clip = (ms: number) => x(Math.min(Math.max(ms, from), to));
  const [shades, names]: [string[], string[]] = [[], []];
  for (const one of placedInjections(injections, view.span[1], clip)) {
    const shade = (left: number, right: number, opacity: number) =>
      `<rect x="${left.toFixed(1)}" y="${TOP}" width="${(right - left).toFixed(1)}" height="${CURVES_HEIGHT}" fill="${one.isMain ? "#14623a" : "#666"}" opacity="${opacity}"/>`;
    if (one.to > one.from) shades.push(shade(one.from, one.to, SHADES.injection));
    if (one.end > one.to) shades.push(shade(one.to, one.end, SHADES.dissociation));
    if (one.name !== undefined) names.push(words(one.from + NAME_GAP_PX, TOP + CURVES_HEIGHT - 6, one.name));
  }
  return { shades, names };
}

interface TimeAxis {
  x(ms: number): number;
  within(ms: number): boolean;
}

/** Draws a panel: frame, scale, lines and legend. */
function panel({ top, height, name, ticks, lines, limits }: Panel, { x, within }: TimeAxis) {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of lines.flatMap(({ values }) => values)) {
    if (value === null) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (least > most) [least, most] = [-1, 1];
  const margin = 0.06 * (most - least || Math.abs(most) || 1);
  const [low, high] = limits ?? [least - margin, most + margin];
  const y = (value: number) => top + height * (1 - (value - low) / (high - low));
  const clip = `clip-${top}`;
  const frame = `x="${LEFT}" y="${top}" width="${PLOT_WIDTH}" height="${height}"`;
  const parts = [
    `<clipPath id="${clip}"><rect ${frame}/></clipPath>`,
    `<rect ${frame} fill="none" stroke="#888"/>`,
    words(18, top + height / 2, name, `text-anchor="middle" transform="rotate(-90 18 ${top + height / 2})"`),
  ];
  const scale = roundTicks(low, high, ticks);
  for (const value of scale.ticks) {
    parts.push(`<path d="M${LEFT} ${y(value).toFixed(1)}h${PLOT_WIDTH}" stroke="#ddd"/>`);
    parts.push(words(LEFT - 8, y(value) + 4, fixed(value, decimalsOf(scale.step)), 'text-anchor="end"'));
  }
  lines.forEach(({ label, colour, dash, times, values }, at) => {
    let pen = "M";
    let path = "";
    values.forEach((value, i) => {
      if (value === null || !within(times[i] as number)) pen = "M";
      else {
        path += `${pen}${x(times[i] as number).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = "L";
      }
    });
    const stroke = `stroke="${colour}"${dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : ""}`;
    const column = Math.floor(at / perColumn(height));
    const [left, middle] = [
      LEFT + PLOT_WIDTH + 14 + LEGEND_WIDTH * column,
      top + 10 + LEGEND_STEP * (at % perColumn(height)),
    ];
    parts.push(`<path d="${path}" fill="none" ${stroke} stroke-width="1.5" clip-path="url(#${clip})"/>`);
    parts.push(`<path d="M${left} ${middle}h32" ${stroke} stroke-width="2.5"/>`);
    parts.push(words(left + 40, middle + 4, label));
  });
  return { y, holds: (value: number) => value >= low && value <= high, parts };
}

/** Entries of the legend in a column next to a panel. */
function perColumn(height: number): number {
  return Math.max(1, Math.floor(height / LEGEND_STEP));
}

function words(x: number, y: number, text: string, more = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escapeMarkup(text)}</text>`;
}
