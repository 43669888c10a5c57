// Draws figures for print as SVG in their paper size, and as PNG with 300 dots per inch, stated in the file.
import type { Spec } from "vega";
import type { TopLevelSpec } from "vega-lite";
import { imageLibrary } from "../image/library.ts";
import { type Picture, renderVega, renderVegaLite } from "./render.ts";

const DOTS_PER_INCH = 300;
/** The unit of SVG. */
const CSS_PX_PER_INCH = 96;
const ZOOM = DOTS_PER_INCH / CSS_PX_PER_INCH;

/** Draws a Vega specification for print. */
export async function printVega(spec: Spec): Promise<Picture> {
  return withDensity(await renderVega(spec, ZOOM));
}

/** Draws a Vega-Lite specification for print. */
export async function printVegaLite(spec: TopLevelSpec): Promise<Picture> {
  return withDensity(await renderVegaLite(spec, ZOOM));
}

async function withDensity({ svg, png }: Picture): Promise<Picture> {
  const sharp = await imageLibrary();
  return { svg, png: await sharp(png).removeAlpha().withMetadata({ density: DOTS_PER_INCH }).png().toBuffer() };
}
