// Searches a printed label at a place. The label is drawn, the picture is sampled along the chip's axes around the place, and
// normalised cross-correlation gives the best position and its likeness.
import { correlatePatches, samplePatches } from "../analysis/correlate.ts";
import type { ChipLabel } from "../chip/chip.ts";
import { GLYPH_CELLS, glyph } from "../chip/glyphs.ts";
import { vertex } from "./lags.ts";
import { localAxes, type Point, type Pose, toPicture } from "./pose.ts";
import type { View } from "./view.ts";

/** A drawn label: light from 0 to 1 at points `step` µm apart, upright, with a border. */
export interface LabelTemplate {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly step: number;
  /** Vector from the template's top left to the centre of the label's box, µm. */
  readonly middle: Point;
}

/** A label with the position where it was found. */
export interface FoundLabel {
  readonly label: ChipLabel;
  /** Centre of the label's box in the picture, px. */
  readonly picture: Point;
  /** Distance from the expected position, px. */
  readonly offsetPx: number;
  /** Normalised cross-correlation, -1 to 1. */
  readonly likeness: number;
}

/**
 * Border around a drawn label, in cells of its glyphs; less for a large label, so that it need not be so far inside the
 * picture.
 */
const BORDER = { cells: 0.9, mostUm: 24 } as const;
/** Number of sample lines per step in both directions when drawing. */
const FINE = 4;

/** Returns the width of the border that the search for a label needs, µm. */
export function borderOf({ height }: ChipLabel): number {
  return Math.min(BORDER.mostUm, (BORDER.cells * height) / GLYPH_CELLS.height);
}

/** Draws and caches labels; a picture from an existing installation can replace a drawing. */
export class LabelPatterns {
  private readonly known = new Map<string, LabelTemplate>();
  private readonly pictures: ReadonlyMap<string, LabelPicture>;
  private readonly bright: boolean;
  private opposite: LabelPatterns | undefined;

  constructor(pictures: ReadonlyMap<string, LabelPicture> = new Map(), bright = true) {
    this.pictures = pictures;
    this.bright = bright;
  }

  /** The same labels darker than their surroundings, as they appear in some light. */
  get dark(): LabelPatterns {
    this.opposite ??= new LabelPatterns(this.pictures, !this.bright);
    return this.opposite;
  }

  /** Returns the template of a label with about `step` µm between samples. */
  of(label: ChipLabel, step: number): LabelTemplate {
    const name = `${label.label} ${label.width} ${label.height} ${step.toPrecision(4)}`;
    let template = this.known.get(name);
    if (template === undefined) {
      const picture = this.pictures.get(label.label);
      const ink = picture === undefined ? inkOf(label) : inkOfPicture(picture, label);
      template = draw(label, step, this.bright ? ink : (x, y) => -ink(x, y));
      this.known.set(name, template);
    }
    return template;
  }
}

/** An upright picture of a label, 0 to 255. */
export interface LabelPicture {
  readonly values: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Returns the ink at a point of a label's box, µm from its top left corner. */
type Ink = (x: number, y: number) => number;

/**
 * Searches a label near its position in the pose, within `reachUm` in both directions. A smaller `step` (µm) is more accurate.
 * undefined if the area is not completely in the picture.
 */
export function searchLabel(
  view: View,
  patterns: LabelPatterns,
  pose: Pose,
  label: ChipLabel,
  reachUm: number,
  step: number,
): FoundLabel | undefined {
  const template = patterns.of(label, step);
  const reach = Math.max(2, Math.ceil(reachUm / template.step));
  const columns = template.width + 2 * reach;
  const rows = template.height + 2 * reach;
  const middle = { x: label.x + label.width / 2, y: label.y + label.height / 2 };
  const px = pose.pxPerUm * template.step;
  // Includes the lens distortion at that point.
  const [axes, there] = [localAxes(pose, middle), toPicture(pose, middle)];
  const at = ({ x, y }: Point): Point => ({
    x: there.x + axes.right.x * x + axes.down.x * y,
    y: there.y + axes.right.y * x + axes.down.y * y,
  });
  const [right, down] = [scaled(axes.right, template.step), scaled(axes.down, template.step)];
  const start = at({
    x: -template.middle.x - (reach - 0.5) * template.step,
    y: -template.middle.y - (reach - 0.5) * template.step,
  });
  const frame = Float64Array.of(start.x, start.y, right.x, right.y, down.x, down.y);
  const patch = samplePatches(view.atMost(px), frame, columns, rows);
  const scores = correlatePatches(patch, columns, rows, template);
  const side = 2 * reach + 1;
  let best = -1;
  let place = -1;
  scores.forEach((score, i) => {
    if (score > best) [best, place] = [score, i];
  });
  // The label must be in the picture; its surroundings may extend beyond the edge.
  if (place < 0) return undefined;
  const [x, y] = [place % side, Math.floor(place / side)];
  const score = (a: number, b: number) =>
    scores[Math.max(0, Math.min(side - 1, b)) * side + Math.max(0, Math.min(side - 1, a))] ?? 0;
  const dx = (x - reach + vertex(score(x - 1, y), best, score(x + 1, y))) * template.step;
  const dy = (y - reach + vertex(score(x, y - 1), best, score(x, y + 1))) * template.step;
  return { label, picture: at({ x: dx, y: dy }), offsetPx: Math.hypot(dx, dy) * pose.pxPerUm, likeness: best };
}

/** Returns the centre of a label's box on the chip. */
export function labelMiddle(label: ChipLabel): Point {
  return { x: label.x + label.width / 2, y: label.y + label.height / 2 };
}

function scaled({ x, y }: Point, factor: number): Point {
  return { x: x * factor, y: y * factor };
}

function draw(label: ChipLabel, wanted: number, ink: Ink): LabelTemplate {
  const border = borderOf(label);
  // An integer number of samples along the height, so that the label is centred in its template.
  const step = label.height / Math.max(5, Math.round(label.height / wanted));
  const edge = Math.max(1, Math.round(border / step));
  const width = Math.ceil(label.width / step) + 2 * edge;
  const height = Math.round(label.height / step) + 2 * edge;
  const left = (width * step - label.width) / 2;
  const top = (height * step - label.height) / 2;
  const values = new Float32Array(width * height);
  for (let y = 0; y < height * FINE; y++) {
    for (let x = 0; x < width * FINE; x++) {
      const at = Math.floor(y / FINE) * width + Math.floor(x / FINE);
      const light = ink(((x + 0.5) / FINE) * step - left, ((y + 0.5) / FINE) * step - top);
      values[at] = (values[at] as number) + light / (FINE * FINE);
    }
  }
  return { values, width, height, step, middle: { x: (width * step) / 2, y: (height * step) / 2 } };
}

/** Number of raster steps per cell for a character's ink; outlines are on half cells, or run diagonally at 45 degrees. */
const PARTS = 8;
const bitmaps = new Map<string, Uint8Array>();

/** Returns the ink of a character on a raster of PARTS² per cell, by the even-odd rule. */
function bitmapOf(character: string): Uint8Array {
  let bitmap = bitmaps.get(character);
  if (bitmap === undefined) {
    const [columns, rows] = [GLYPH_CELLS.width * PARTS, GLYPH_CELLS.height * PARTS];
    const outlines = glyph(character);
    bitmap = Uint8Array.from({ length: columns * rows }, (_, at) => {
      const [x, y] = [((at % columns) + 0.5) / PARTS, (Math.floor(at / columns) + 0.5) / PARTS];
      let inside = false;
      for (const outline of outlines) {
        for (let i = 0, last = outline.length - 2; i < outline.length; last = i, i += 2) {
          const [ax, ay, bx, by] = [outline[i] ?? 0, outline[i + 1] ?? 0, outline[last] ?? 0, outline[last + 1] ?? 0];
          if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
        }
      }
      return inside ? 1 : 0;
    });
    bitmaps.set(character, bitmap);
  }
  return bitmap;
}

/** Returns the ink of a label's glyphs, which are upside down in an established picture. */
function inkOf(label: ChipLabel): Ink {
  const part = {
    x: label.characterWidth / GLYPH_CELLS.width / PARTS,
    y: label.height / GLYPH_CELLS.height / PARTS,
  };
  const [columns, rows] = [GLYPH_CELLS.width * PARTS, GLYPH_CELLS.height * PARTS];
  const characters = [...label.text].map(bitmapOf);
  return (x, y) => {
    const index = Math.min(characters.length - 1, Math.max(0, Math.floor(x / label.pitch)));
    const row = rows - 1 - Math.floor(y / part.y);
    const column = Math.floor((x - index * label.pitch) / part.x);
    if (row < 0 || column < 0 || row >= rows || column >= columns) return 0;
    return characters[index]?.[row * columns + column] ?? 0;
  };
}

function inkOfPicture({ values, width, height }: LabelPicture, label: ChipLabel): Ink {
  return (x, y) => {
    const column = Math.floor((x / label.width) * width);
    const row = height - 1 - Math.floor((y / label.height) * height);
    if (column < 0 || row < 0 || column >= width || row >= height) return 0;
    return (values[row * width + column] ?? 0) / 255;
  };
}
