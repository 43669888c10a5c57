// Specification -> SVG -> PNG. Vega is loaded on the first picture only: it costs half a second and 60 MB.
// Text is drawn from the bundled DejaVu Sans and from no other font, so that a bare machine draws the same picture.
import { createRequire } from "node:module";
import type { Spec } from "vega";
import type { TopLevelSpec } from "vega-lite";

export interface Picture {
  readonly svg: string;
  readonly png: Uint8Array;
}

/** First the bundled font, then what the reader of an SVG is likely to have. */
export const FONT_FAMILY = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";
/** PNG pixels per SVG pixel. */
export const PNG_ZOOM = 2;

/** Draws a Vega-Lite specification. */
export async function renderVegaLite(spec: TopLevelSpec): Promise<Picture> {
  const [{ compile }, { Error: ERROR, logger }] = await Promise.all([import("vega-lite"), import("vega")]);
  return await renderVega(compile(spec, { logger: logger(ERROR) }).spec);
}

/** Draws a Vega specification. Throws when Vega finds a fault in it, rather than drawing half of it. */
export async function renderVega(spec: Spec): Promise<Picture> {
  const vega = await import("vega");
  const view = new vega.View(vega.parse(spec), { renderer: "none", logLevel: vega.Error });
  try {
    const svg = numberedAnew(await view.toSVG());
    return { svg, png: await rasterise(svg) };
  } finally {
    view.finalize();
  }
}

/** Vega counts gradients over the life of the process; the same picture shall have the same text. */
function numberedAnew(svg: string): string {
  const numbers = new Map<string, number>();
  return svg.replace(/\bgradient_\d+\b/g, (id) => {
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return `gradient_${number}`;
  });
}

/** SVG to PNG at PNG_ZOOM, on white. */
export async function rasterise(svg: string): Promise<Uint8Array> {
  const { renderAsync } = await import("@resvg/resvg-js");
  const image = await renderAsync(svg, {
    fitTo: { mode: "zoom", value: PNG_ZOOM },
    background: "#ffffff",
    font: {
      loadSystemFonts: false,
      fontFiles: fontFiles(),
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  });
  return image.asPng();
}

function fontFiles(): string[] {
  const { resolve } = createRequire(import.meta.url);
  return ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((name) => resolve(`dejavu-fonts-ttf/ttf/${name}`));
}
