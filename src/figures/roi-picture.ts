// Draws a picture with its ROIs, so that the user can check whether they are on the gratings.

import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";
import { imageLibrary } from "../image/library.ts";
import type { Picture } from "../image/picture.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";
import { escapeMarkup } from "../system/markup.ts";

const FLIPPED = "#ff9f1c";
const UNFLIPPED = "#2ec4ff";
const FLAGGED = "#ff3b5c";
/** Position of the names: inside the boxes if they fit, or above them if there is space between the boxes. */
type Names = "inside" | "above";

/** Minimum height of letters, px; smaller ones cannot be read, so the label is left out. */
const SMALLEST_LETTERS_PX = 9;
/** Ratio of width to height of a letter in the font used. */
const LETTER_SHAPE = 0.62;

/**
 * Returns a PNG of the picture (16 bits are stretched to its own range) with every ROI outlined where it is in the unrotated
 * picture: orange if rows are flipped, otherwise blue, red if `flagged`, with a thick side at pixel 0 of the rows, and a label
 * inside if it fits, otherwise above.
 */
export async function drawRois(
  picture: Picture,
  manifest: Pick<RoiManifest, "imageAngle" | "rois">,
  flagged: ReadonlySet<string> = new Set(),
  names: Names = "inside",
): Promise<Buffer> {
  const { width, height } = picture;
  const overlay = new Resvg(overlaySvg(picture, manifest, flagged, names), {
    font: {
      fontFiles: [createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf")],
      loadSystemFonts: false,
      defaultFontFamily: "DejaVu Sans",
    },
  }).render();
  const sharp = await imageLibrary();
  return sharp(eightBit(picture), { raw: { width, height, channels: 1 }, limitInputPixels: false })
    .toColourspace("srgb")
    .composite([{ input: overlay.pixels, raw: { width, height, channels: 4 }, limitInputPixels: false }])
    .png()
    .toBuffer();
}

/** Returns the outlines alone, in pixels of the picture as captured. */
function overlaySvg(
  picture: Picture,
  { imageAngle, rois }: Pick<RoiManifest, "imageAngle" | "rois">,
  flagged: ReadonlySet<string> = new Set(),
  names: Names = "inside",
): string {
  const { width, height } = picture;
  const centre = [Math.floor(width / 2), Math.floor(height / 2)];
  const line = Math.max(1, Math.round(Math.max(width, height) / 2000));
  // ROIs are in the picture rotated by -imageAngle (OpenCV: positive is counter-clockwise with y downwards); SVG turns
  // clockwise, so that turning the outlines by -imageAngle there lays them back over the picture. Pixel centres are at
  // halves in SVG and at whole numbers in OpenCV.
  const turned = `translate(0.5 0.5) rotate(${-imageAngle} ${centre.join(" ")})`;
  const shapes = rois.map((roi) => outline(roi, line, flagged.has(roi.label), names)).join("");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<g transform="${turned}" fill="none">${shapes}</g></svg>`
  );
}

function outline({ label, flip, y, x, height, width }: Roi, line: number, flagged: boolean, names: Names): string {
  const colour = flagged ? FLAGGED : flip ? FLIPPED : UNFLIPPED;
  const [left, top] = [x - 0.5, y - 0.5];
  const zero = flip ? left + width : left;
  // In small boxes, covering half of the box is better than no name.
  const wanted = Math.max(height * 0.22, Math.min(SMALLEST_LETTERS_PX, height * 0.7));
  const letters =
    names === "above"
      ? 2 * line * SMALLEST_LETTERS_PX
      : Math.min(wanted, (width * 0.9) / (label.length * LETTER_SHAPE));
  const baseline = names === "above" ? top - 2 * line : top + 1.2 * letters;
  const text =
    letters < SMALLEST_LETTERS_PX
      ? ""
      : `<text x="${left + 3 * line + letters / 4}" y="${baseline}" font-size="${letters.toFixed(1)}" ` +
        `fill="${colour}" stroke="#000000" stroke-width="${(letters / 6).toFixed(1)}" paint-order="stroke">` +
        `${escapeMarkup(label)}</text>`;
  return (
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" stroke="${colour}" stroke-width="${line}"/>` +
    `<path d="M${zero} ${top}v${height}" stroke="${colour}" stroke-width="${line * 3}"/>${text}`
  );
}

function eightBit({ pixels }: Picture): Uint8Array {
  if (pixels instanceof Uint8Array) return pixels;
  let min = 65535;
  let max = 0;
  for (const pixel of pixels) {
    if (pixel < min) min = pixel;
    if (pixel > max) max = pixel;
  }
  const scale = max > min ? 255 / (max - min) : 0;
  return Uint8Array.from(pixels, (pixel) => Math.round((pixel - min) * scale));
}
