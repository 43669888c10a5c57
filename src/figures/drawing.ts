// Draws in a separate thread that ends afterwards. One plot takes 40 MB and more in Vega and the PNG library, most of it
// garbage that a long-lived thread would keep. Loading them again for each plot costs half a second of CPU.
import { openThread } from "../threads/worker-handle.ts";
import type { PlotInput } from "./plot-input.ts";
import type { Picture } from "./render.ts";

/** The job of the thread: convert an existing SVG, or draw a plot. */
export type DrawingJob =
  | { readonly type: "svg"; readonly svg: string }
  | { readonly type: "plot"; readonly input: PlotInput };

/** Draws as renderPlot does. Rejects if the plot cannot be drawn. */
export function drawPlot(input: PlotInput): Promise<Picture> {
  return draw({ type: "plot", input });
}

/** Converts SVG to PNG as `rasterise` does. Rejects if the picture cannot be drawn. */
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
      // Resolved only when the thread has ended, because then its memory is free again.
      lost: (how) => (picture === undefined ? reject(new Error(`the drawing thread ${how}`)) : resolve(picture)),
    });
    thread.post(job);
  });
}
