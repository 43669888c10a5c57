// The thread that draws one picture, and ends.
import { parentPort } from "node:worker_threads";
import { lowerPriority } from "../threads/priority.ts";
import type { DrawingJob } from "./drawing.ts";
import { rasterise } from "./rasterise.ts";
import type { Picture } from "./render.ts";

async function drawn(job: DrawingJob): Promise<Picture> {
  // Vega and what it needs are loaded for plots only.
  if (job.type === "plot") return await (await import("./plot.ts")).renderPlot(job.input);
  return { svg: job.svg, png: await rasterise(job.svg) };
}

lowerPriority();
// What it throws ends the thread, and is the reason that the other end gives.
parentPort?.once("message", async (job: DrawingJob) => {
  parentPort?.postMessage(await drawn(job));
  parentPort?.close();
});
