// Draws the light of the simulated chip, one picture row at a time: substrate, resonance bands on gratings, glyphs and ruler
// marks. Light is in counts above the camera's pedestal; pixel i extends from i to i + 1.

import type { Chip } from "../chip/chip.ts";
import { GLYPH_CELLS, glyph } from "../chip/glyphs.ts";
import { chipExtent } from "../chip/layout.ts";
import { type Band, skew } from "./bands.ts";
import { pixelsWithin, type RowInBox } from "./box-row.ts";
import type { ChipLight } from "./camera-profiles.ts";
import { alignedBox, type Placement, picturePoint, rotation } from "./placement.ts";

/** Distance of the die's edge from the outermost print on it. */
const DIE_MARGIN_UM = 140;
/** Number of sample lines per pixel row at the edges of glyphs. */
const SUBLINES = 4;

/** A uniformly filled shape: edges x0, y0, x1, y1 of its outlines in picture px, filled by the even-odd rule. */
interface Fill {
  readonly edges: Float64Array;
  readonly top: number;
  readonly bottom: number;
  /** Light that it adds. */
  readonly light: number;
}

export class Scene {
  private readonly placement: Placement;
  private readonly bands: readonly Band[];
  private readonly light: ChipLight;
  /** The shapes without drift, in drawing order: the die first. */
  private readonly fills: readonly Fill[];
  private readonly crossings: number[] = [];
  /** Differences of light from pixel to pixel along the current row; their cumulative sum is the light. */
  private readonly steps: Float64Array;

  constructor(chip: Chip, placement: Placement, bands: readonly Band[], light: ChipLight) {
    this.placement = placement;
    this.bands = bands;
    this.light = light;
    this.fills = chipFills(chip, placement, light);
    this.steps = new Float64Array(placement.width + 2);
  }

  /**
   * Returns a function that draws row y of the picture into `row` at one time. `driftX`, `driftY` in aligned px; `resonancePx`:
   * distance of each band's resonance from its edge (px).
   */
  rowsAt(driftX: number, driftY: number, resonancePx: Float64Array): (row: Float32Array, y: number) => void {
    const { cos, sin, centreX, centreY } = rotation(this.placement);
    const moved = this.bands.map((band, i) =>
      movedBand(band, this.placement, { driftX, driftY, resonancePx: resonancePx[i] as number }, this.light.substrate),
    );
    const [shiftX, shiftY] = [cos * driftX + sin * driftY, cos * driftY - sin * driftX];
    return (row, y) => {
      this.steps.fill(0);
      for (const fill of this.fills) {
        if (y + 1 > fill.top + shiftY && y < fill.bottom + shiftY) this.paint(y, fill, shiftX, shiftY);
      }
      let light = this.light.outside;
      for (let x = 0; x < row.length; x++) {
        light += this.steps[x] as number;
        row[x] = light;
      }
      const alignedX = cos * (0.5 - centreX) - sin * (y + 0.5 - centreY) + centreX;
      const alignedY = sin * (0.5 - centreX) + cos * (y + 0.5 - centreY) + centreY;
      for (const band of moved) {
        if (y + 1 <= band.top || y >= band.bottom) continue;
        drawBand(row, band, { along: alignedX - band.left, cos, below: alignedY - band.upper, sin });
      }
    };
  }

  private paint(y: number, { edges, light }: Fill, shiftX: number, shiftY: number): void {
    for (let line = 0; line < SUBLINES; line++) {
      const at = y + (line + 0.5) / SUBLINES - shiftY;
      this.crossings.length = 0;
      for (let i = 0; i < edges.length; i += 4) {
        const [ax, ay, bx, by] = [edges[i], edges[i + 1], edges[i + 2], edges[i + 3]] as [
          number,
          number,
          number,
          number,
        ];
        if (ay > at !== by > at) this.crossings.push(ax + ((at - ay) / (by - ay)) * (bx - ax) + shiftX);
      }
      this.crossings.sort((a, b) => a - b);
      for (let i = 0; i < this.crossings.length; i++) {
        this.step(this.crossings[i] as number, (i % 2 === 0 ? light : -light) / SUBLINES);
      }
    }
  }

  /** Records that the light changes by `light` from position x of the row on; partially if x is inside a pixel. */
  private step(x: number, light: number): void {
    const place = Math.min(Math.max(x, 0), this.placement.width);
    const pixel = Math.floor(place);
    const later = light * (place - pixel);
    this.steps[pixel] = (this.steps[pixel] as number) + light - later;
    this.steps[pixel + 1] = (this.steps[pixel + 1] as number) + later;
  }
}

interface MovedBand {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly upper: number;
  readonly width: number;
  readonly height: number;
  readonly flip: boolean;
  readonly resonance: number;
  readonly tiltPerPx: number;
  readonly isGaussian: boolean;
  /** Reciprocal of the band's width, 1/px. */
  readonly perWidth: number;
  readonly amplitude: number;
  /** Part of a Fano line that is odd about the resonance. */
  readonly odd: number;
  readonly base: number;
}

function movedBand(
  band: Band,
  placement: Placement,
  { driftX, driftY, resonancePx }: { driftX: number; driftY: number; resonancePx: number },
  substrate: number,
): MovedBand {
  const { width, height } = band.box;
  const left = band.box.x + driftX;
  const upper = band.box.y + driftY;
  const ys = [left, left + width].flatMap((x) => [upper, upper + height].map((y) => picturePoint(placement, x, y).y));
  return {
    top: Math.min(...ys) - 1,
    bottom: Math.max(...ys) + 1,
    left,
    upper,
    width,
    height,
    flip: band.half.flip,
    resonance: resonancePx - band.tiltPx / 2,
    tiltPerPx: band.tiltPx / height,
    isGaussian: band.line === "gaussian",
    perWidth: 1 / band.widthPx,
    amplitude: band.amplitude,
    odd: band.amplitude * skew(band.q),
    base: band.base - substrate,
  };
}

/** Draws the part of a band in one picture row. */
function drawBand(row: Float32Array, band: MovedBand, place: RowInBox): void {
  const { width, height, flip, resonance, tiltPerPx, isGaussian, perWidth, amplitude, odd, base } = band;
  const { along, cos, below, sin } = place;
  // Pixels that may touch the box, and those completely inside it.
  const touched = pixelsWithin(row.length, place, band, -0.5);
  const whole = pixelsWithin(row.length, place, band, 0.5);
  const start = perWidth * ((flip ? width - along : along) - resonance - tiltPerPx * below);
  const step = perWidth * ((flip ? -cos : cos) - tiltPerPx * sin);
  for (let x = touched.first; x <= touched.last; x++) {
    const t = start + step * x;
    let light = base + (isGaussian ? amplitude * Math.exp(-0.5 * t * t) : (amplitude + odd * t) / (1 + t * t));
    if (x < whole.first || x > whole.last) {
      const [s, r] = [along + cos * x, below + sin * x];
      light *= Math.max(0, Math.min(1, s + 0.5, width - s + 0.5)) * Math.max(0, Math.min(1, r + 0.5, height - r + 0.5));
    }
    row[x] = (row[x] as number) + light;
  }
}

function chipFills(chip: Chip, placement: Placement, { outside, substrate, print }: ChipLight): Fill[] {
  const extent = chipExtent(chip);
  const die = {
    x: extent.x - DIE_MARGIN_UM,
    y: extent.y - DIE_MARGIN_UM,
    width: extent.width + 2 * DIE_MARGIN_UM,
    height: extent.height + 2 * DIE_MARGIN_UM,
  };
  const box = ({ x, y, width, height }: typeof die): number[] => [
    ...[x, y, x + width, y],
    ...[x + width, y + height, x, y + height],
  ];
  const added = print - substrate;
  return [
    fillOf([box(die)], placement, substrate - outside),
    ...chip.ticks.map((tick) => fillOf([box(tick)], placement, added)),
    ...chip.labels.flatMap((label) =>
      [...label.text].map((character, i) => {
        const cellWidth = label.characterWidth / GLYPH_CELLS.width;
        const cellHeight = label.height / GLYPH_CELLS.height;
        // Upside down: a glyph's first row of cells is at the bottom, as established pictures show it.
        const outlines = glyph(character).map((outline) =>
          outline.map((value, k) =>
            k % 2 === 0 ? label.x + i * label.pitch + value * cellWidth : label.y + label.height - value * cellHeight,
          ),
        );
        return fillOf(outlines, placement, added);
      }),
    ),
  ];
}

/** Returns a filled shape from outlines in micrometres. */
function fillOf(outlines: readonly (readonly number[])[], placement: Placement, light: number): Fill {
  const edges: number[] = [];
  for (const outline of outlines) {
    const points: { x: number; y: number }[] = [];
    for (let i = 0; i < outline.length; i += 2) {
      const at = alignedBox(placement, { x: outline[i] ?? 0, y: outline[i + 1] ?? 0, width: 0, height: 0 });
      points.push(picturePoint(placement, at.x, at.y));
    }
    points.forEach((from, i) => {
      const to = points[(i + 1) % points.length] ?? from;
      edges.push(from.x, from.y, to.x, to.y);
    });
  }
  const ys = edges.filter((_, i) => i % 2 === 1);
  return { edges: Float64Array.from(edges), top: Math.min(...ys), bottom: Math.max(...ys), light };
}
