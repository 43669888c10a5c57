// Overlays on an image: outlines of ROIs and labels, and the labels that the user named.
import { gratingOf } from "../../figures/chip-layout.ts";
import type { FrameView } from "../picture-views.ts";
import { theme } from "./theme.ts";

/** A box in the image rotated by `-imageAngle`, px. */
interface Outline {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly colour: string;
  /** Lengths of line and gap, screen px; empty or absent for a solid line. */
  readonly dash?: readonly number[];
  /** Vertical line at this distance from the left edge, px; null for none. */
  readonly at: number | null;
}

export interface Outlines {
  /** Degrees. */
  readonly imageAngle: number;
  readonly boxes: readonly Outline[];
}

/** A place in the picture that the user named; it can be dragged. */
export interface Place {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/** Distance from a place within which it can be grabbed, screen px. */
export const GRIP_PX = 22;

/** Draws outlines. The context uses image px; `scale`: screen px per image px. */
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
  for (const { x, y, width, height, colour, dash = [], at } of boxes) {
    context.strokeStyle = colour;
    context.setLineDash(dash.map((length) => length / scale));
    context.strokeRect(x - 0.5, y - 0.5, width, height);
    context.setLineDash([]);
    if (at !== null && width * scale > 24) {
      context.beginPath();
      context.moveTo(x + at, y);
      context.lineTo(x + at, y + height);
      context.stroke();
    }
  }
  for (const name of namesOf(boxes, scale)) drawName(context, name, scale);
  context.restore();
}

/** Screen px. */
const NAME_PX = 12;
const CHARACTER_PX = 7.2;
const NAME_MARGIN_PX = 3;
const NAME_SPACE_PX = 22;

/** A name and the centre of its text, px of the picture. */
interface Name {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/**
 * Returns the names to draw at a zoom: of ROIs if they fit into their boxes, otherwise of whole gratings. If even these would
 * overlap, only as many as fit are drawn.
 */
function namesOf(boxes: readonly Outline[], scale: number): Name[] {
  const fit = boxes.every(({ label, width, height }) => {
    return width * scale >= CHARACTER_PX * label.length && height * scale >= NAME_PX + NAME_MARGIN_PX;
  });
  const wanted = new Map<string, Outline[]>();
  for (const box of boxes) {
    const text = fit ? box.label : gratingOf(box.label);
    wanted.set(text, [...(wanted.get(text) ?? []), box]);
  }
  // Between names without boxes of their own, the gratings must stay visible.
  const margin = fit ? NAME_MARGIN_PX : NAME_SPACE_PX;
  const written: Name[] = [];
  for (const [text, parts] of wanted) {
    const left = Math.min(...parts.map(({ x }) => x));
    const right = Math.max(...parts.map(({ x, width }) => x + width));
    const top = Math.min(...parts.map(({ y }) => y));
    const bottom = Math.max(...parts.map(({ y, height }) => y + height));
    // In a box that it fits into, the name leaves the middle, and the resonance there, free.
    const y = fit ? top + (NAME_PX / 2 + NAME_MARGIN_PX) / scale : (top + bottom) / 2;
    const name = { text, x: (left + right) / 2, y };
    if (written.every((other) => !overlap(name, other, scale, margin))) written.push(name);
  }
  return written;
}

function overlap(one: Name, other: Name, scale: number, margin: number): boolean {
  const width = (CHARACTER_PX * (one.text.length + other.text.length)) / 2 + margin;
  return Math.abs(one.x - other.x) * scale < width && Math.abs(one.y - other.y) * scale < NAME_PX + margin / 3;
}

/** Draws a light name with a dark rim, readable on any picture. */
function drawName(context: CanvasRenderingContext2D, { text, x, y }: Name, scale: number): void {
  context.font = `500 ${NAME_PX / scale}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3 / scale;
  context.strokeStyle = "#0b0d0f";
  context.strokeText(text, x, y);
  context.fillStyle = "#ffffff";
  context.fillText(text, x, y);
}

/** Draws the named places, in the same coordinates. */
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
