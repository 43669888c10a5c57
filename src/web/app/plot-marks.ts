// Draws injections below the curves, and the baseline and the markers over them.
import type uPlot from "uplot";
import { cutText, placeMarkers } from "../../figures/marker-places.ts";
import { NAME_GAP_PX, placedInjections, SHADES } from "./injection-places.ts";
import type { PlotContent } from "./plot-content.ts";
import { theme } from "./theme.ts";

const LETTERING = { characterPx: 6.4, longestPx: 240 };

/** Draws the baseline and the markers; the plot calls this after drawing its curves. */
export function drawMarks(plot: uPlot, { view, markers, from: first, to: last }: PlotContent): void {
  const { ctx, bbox } = plot;
  const place = (ms: number) => plot.valToPos(ms / 1000, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = theme("--accent");
  ctx.globalAlpha = 0.1;
  const from = place(view.baseline.from);
  ctx.fillRect(from, bbox.top, place(view.baseline.to) - from, bbox.height);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = theme("--quiet");
  ctx.fillStyle = theme("--text");
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  const marked = markers.map(({ at, text }) => ({ timeMs: at, text }));
  for (const { t, text, y, left } of placeMarkers(marked, [first, last], bbox.width / devicePixelRatio, LETTERING)) {
    const x = place(t);
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.textAlign = left ? "right" : "left";
    ctx.fillText(
      cutText(text, LETTERING),
      x + (left ? -4 : 4) * devicePixelRatio,
      bbox.top + (y + 6) * devicePixelRatio,
    );
  }
  ctx.restore();
}

const NAME_PX = 12;

/** Draws the injections; the plot calls this before drawing its curves. */
export function drawInjections(plot: uPlot, { injections = [], view }: PlotContent): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${NAME_PX * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  const place = (ms: number) => plot.valToPos(ms / 1000, "x", true) / ratio;
  for (const { from, to, end, isMain, name } of placedInjections(injections, view.span[1], place)) {
    ctx.fillStyle = theme(isMain ? "--accent" : "--quiet");
    ctx.globalAlpha = SHADES.injection;
    ctx.fillRect(from * ratio, bbox.top, (to - from) * ratio, bbox.height);
    ctx.globalAlpha = SHADES.dissociation;
    ctx.fillRect(to * ratio, bbox.top, (end - to) * ratio, bbox.height);
    ctx.globalAlpha = 1;
    if (name === undefined) continue;
    ctx.fillStyle = theme("--text");
    const left = Math.max(from * ratio, bbox.left) + NAME_GAP_PX * ratio;
    ctx.fillText(name, left, bbox.top + bbox.height - NAME_GAP_PX * ratio);
  }
  ctx.restore();
}
