// Renders specification -> SVG -> PNG. Vega is loaded only for a thread's first picture: it costs half a second and 60 MB. Text
// is always drawn with the bundled DejaVu Sans, so that any machine draws the same picture.
import type { Spec } from "vega";
import type { TopLevelSpec } from "vega-lite";
import { PNG_ZOOM, rasterise } from "./rasterise.ts";
import { textWidth } from "./text-width.ts";

export interface Picture {
  readonly svg: string;
  readonly png: Uint8Array;
}

/** The bundled font first, then fonts that readers of an SVG are likely to have. */
export const FONT_FAMILY = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/** Draws a Vega-Lite specification; the PNG has `zoom` pixels per pixel of the SVG. */
export async function renderVegaLite(spec: TopLevelSpec, zoom = PNG_ZOOM): Promise<Picture> {
  const [{ compile }, { Error: ERROR, logger }] = await Promise.all([import("vega-lite"), import("vega")]);
  return await renderVega(compile(spec, { logger: logger(ERROR) }).spec, zoom);
}

/** Vega's interface to measure text; its types omit it. */
interface TextMetrics {
  width(item: { fontSize?: number; fontWeight?: string | number; limit?: number }, text: unknown): number;
}

function measureInBundledFont({ textMetrics }: { textMetrics: TextMetrics }): void {
  textMetrics.width = ({ fontSize = 11, fontWeight, limit = 0 }, text) => {
    const width = textWidth(String(text ?? ""), fontSize, fontWeight === "bold");
    return limit > 0 ? Math.min(width, limit) : width;
  };
}

/** Draws a Vega specification. Throws if Vega reports an error, instead of drawing a part. */
export async function renderVega(spec: Spec, zoom = PNG_ZOOM): Promise<Picture> {
  const vega = await import("vega");
  measureInBundledFont(vega as unknown as { textMetrics: TextMetrics });
  const view = new vega.View(vega.parse(spec), { renderer: "none", logLevel: vega.Error });
  try {
    const svg = renumbered(await view.toSVG());
    return { svg, png: await rasterise(svg, zoom) };
  } finally {
    view.finalize();
  }
}

/** Renumbers gradients, which Vega counts over the life of the process, so that the same picture always has the same text. */
function renumbered(svg: string): string {
  const numbers = new Map<string, number>();
  return svg.replace(/\bgradient_\d+\b/g, (id) => {
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return `gradient_${number}`;
  });
}
