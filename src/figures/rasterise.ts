// Converts SVG to PNG in the calling thread. Every call holds some ten megabytes until V8 collects garbage, but V8 does not
// know about them: long-lived threads must use drawing.ts instead.
import { createRequire } from "node:module";

/** PNG pixels per SVG pixel. */
export const PNG_ZOOM = 2;

/**
 * Converts SVG to PNG with `zoom` pixels per SVG pixel, on white, with the bundled font. Rejects if the picture cannot be
 * drawn.
 */
export async function rasterise(svg: string, zoom = PNG_ZOOM): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: zoom },
    background: "#ffffff",
    font: {
      loadSystemFonts: false,
      fontFiles: fontFiles(),
      defaultFontFamily: "DejaVu Sans",
      sansSerifFamily: "DejaVu Sans",
    },
  }).render();
  return image.asPng();
}

function fontFiles(): string[] {
  const { resolve } = createRequire(import.meta.url);
  return ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((name) => resolve(`dejavu-fonts-ttf/ttf/${name}`));
}
