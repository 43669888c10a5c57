// A thread that draws one picture and then ends.
import { parentPort } from "node:worker_threads";
import { lowerPriority } from "../threads/priority.ts";
import type { DrawingJob } from "./drawing.ts";
import { rasterise } from "./rasterise.ts";
import type { Picture } from "./render.ts";

async function drawn(job: DrawingJob): Promise<Picture> {
  // Vega and its dependencies are loaded for plots only.
  if (job.type === "plot") return await (await import("./plot.ts")).renderPlot(job.input);
  return { svg: job.svg, png: await rasterise(job.svg) };
}

lowerPriority();
// An error ends the thread and becomes the reason that the caller gets.
parentPort?.once("message", async (job: DrawingJob) => {
  parentPort?.postMessage(await drawn(job));
  parentPort?.close();
});
