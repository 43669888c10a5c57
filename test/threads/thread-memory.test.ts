// Threads live for weeks: each keeps little garbage, and no thread is started without these limits.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { THREAD_LIMITS } from "../../src/threads/thread-memory.ts";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));

/** Keeps some 25 MB of objects, which it replaces twenty times, and answers with the largest size of its heap in bytes. */
const REPLACE = `
const { getHeapStatistics } = require("node:v8");
const kept = [];
let most = 0;
for (let i = 0; i < 4e6; i += 1) {
  kept[i % 200_000] = { i, own: [i] };
  if (i % 5000 === 0) most = Math.max(most, getHeapStatistics().total_heap_size);
}
require("node:worker_threads").parentPort.postMessage(most);`;

test("the heap of a thread stays near what the thread uses", async () => {
  const thread = new Worker(REPLACE, { eval: true, resourceLimits: THREAD_LIMITS });
  const most = await new Promise<number>((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
  await thread.terminate();
  // Without limits: 170 MB.
  expect(most).toBeLessThan(100e6);
});

test("every thread of the program is started with these limits", () => {
  const files = readdirSync(SOURCES, { recursive: true, withFileTypes: true }).filter(({ name }) =>
    /\.tsx?$/.test(name),
  );
  const texts = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
  const started = texts.flatMap((text) => text.match(/\bnew (?:Worker|Piscina)\b[^(]*\([\s\S]*?\);/g) ?? []);
  expect(started.length).toBeGreaterThan(1);
  for (const start of started) expect(start).toContain("resourceLimits: THREAD_LIMITS");
});
