// Ends threads while the kernel works in them, as the end of a run does that waits no longer. Arguments: kernel, image, threads.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const [kernel, picture, threads] = process.argv.slice(2);
if (isMainThread) {
  for (let nth = 0; nth < Number(threads); nth += 1) {
    const thread = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
    await new Promise((resolve, reject) => thread.once("message", resolve).once("error", reject));
    await sleep(nth);
    await thread.terminate();
  }
  process.stdout.write("ended all");
} else {
  const { decodePng } = createRequire(import.meta.url)(kernel);
  const bytes = readFileSync(picture);
  decodePng(bytes);
  parentPort.postMessage("at work");
  for (;;) decodePng(bytes);
}
