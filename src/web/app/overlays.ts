// Overlays on an image: outlines of ROIs and labels, and the labels that a person named.
import type { FrameView } from "../views.ts";
import { theme } from "./colours.ts";

/** A box in the image rotated by `-imageAngle`, px. */
interface Outline {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly colour: string;
  /** Vertical line at this distance from the left edge, px; null for none. */
  readonly at: number | null;
}

export interface Outlines {
  /** Degrees. */
  readonly imageAngle: number;
  readonly boxes: readonly Outline[];
}

/** A place of the picture that a person named; it can be dragged. */
export interface Place {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/** Screen px from a place at which it is taken hold of. */
export const GRIP_PX = 22;

/** With the context in px of the picture, at `scale` px of the screen for each. */
export function drawOutlines(
  context: CanvasRenderingContext2D,
  frame: FrameView,
  { imageAngle, boxes }: Outlines,
  scale: number,
): void {
  const [cx, cy] = [Math.floor(frame.width / 2), Math.floor(frame.height / 2)];
  context.save();
  // Boxes are given in the image rotated by -imageAngle, so rotate them back.
  context.translate(cx + 0.5, cy + 0.5);
  context.rotate((-imageAngle * Math.PI) / 180);
  context.translate(-cx, -cy);
  context.lineWidth = 1.5 / scale;
  context.font = `${12 / scale}px system-ui, sans-serif`;
  for (const { label, x, y, width, height, colour, at } of boxes) {
    context.strokeStyle = colour;
    context.strokeRect(x - 0.5, y - 0.5, width, height);
    if (at !== null && width * scale > 24) {
      context.beginPath();
      context.moveTo(x + at, y);
      context.lineTo(x + at, y + height);
      context.stroke();
    }
    if (width * scale < 7 * label.length) continue;
    context.fillStyle = colour;
    context.fillText(label, x + 3 / scale, y + 13 / scale);
  }
  context.restore();
}

/** The same. */
export function drawPlaces(context: CanvasRenderingContext2D, places: readonly Place[], scale: number): void {
  context.save();
  context.font = `${14 / scale}px system-ui, sans-serif`;
  for (const { text, x, y } of places) {
    const arm = GRIP_PX / scale;
    // A light line on a dark one is visible on any image.
    for (const [colour, width] of [
      [theme("--ground"), 4],
      ["#ff4fd8", 2],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = width / scale;
      context.beginPath();
      context.moveTo(x - arm, y);
      context.lineTo(x + arm, y);
      context.moveTo(x, y - arm);
      context.lineTo(x, y + arm);
      context.stroke();
    }
    context.fillStyle = "#ff4fd8";
    context.fillText(text, x + 5 / scale, y - 5 / scale);
  }
  context.restore();
}
