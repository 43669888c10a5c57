// Draws an image and its overlays on a canvas; zooms and pans by wheel, drag, two fingers or keys. Fetches only the visible
// tiles, at the level that matches the zoom, and keeps a limited number of them.
import type { FrameView } from "../picture-views.ts";
import { drawOutlines, drawPlaces, GRIP_PX, type Outlines, type Place } from "./overlays.ts";
import { Tiles } from "./tiles.ts";

const FURTHEST_IN = 8;

interface Sight {
  /** Screen px per image px. */
  scale: number;
  /** Image px at the left and upper edge. */
  x: number;
  y: number;
}

/** A pointer that moves less than this, in screen px, counts as a click. */
const CLICK_PX = 5;

/** Plain DOM rather than a component, because it redraws far more often than the page renders. */
export class Viewer {
  readonly #canvas: HTMLCanvasElement;
  readonly #tiles: Tiles;
  #frame: FrameView | undefined;
  #before: FrameView | undefined;
  #outlines: Outlines | undefined;
  #places: readonly Place[] = [];
  /** Where the pointer was pressed, and the label that it drags. */
  #press: { readonly x: number; readonly y: number; readonly place: number | undefined; still: boolean } | undefined;
  #sight: Sight | undefined;
  #planned = false;
  readonly #fingers = new Map<number, { x: number; y: number }>();
  onSight: (text: string) => void = () => undefined;
  /** Called on a click; image px. */
  onClick: (x: number, y: number) => void = () => undefined;
  /** Called when a label was dragged; image px. */
  onDrag: (place: number, x: number, y: number) => void = () => undefined;

  /** Fetches tiles from `address`/entry/level/column/row. */
  constructor(canvas: HTMLCanvasElement, address: string) {
    this.#canvas = canvas;
    this.#tiles = new Tiles(address, () => this.plan());
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      const { offsetX: x, offsetY: y } = event;
      this.#press = this.#fingers.size > 0 ? undefined : { x, y, place: this.#placeAt(x, y), still: true };
      this.#fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    });
    canvas.addEventListener("pointermove", (event) => this.#moved(event));
    canvas.addEventListener("pointerup", (event) => {
      this.#fingers.delete(event.pointerId);
      if (this.#press?.still === true && this.#press.place === undefined) {
        const { x, y } = this.#inPicture(event.offsetX, event.offsetY);
        this.onClick(x, y);
      }
      this.#press = undefined;
    });
    canvas.addEventListener("pointercancel", (event) => {
      this.#fingers.delete(event.pointerId);
      this.#press = undefined;
    });
  }

  show(frame: FrameView, outlines: Outlines | undefined, places: readonly Place[] = []): void {
    if (this.#frame?.entryId !== frame.entryId) {
      const other =
        this.#frame !== undefined && (this.#frame.width !== frame.width || this.#frame.height !== frame.height);
      if (other) this.#sight = undefined;
      this.#before = this.#frame;
      this.#frame = frame;
      this.#tiles.keep([this.#frame, this.#before].flatMap((one) => one?.entryId ?? []));
    }
    this.#outlines = outlines;
    this.#places = places;
    this.plan();
  }

  zoom(factor: number, x = this.#canvas.clientWidth / 2, y = this.#canvas.clientHeight / 2): void {
    const sight = this.#sight;
    if (sight === undefined || this.#frame === undefined) return;
    const scale = Math.max(this.#whole().scale, Math.min(FURTHEST_IN, sight.scale * factor));
    sight.x += x / sight.scale - x / scale;
    sight.y += y / sight.scale - y / scale;
    sight.scale = scale;
    this.plan();
  }

  /** Moves the view by screen px. */
  pan(dx: number, dy: number): void {
    if (this.#sight === undefined) return;
    this.#sight.x += dx / this.#sight.scale;
    this.#sight.y += dy / this.#sight.scale;
    this.plan();
  }

  fit(): void {
    this.#sight = undefined;
    this.plan();
  }

  plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      this.#draw();
    });
  }

  close(): void {
    this.#tiles.close();
  }

  #moved(event: PointerEvent): void {
    const before = this.#fingers.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.offsetX, y: event.offsetY };
    const press = this.#press;
    if (press !== undefined) {
      if (Math.hypot(now.x - press.x, now.y - press.y) > CLICK_PX) press.still = false;
      if (press.place !== undefined) {
        this.#fingers.set(event.pointerId, now);
        const { x, y } = this.#inPicture(now.x, now.y);
        this.onDrag(press.place, x, y);
        return;
      }
    }
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.#fingers.set(event.pointerId, now);
    if (other === undefined) {
      this.pan(before.x - now.x, before.y - now.y);
      return;
    }
    const apart = (point: { x: number; y: number }) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    this.zoom(apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
  }

  #inPicture(x: number, y: number): { x: number; y: number } {
    const sight = this.#sight ?? { scale: 1, x: 0, y: 0 };
    return { x: sight.x + x / sight.scale, y: sight.y + y / sight.scale };
  }

  #placeAt(x: number, y: number): number | undefined {
    const at = this.#inPicture(x, y);
    const reach = GRIP_PX / (this.#sight?.scale ?? 1);
    const found = this.#places.findIndex((place) => Math.hypot(place.x - at.x, place.y - at.y) <= reach);
    return found < 0 ? undefined : found;
  }

  #whole(): Sight {
    const { clientWidth, clientHeight } = this.#canvas;
    const { width, height } = this.#frame as FrameView;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    return { scale, x: (width - clientWidth / scale) / 2, y: (height - clientHeight / scale) / 2 };
  }

  /** Keeps the image in view: nothing but the image is shown unless it is narrower or lower than the canvas. */
  #keepInView(sight: Sight): void {
    const { clientWidth, clientHeight } = this.#canvas;
    const { width, height } = this.#frame as FrameView;
    const whole = this.#whole();
    sight.scale = Math.max(sight.scale, whole.scale);
    const within = (start: number, size: number, seen: number) =>
      seen >= size ? (size - seen) / 2 : Math.min(Math.max(start, 0), size - seen);
    sight.x = within(sight.x, width, clientWidth / sight.scale);
    sight.y = within(sight.y, height, clientHeight / sight.scale);
  }

  #draw(): void {
    const frame = this.#frame;
    if (frame === undefined || !this.#canvas.isConnected) return;
    const ratio = devicePixelRatio;
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = Math.round(clientWidth * ratio);
    this.#canvas.height = Math.round(clientHeight * ratio);
    const context = this.#canvas.getContext("2d") as CanvasRenderingContext2D;
    this.#sight ??= this.#whole();
    this.#keepInView(this.#sight);
    const { scale, x, y } = this.#sight;
    context.setTransform(ratio * scale, 0, 0, ratio * scale, -x * scale * ratio, -y * scale * ratio);
    context.imageSmoothingEnabled = scale < 2;
    // Shows the tiles of the previous frame until the new ones arrive.
    if (this.#before !== undefined) this.#drawTiles(context, this.#before, false);
    this.#drawTiles(context, frame, true);
    if (this.#outlines !== undefined) drawOutlines(context, frame, this.#outlines, scale);
    drawPlaces(context, this.#places, scale);
    this.onSight(`${Math.round(100 * scale * ratio)} %`);
  }

  #drawTiles(context: CanvasRenderingContext2D, frame: FrameView, fetching: boolean): void {
    const { scale, x, y } = this.#sight as Sight;
    const fine = Math.max(0, Math.min(frame.levels - 1, Math.floor(-Math.log2(scale * devicePixelRatio))));
    // The coarsest level is only a few tiles: it loads quickly and is shown until the finer tiles arrive.
    for (const level of new Set([frame.levels - 1, fine])) {
      const side = frame.tilePx * 2 ** level;
      const last = (size: number) => Math.ceil(size / side) - 1;
      const [right, bottom] = [x + this.#canvas.clientWidth / scale, y + this.#canvas.clientHeight / scale];
      for (
        let row = Math.max(0, Math.floor(y / side));
        row <= Math.min(last(frame.height), Math.floor(bottom / side));
        row += 1
      ) {
        for (
          let column = Math.max(0, Math.floor(x / side));
          column <= Math.min(last(frame.width), Math.floor(right / side));
          column += 1
        ) {
          const tile = this.#tiles.get(`${frame.entryId}/${level}/${column}/${row}`, fetching);
          if (tile === undefined) continue;
          const [left, top] = [column * side, row * side];
          context.drawImage(tile, left, top, Math.min(side, frame.width - left), Math.min(side, frame.height - top));
        }
      }
    }
  }
}
