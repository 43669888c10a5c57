// An image of the chip: the canvas with its keys and buttons.
import { useEffect, useRef, useState } from "preact/hooks";
import type { FrameView } from "../picture-views.ts";
import type { ChipView } from "../views.ts";
import { GRADES, gradeOf } from "./colours.ts";
import type { Outlines, Place } from "./overlays.ts";
import { Viewer } from "./viewer.ts";

/** Returns the ROIs as outlines, coloured by quality, with their resonances. */
export function roiOutlines(chip: ChipView): Outlines {
  const boxes = chip.rois.map((roi) => {
    const { label, x, y, width, height, flip, position } = roi;
    const at = position === null ? null : flip ? width - 1 - position : position;
    const { colour, dash } = GRADES[gradeOf(roi)];
    return { label, x, y, width, height, colour, dash, at };
  });
  return { imageAngle: chip.imageAngle, boxes };
}

interface PictureProps {
  readonly frame: FrameView;
  readonly outlines: Outlines | undefined;
  /** Address of its tiles. */
  readonly tiles: string;
  readonly places?: readonly Place[];
  /** Image px. */
  clicked?(x: number, y: number): void;
  dragged?(place: number, x: number, y: number): void;
}

const STEP_PX = 60;

export function Picture({ frame, outlines, tiles, places, clicked, dragged }: PictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const viewer = useRef<Viewer>();
  const [sight, setSight] = useState("");
  useEffect(() => {
    const made = new Viewer(canvas.current as HTMLCanvasElement, tiles);
    made.onSight = setSight;
    viewer.current = made;
    const resized = new ResizeObserver(() => made.plan());
    resized.observe(canvas.current as HTMLCanvasElement);
    return () => {
      resized.disconnect();
      made.close();
    };
  }, [tiles]);
  useEffect(() => viewer.current?.show(frame, outlines, places), [frame, outlines, places, tiles]);
  useEffect(() => {
    if (viewer.current === undefined) return;
    viewer.current.onClick = (x, y) => clicked?.(x, y);
    viewer.current.onDrag = (place, x, y) => dragged?.(place, x, y);
  });
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
  const known = outlines === undefined ? "" : `, ${outlines.boxes.length} outlines`;
  return (
    <>
      {/* As wide as its height allows: a wider one would have bars beside the image. */}
      <div class="picture" style={`--ratio: ${frame.width / frame.height}`}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`Image of the chip, ${frame.width} by ${frame.height} pixels${known}. Plus and minus zoom, arrow keys pan, 0 shows all.`}
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
          Show all
        </button>
        <span class="quiet">{sight}</span>
      </div>
    </>
  );
}
