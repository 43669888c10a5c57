// A picture with its ROIs drawn over it, for a person to see whether they are on the gratings.

import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";
import { imageLibrary } from "../image/library.ts";
import type { Picture } from "../image/picture.ts";
import type { Roi, RoiManifest } from "../measurement/roi.ts";
import { escapeMarkup } from "../system/markup.ts";

const FLIPPED = "#ff9f1c";
const UNFLIPPED = "#2ec4ff";
const FLAGGED = "#ff3b5c";
/** Where boxes bear their names: in them, where these fit, or above them, where there is room between the boxes. */
type Names = "inside" | "above";

/** Letters smaller than this, px, cannot be read; the label is left out. */
const SMALLEST_LETTERS_PX = 9;
/** Width of a letter over its height in the font used. */
const LETTER_SHAPE = 0.62;

/**
 * PNG bytes of the picture (16 bit: stretched to its own range) with every ROI outlined where it is on the unrotated
 * picture: orange where rows are flipped, blue where not, red where `flagged`, a thick side where a row's pixel 0 is, a label where
 * it fits, or above.
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

/** The outlines alone, in the pixels of the picture as it was taken. */
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
  // Small boxes are better half covered than nameless.
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
