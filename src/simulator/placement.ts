// Places the chip in a simulated picture: converts micrometres on the chip to pixels, and finds the ROIs that are completely in
// view. "Aligned" pixels are those of the picture after rotation by -angle about (width // 2, height // 2), the coordinates of
// ROIs. Here pixel i of a row extends from i to i + 1, with its centre at i + 0.5.

import type { Chip, ChipBox, GratingHalf } from "../chip/chip.ts";
import { chipExtent, gratingHalves } from "../chip/layout.ts";
import type { Roi } from "../measurement/roi.ts";

export interface Placement {
  readonly width: number;
  readonly height: number;
  readonly pxPerUm: number;
  /** Aligned px of the chip's origin. */
  readonly offsetX: number;
  readonly offsetY: number;
  readonly angleDegrees: number;
}

/** Scale at which 1920 x 1460 px show about sixty gratings of IMECII_2. */
const CLOSE_UP = { width: 1920, height: 1460, pxPerUm: 0.724 } as const;
/** Pictures of at least this width show the whole chip, with this many micrometres of view along its longer side. */
const OVERVIEW = { widthPx: 4000, viewUm: 4925 } as const;
/** Margin of the chip at the edge of a picture that shows one of its corners. */
const MARGIN_UM = 28;
/** Distance of ROIs from the edge of the picture, so that interpolation at their edges stays inside too. */
const MARGIN_PX = 2;

/** Returns the default scale for a picture of this size, px per micrometre. */
function customaryScale(width: number, height: number): number {
  if (width >= OVERVIEW.widthPx) return Math.round((1000 * Math.min(width, height)) / OVERVIEW.viewUm) / 1000;
  return CLOSE_UP.pxPerUm * Math.min(width / CLOSE_UP.width, height / CLOSE_UP.height);
}

/**
 * Places the chip: in the middle if it fits into the picture; otherwise so that its corner with the large number is visible
 * (labels in two directions and whole gratings), or its middle if that corner would show no whole grating. With `window`, that
 * point of the chip (µm) is at the picture's top left.
 */
export function placeChip(
  chip: Chip,
  size: { readonly width: number; readonly height: number },
  angleDegrees: number,
  pxPerUm = customaryScale(size.width, size.height),
  window: { readonly x: number; readonly y: number } | undefined = undefined,
): Placement {
  const { width, height } = size;
  const at = ({ x, y }: { x: number; y: number }): Placement => {
    return { width, height, pxPerUm, angleDegrees, offsetX: -x * pxPerUm, offsetY: -y * pxPerUm };
  };
  if (window !== undefined) return at(window);
  const view = { width: width / pxPerUm, height: height / pxPerUm };
  const corner = at(viewOf(chip, view, "corner"));
  return placeHalves(chip, corner).some((half) => half.roi !== undefined) ? corner : at(viewOf(chip, view, "middle"));
}

/** Returns the chip's point at the top left of a view; a side that fits completely is centred. */
function viewOf(
  chip: Chip,
  view: { readonly width: number; readonly height: number },
  part: "corner" | "middle",
): { x: number; y: number } {
  const extent = chipExtent(chip);
  const middleX = extent.x + (extent.width - view.width) / 2;
  const middleY = extent.y + (extent.height - view.height) / 2;
  const corner = part === "corner";
  return {
    x: corner && view.width < extent.width ? extent.x - MARGIN_UM : middleX,
    y: corner && view.height < extent.height ? extent.y + extent.height + MARGIN_UM - view.height : middleY,
  };
}

/** Returns a box of the chip in aligned px. */
export function alignedBox(placement: Placement, box: ChipBox): ChipBox {
  const { pxPerUm, offsetX, offsetY } = placement;
  const x = offsetX + pxPerUm * box.x;
  const y = offsetY + pxPerUm * box.y;
  return { x, y, width: pxPerUm * box.width, height: pxPerUm * box.height };
}

/** Returns the picture point that rotation maps to an aligned point. */
export function picturePoint(placement: Placement, x: number, y: number): { x: number; y: number } {
  const { cos, sin, centreX, centreY } = rotation(placement);
  const [dx, dy] = [x - centreX, y - centreY];
  return { x: centreX + cos * dx + sin * dy, y: centreY - sin * dx + cos * dy };
}

/**
 * Returns the coefficients of aligned x = cos·(x − centreX) − sin·(y − centreY) + centreX, aligned y = sin·(…) + cos·(…) +
 * centreY: OpenCV's rotation matrix for −angle; its centre is a pixel centre, hence the half.
 */
export function rotation(placement: Placement): { cos: number; sin: number; centreX: number; centreY: number } {
  const radians = (placement.angleDegrees * Math.PI) / 180;
  return {
    cos: Math.cos(radians),
    sin: Math.sin(radians),
    centreX: Math.floor(placement.width / 2) + 0.5,
    centreY: Math.floor(placement.height / 2) + 0.5,
  };
}

/** One half of a grating in the picture: its exact box in aligned px, and its ROI, if it is in view. */
export interface PlacedHalf {
  readonly half: GratingHalf;
  readonly box: ChipBox;
  readonly roi: Roi | undefined;
}

/** Returns all halves of a chip's gratings. Gratings that are completely in view have ROIs. */
export function placeHalves(chip: Chip, placement: Placement): PlacedHalf[] {
  const placed = gratingHalves(chip).map((half) => {
    const box = alignedBox(placement, half);
    const roi: Roi = {
      label: half.label,
      flip: half.flip,
      y: Math.round(box.y),
      x: Math.round(box.x),
      height: Math.floor(box.height),
      width: Math.round(box.width),
    };
    return { half, box, roi: inView(placement, roi) ? roi : undefined };
  });
  const cut = new Set(placed.filter((one) => one.roi === undefined).map((one) => one.half.grating));
  return placed.map((one) => (cut.has(one.half.grating) ? { ...one, roi: undefined } : one));
}

function inView(placement: Placement, roi: Roi): boolean {
  if (roi.width < 1 || roi.height < 1) return false;
  const inside = (x: number, y: number, point: { x: number; y: number }): boolean =>
    [x, point.x].every((one) => one >= MARGIN_PX && one <= placement.width - MARGIN_PX) &&
    [y, point.y].every((one) => one >= MARGIN_PX && one <= placement.height - MARGIN_PX);
  return [roi.x, roi.x + roi.width].every((x) =>
    [roi.y, roi.y + roi.height].every((y) => inside(x, y, picturePoint(placement, x, y))),
  );
}
