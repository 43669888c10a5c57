// The picture with its ROIs: zoomed and moved by wheel, drag, two fingers or keys. Only the tiles in sight are fetched, from
// the level that suits the zoom, and a bounded number is kept.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ChipView, FrameView } from "../views.ts";
import { getBlob } from "./api.ts";
import { GRADES, gradeOf } from "./colours.ts";

const MOST_TILES = 96;
const FURTHEST_IN = 8;

interface Sight {
  /** Screen px per picture px. */
  scale: number;
  /** Picture px at the left and upper edge. */
  x: number;
  y: number;
}

/** Draws on a canvas; holds tiles and sight. Plain DOM, for it redraws far more often than the page renders. */
class Viewer {
  readonly #canvas: HTMLCanvasElement;
  readonly #tiles = new Map<string, ImageBitmap | "asked">();
  #frame: FrameView | undefined;
  #before: FrameView | undefined;
  #chip: ChipView | undefined;
  #sight: Sight | undefined;
  #planned = false;
  readonly #fingers = new Map<number, { x: number; y: number }>();
  onSight: (text: string) => void = () => undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
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
      this.#fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    });
    canvas.addEventListener("pointermove", (event) => this.#moved(event));
    for (const name of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(name, (event) => this.#fingers.delete(event.pointerId));
    }
  }

  show(frame: FrameView, chip: ChipView | undefined): void {
    if (this.#frame?.entryId !== frame.entryId) {
      const other =
        this.#frame !== undefined && (this.#frame.width !== frame.width || this.#frame.height !== frame.height);
      if (other) this.#sight = undefined;
      this.#before = this.#frame;
      this.#frame = frame;
      this.#forget();
    }
    this.#chip = chip;
    this.plan();
  }

  zoom(factor: number, x = this.#canvas.clientWidth / 2, y = this.#canvas.clientHeight / 2): void {
    const sight = this.#sight;
    if (sight === undefined || this.#frame === undefined) return;
    const scale = Math.max(this.#whole().scale / 2, Math.min(FURTHEST_IN, sight.scale * factor));
    sight.x += x / sight.scale - x / scale;
    sight.y += y / sight.scale - y / scale;
    sight.scale = scale;
    this.plan();
  }

  /** By screen px. */
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
    for (const tile of this.#tiles.values()) if (tile !== "asked") tile.close();
    this.#tiles.clear();
  }

  #moved(event: PointerEvent): void {
    const before = this.#fingers.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.offsetX, y: event.offsetY };
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.#fingers.set(event.pointerId, now);
    if (other === undefined) {
      this.pan(before.x - now.x, before.y - now.y);
      return;
    }
    const apart = (point: { x: number; y: number }) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    this.zoom(apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
  }

  #whole(): Sight {
    const { clientWidth, clientHeight } = this.#canvas;
    const { width, height } = this.#frame as FrameView;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    return { scale, x: (width - clientWidth / scale) / 2, y: (height - clientHeight / scale) / 2 };
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
    const { scale, x, y } = this.#sight;
    context.setTransform(ratio * scale, 0, 0, ratio * scale, -x * scale * ratio, -y * scale * ratio);
    context.imageSmoothingEnabled = scale < 2;
    // What is known of the frame before lies below until the new tiles are here.
    if (this.#before !== undefined) this.#drawTiles(context, this.#before, false);
    this.#drawTiles(context, frame, true);
    this.#drawRois(context, frame, scale);
    this.onSight(`${Math.round(100 * scale * ratio)} %`);
  }

  #drawTiles(context: CanvasRenderingContext2D, frame: FrameView, fetching: boolean): void {
    const { scale, x, y } = this.#sight as Sight;
    const fine = Math.max(0, Math.min(frame.levels - 1, Math.floor(-Math.log2(scale * devicePixelRatio))));
    // The coarsest level is one tile or a few: it is there at once and stands in for what is still on its way.
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
          const tile = this.#tile(`${frame.entryId}/${level}/${column}/${row}`, fetching);
          if (tile === undefined) continue;
          const [left, top] = [column * side, row * side];
          context.drawImage(tile, left, top, Math.min(side, frame.width - left), Math.min(side, frame.height - top));
        }
      }
    }
  }

  #tile(key: string, fetching: boolean): ImageBitmap | undefined {
    const known = this.#tiles.get(key);
    if (known !== undefined && known !== "asked") return known;
    if (known === undefined && fetching) {
      this.#tiles.set(key, "asked");
      void this.#fetch(key);
    }
    return undefined;
  }

  async #fetch(key: string): Promise<void> {
    try {
      this.#tiles.set(key, await createImageBitmap(await getBlob(`/api/frame/${key}`)));
      this.#forget();
      this.plan();
    } catch {
      // The picture has moved on; the next one is on its way.
      this.#tiles.delete(key);
    }
  }

  /** Tiles of frames before the last one go, and the oldest where there are too many. */
  #forget(): void {
    const kept = [this.#frame, this.#before].map((frame) => `${frame?.entryId}/`);
    for (const [key, tile] of this.#tiles) {
      if (this.#tiles.size <= MOST_TILES && kept.some((start) => key.startsWith(start))) continue;
      if (tile === "asked") continue;
      tile.close();
      this.#tiles.delete(key);
    }
  }

  #drawRois(context: CanvasRenderingContext2D, frame: FrameView, scale: number): void {
    const chip = this.#chip;
    if (chip === undefined) return;
    const [cx, cy] = [Math.floor(frame.width / 2), Math.floor(frame.height / 2)];
    context.save();
    // ROIs lie in the picture turned by -imageAngle; turned back they lie over it.
    context.translate(cx + 0.5, cy + 0.5);
    context.rotate((-chip.imageAngle * Math.PI) / 180);
    context.translate(-cx, -cy);
    context.lineWidth = 1.5 / scale;
    context.font = `${12 / scale}px system-ui, sans-serif`;
    for (const roi of chip.rois) {
      const { colour } = GRADES[gradeOf(roi)];
      context.strokeStyle = colour;
      context.strokeRect(roi.x - 0.5, roi.y - 0.5, roi.width, roi.height);
      if (roi.position !== null && roi.width * scale > 24) {
        const at = roi.flip ? roi.x + roi.width - 1 - roi.position : roi.x + roi.position;
        context.beginPath();
        context.moveTo(at, roi.y);
        context.lineTo(at, roi.y + roi.height);
        context.stroke();
      }
      if (roi.width * scale < 7 * roi.label.length) continue;
      context.fillStyle = colour;
      context.fillText(roi.label, roi.x + 3 / scale, roi.y + 13 / scale);
    }
    context.restore();
  }
}

const STEP_PX = 60;

export function Picture({ frame, chip }: { frame: FrameView; chip: ChipView | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const viewer = useRef<Viewer>();
  const [sight, setSight] = useState("");
  useEffect(() => {
    const made = new Viewer(canvas.current as HTMLCanvasElement);
    made.onSight = setSight;
    viewer.current = made;
    const resized = new ResizeObserver(() => made.plan());
    resized.observe(canvas.current as HTMLCanvasElement);
    return () => {
      resized.disconnect();
      made.close();
    };
  }, []);
  useEffect(() => viewer.current?.show(frame, chip), [frame, chip]);
  const keys: Readonly<Record<string, () => void>> = {
    "+": () => viewer.current?.zoom(1.4),
    "-": () => viewer.current?.zoom(1 / 1.4),
    "0": () => viewer.current?.fit(),
    ArrowLeft: () => viewer.current?.pan(-STEP_PX, 0),
    ArrowRight: () => viewer.current?.pan(STEP_PX, 0),
    ArrowUp: () => viewer.current?.pan(0, -STEP_PX),
    ArrowDown: () => viewer.current?.pan(0, STEP_PX),
  };
  const pressed = (event: KeyboardEvent) => {
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  const known = chip === undefined ? "" : `, ${chip.rois.length} ROIs`;
  return (
    <>
      <div class="picture">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`Picture of the chip, ${frame.width} by ${frame.height} pixels${known}. Plus and minus zoom, arrows move, 0 shows all.`}
          onKeyDown={pressed}
        />
      </div>
      <div class="bar">
        <button type="button" onClick={keys["+"]} aria-label="Zoom in">
          +
        </button>
        <button type="button" onClick={keys["-"]} aria-label="Zoom out">
          −
        </button>
        <button type="button" onClick={keys["0"]}>
          All
        </button>
        <span class="quiet">{sight}</span>
      </div>
    </>
  );
}
