// Draws the baseline and the markers over the curves.
import type uPlot from "uplot";
import { cutText, placeMarkers } from "../../figures/marker-places.ts";
import type { PlotContent } from "./plot-content.ts";
import { theme } from "./theme.ts";

const LETTERING = { characterPx: 6.4, longestPx: 240 };

/** The plot calls this after drawing its curves. */
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
