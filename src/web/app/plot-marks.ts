// Draws injections below the curves, and the baseline and the markers over them.
import type uPlot from "uplot";
import { cutText, placeMarkers } from "../../figures/marker-places.ts";
import { concentrationText } from "../../measurement/concentration.ts";
import type { InjectionView } from "../evaluation-views.ts";
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

/** How strongly the time of an injection and that of its dissociation are shaded. */
const SHADES = { injection: 0.16, dissociation: 0.06 } as const;
const NAME_PX = 12;
/** px of a character of a name. */
const CHARACTER_PX = 6.4;

/**
 * Draws the injections; the plot calls this before drawing its curves. Where there is no room for the name, it writes the number
 * that the injection has in the table.
 */
export function drawInjections(plot: uPlot, { injections = [], view }: PlotContent): void {
  const { ctx, bbox } = plot;
  const place = (ms: number) => plot.valToPos(ms / 1000, "x", true);
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${NAME_PX * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  injections.forEach((one, at) => {
    const last = one.dissociationEnd ?? injections[at + 1]?.start ?? Math.max(view.span[1], one.end);
    const [from, to, end] = [place(one.start), place(one.end), place(last)];
    ctx.fillStyle = theme(one.type === "sample" || one.type === "calibration" ? "--accent" : "--quiet");
    ctx.globalAlpha = SHADES.injection;
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
    ctx.globalAlpha = SHADES.dissociation;
    ctx.fillRect(to, bbox.top, end - to, bbox.height);
    ctx.globalAlpha = 1;
    const room = (end - from) / ratio - 8;
    const name = [nameOf(one), one.solution, String(one.id)].find((text) => text.length * CHARACTER_PX <= room);
    if (name === undefined) return;
    ctx.fillStyle = theme("--text");
    ctx.fillText(name, Math.max(from, bbox.left) + 4 * ratio, bbox.top + bbox.height - 4 * ratio);
  });
  ctx.restore();
}

/** "antibody, 50 nM" */
function nameOf({ solution, concentration, refractiveIndex }: InjectionView): string {
  const amount = concentration === null ? refractiveIndex : concentrationText(concentration);
  return amount === null ? solution : `${solution}, ${amount}`;
}
