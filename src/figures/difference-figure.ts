// Draws the difference of two pictures as a figure: red and blue pixels, their scale, and the outlines of ROIs.
import type { TopLevelSpec } from "vega-lite";
import type { Difference } from "../image/difference.ts";
import { imageLibrary } from "../image/library.ts";
import type { RoiManifest } from "../measurement/roi.ts";
import { STYLE } from "./figure-style.ts";
import { PAGE_MM, PRINT_STYLE, pxOfMm } from "./print-style.ts";
import { printTitle } from "./print-title.ts";

const WIDTH_MM = 138;
/** Pixels of the drawn picture per pixel of the figure, as in the PNG. */
const FINE = 3;

const DIFFERENCE_COLOURS = ["#2166ac", "#ffffff", "#b2182b"] as const;

export interface DifferenceTitle {
  readonly title: string;
  readonly subtitle: readonly string[];
}

/** Returns the specification; outlines `rois` if they are given. */
export async function differenceFigure(
  difference: Difference,
  { title, subtitle }: DifferenceTitle,
  rois: Pick<RoiManifest, "rois" | "imageAngle"> | undefined,
): Promise<TopLevelSpec> {
  const { width, height, fullScale } = difference;
  const drawnWidth = pxOfMm(WIDTH_MM);
  const drawnHeight = Math.round((drawnWidth * height) / width);
  const axis = (field: string, most: number, name: string, reversed: boolean) => ({
    field,
    type: "quantitative",
    scale: { domain: reversed ? [most, 0] : [0, most], nice: false },
    axis: { title: name, grid: false, tickCount: 6, format: ",d" },
  });
  const x = axis("x", width, "x (px)", false);
  const y = axis("y", height, "y (px)", true);
  const url = await picturePng(difference, drawnWidth * FINE);
  const color = {
    field: "counts",
    type: "quantitative",
    scale: { domain: [-fullScale, 0, fullScale], range: [...DIFFERENCE_COLOURS], interpolate: "rgb" },
    legend: { title: ["B − A", "(counts)"], gradientLength: Math.min(drawnHeight - 40, 150), tickCount: 5 },
  };
  const corners = rois === undefined ? [] : outlines(rois, width, height);
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: { ...STYLE, ...PRINT_STYLE },
    ...printTitle(title, subtitle, pxOfMm(PAGE_MM) - 14),
    width: drawnWidth,
    height: drawnHeight,
    layer: [
      {
        data: { values: [{ x: width / 2, y: height / 2, url }] },
        mark: { type: "image", width: drawnWidth, height: drawnHeight, aspect: false },
        encoding: { x, y, url: { field: "url", type: "nominal" } },
      },
      // Invisible; they only give the scale its legend.
      {
        data: { values: [{ counts: -fullScale }, { counts: fullScale }].map((one) => ({ ...one, x: 0, y: 0 })) },
        mark: { type: "point", opacity: 0 },
        encoding: { x, y, color },
      },
      {
        data: { values: corners },
        mark: { type: "line", color: "#222222", strokeWidth: 0.5, clip: true },
        encoding: { x, y, detail: { field: "roi", type: "nominal" }, order: { field: "corner", type: "quantitative" } },
      },
    ],
  } as TopLevelSpec;
}

/** Returns the corners of the ROIs in the picture as captured. */
function outlines({ rois, imageAngle }: Pick<RoiManifest, "rois" | "imageAngle">, width: number, height: number) {
  const radians = (imageAngle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const [middleX, middleY] = [Math.floor(width / 2), Math.floor(height / 2)];
  return rois.flatMap((roi) => {
    const [right, bottom] = [roi.x + roi.width, roi.y + roi.height];
    return [
      [roi.x, roi.y],
      [right, roi.y],
      [right, bottom],
      [roi.x, bottom],
      [roi.x, roi.y],
    ].map(([left = 0, top = 0], corner) => {
      const [dx, dy] = [left - middleX, top - middleY];
      return { roi: roi.label, corner, x: middleX + cos * dx + sin * dy, y: middleY - sin * dx + cos * dy };
    });
  });
}

/** Returns the pixels as a PNG data URI, reduced if the figure cannot show all of them. */
async function picturePng({ rgb, width, height }: Difference, mostAcross: number): Promise<string> {
  const sharp = await imageLibrary();
  const whole = sharp(rgb, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  const drawn = width > mostAcross ? whole.resize({ width: Math.round(mostAcross) }) : whole;
  return `data:image/png;base64,${(await drawn.png().toBuffer()).toString("base64")}`;
}
