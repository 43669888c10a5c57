// What is shown as a file: the curves drawn as SVG, and that drawing as PNG.

import { cutText, placeMarkers } from "../../delivery/marker-places.ts";
import { escapeMarkup } from "../../markup.ts";
import { curveColour } from "./colours.ts";
import { moment } from "./format.ts";
import type { PlotContent } from "./plot.ts";
import { decimalsOf, roundTicks, timeTicks } from "./ticks.ts";

const WIDTH = 1100;
const HEIGHT = 560;
const LEFT = 100;
const TOP = 30;
const PLOT_WIDTH = 780;
const PLOT_HEIGHT = 450;
const TICKS = 6;
const LETTERING = { characterPx: 6.6, longestPx: 240 };

export interface Drawing extends PlotContent {
  readonly title: string;
}

/** On white, whatever the page's theme: it goes into a document. */
export function curvesSvg({ title, view, markers, unit, factor, from, to }: Drawing): string {
  const all = view.curves
    .flatMap(({ values }) => values.filter((value) => value !== null))
    .map((value) => value * factor);
  const [least, most] =
    all.length === 0 ? [-1, 1] : [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))];
  const margin = 0.06 * (most - least || Math.abs(most) || 1);
  const [low, high] = [least - margin, most + margin];
  const x = (ms: number) => LEFT + (PLOT_WIDTH * (ms - from)) / Math.max(1, to - from);
  const y = (value: number) => TOP + PLOT_HEIGHT * (1 - (value - low) / (high - low));
  const within = (ms: number) => ms >= from && ms <= to;
  const parts: string[] = [];
  const text = (px: number, py: number, words: string, more = "") =>
    parts.push(`<text x="${px.toFixed(1)}" y="${py.toFixed(1)}" ${more}>${escapeMarkup(words)}</text>`);
  parts.push(`<rect x="${LEFT}" y="${TOP}" width="${PLOT_WIDTH}" height="${PLOT_HEIGHT}" fill="none" stroke="#888"/>`);
  const clip = (ms: number) => Math.min(Math.max(ms, from), to);
  const [b0, b1] = [x(clip(view.baseline.from)), x(clip(view.baseline.to))];
  parts.push(
    `<rect x="${b0.toFixed(1)}" y="${TOP}" width="${(b1 - b0).toFixed(1)}" height="${PLOT_HEIGHT}" fill="#14623a" opacity="0.08"/>`,
  );
  const values = roundTicks(low, high, TICKS);
  const decimals = decimalsOf(values.step);
  for (const value of values.ticks) {
    parts.push(`<path d="M${LEFT} ${y(value).toFixed(1)}h${PLOT_WIDTH}" stroke="#ddd"/>`);
    text(LEFT - 8, y(value) + 4, value.toFixed(decimals), 'text-anchor="end"');
  }
  for (const ms of timeTicks(from, to, TICKS).ticks) {
    parts.push(`<path d="M${x(ms).toFixed(1)} ${TOP + PLOT_HEIGHT}v5" stroke="#888"/>`);
    text(x(ms), TOP + PLOT_HEIGHT + 20, moment(ms).slice(5, 19), 'text-anchor="middle"');
  }
  text(LEFT, TOP - 10, title, 'font-size="14" font-weight="600"');
  text(LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 44, "time, UTC", 'text-anchor="middle"');
  text(
    18,
    TOP + PLOT_HEIGHT / 2,
    `shift, ${unit}`,
    `text-anchor="middle" transform="rotate(-90 18 ${TOP + PLOT_HEIGHT / 2})"`,
  );
  view.curves.forEach(({ label, times, values, flagged }, at) => {
    const colour = curveColour(at);
    let pen = "M";
    let path = "";
    values.forEach((value, i) => {
      if (value === null || !within(times[i] as number)) pen = "M";
      else {
        path += `${pen}${x(times[i] as number).toFixed(1)} ${y(value * factor).toFixed(1)}`;
        pen = "L";
      }
    });
    parts.push(`<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`);
    flagged.values.forEach((value, i) => {
      const ms = flagged.times[i] as number;
      const inside = value * factor >= low && value * factor <= high;
      if (within(ms) && inside)
        parts.push(
          `<circle cx="${x(ms).toFixed(1)}" cy="${y(value * factor).toFixed(1)}" r="3" fill="#fff" stroke="${colour}"/>`,
        );
    });
    parts.push(`<path d="M${LEFT + PLOT_WIDTH + 14} ${TOP + 10 + 20 * at}h18" stroke="${colour}" stroke-width="3"/>`);
    text(LEFT + PLOT_WIDTH + 38, TOP + 14 + 20 * at, label);
  });
  const marked = markers.map(({ at, text: words }) => ({ timeMs: at, text: words }));
  for (const { t, text: words, y: py, left } of placeMarkers(marked, [from, to], PLOT_WIDTH, LETTERING)) {
    parts.push(`<path d="M${x(t).toFixed(1)} ${TOP}v${PLOT_HEIGHT}" stroke="#555" stroke-dasharray="4 3"/>`);
    text(x(t) + (left ? -4 : 4), TOP + py + 6, cutText(words, LETTERING), left ? 'text-anchor="end"' : "");
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>`
  );
}

/** The drawing as PNG, twice as fine. */
export async function pngOf(svg: string): Promise<Blob> {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * WIDTH, 2 * HEIGHT];
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob(
        (blob) => (blob === null ? reject(new Error("the drawing gave no picture")) : resolve(blob)),
        "image/png",
      );
    });
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** Hands a file to the person. */
export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
