// Drawing in a thread of its own that ends afterwards. What Vega and the PNG's library need for one plot is 40 MB and more, most
// of it garbage that a thread which lives for weeks would keep; loading them again for each costs half a second of CPU.
import { openThread } from "../threads/worker-handle.ts";
import type { PlotInput } from "./plot-input.ts";
import type { Picture } from "./render.ts";

/** What the thread is given to draw: an SVG that is there already, or a plot. */
export type DrawingJob =
  | { readonly type: "svg"; readonly svg: string }
  | { readonly type: "plot"; readonly input: PlotInput };

/** As renderPlot. Rejects when the plot cannot be drawn. */
export function drawPlot(input: PlotInput): Promise<Picture> {
  return draw({ type: "plot", input });
}

/** SVG to PNG as `rasterise`. Rejects when the picture cannot be drawn. */
export async function drawPng(svg: string): Promise<Uint8Array> {
  return (await draw({ type: "svg", svg })).png;
}

function draw(job: DrawingJob): Promise<Picture> {
  return new Promise((resolve, reject) => {
    let picture: Picture | undefined;
    const thread = openThread("drawing", {
      message: (message) => {
        picture = message as Picture;
      },
      // When it has ended, its memory is free again.
      lost: (how) => (picture === undefined ? reject(new Error(`the drawing thread ${how}`)) : resolve(picture)),
    });
    thread.post(job);
  });
}
