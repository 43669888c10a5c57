// Measures the cost of the page: npx tsx bench/web.ts [--frames N] [--dir DIR] [--store STORE] [--only history|abuse] after
// `npm run build`. history: a real browser on N frames (26,000) x 644 ROIs. abuse: the cadence of a real run, left alone and
// attacked in turn. Prints one line per result, then all of them as one line of JSON. 26,000 frames need 4 GB in DIR, which
// are removed; in STORE they are kept and used again, with the frames that earlier calls have added.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parseConfig } from "../src/config/config.ts";
import { MANIFEST_FILENAME, Manifest } from "../src/manifest/manifest.ts";
import type { StoredResult } from "../src/manifest/results.ts";
import { packageRoot } from "../src/system/files.ts";
import { openThread } from "../src/threads/worker-handle.ts";
import type { FromWeb } from "../src/web/messages.ts";
import { CHROMIUM, DESKTOP, launch, openPage } from "../test/web/browser.ts";
import { addFrame, answer, fillCurves, newManifest } from "./synthetic.ts";

const { values: options } = parseArgs({
  options: { frames: { type: "string" }, dir: { type: "string" }, store: { type: "string" }, only: { type: "string" } },
});
const FRAMES = Number(options.frames ?? 26_000);
const UPDATES = 20;
const UPDATE_PAUSE_MS = 300;
const figures: Record<string, number> = {};

function report(name: string, value: number, text: string): void {
  figures[name] = Math.round(value * 100) / 100;
  process.stdout.write(`${name.padEnd(30)} ${text}\n`);
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]) => sorted(values)[values.length >> 1] ?? Number.NaN;

/** Starts the page's thread on the manifest in `root`; resolves with its address. */
async function serve(root: string) {
  const { config } = parseConfig("[Web]\nport = 0\n", root);
  let listening: (address: string) => void = () => undefined;
  const address = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const vessel = openThread("web", {
    message: (message) => {
      const said = message as FromWeb;
      if (said.type === "listening") listening(said.address);
      if (said.type === "refused") throw new Error(said.failure.message);
    },
    lost: (how) => process.stderr.write(`the page's thread ${how}\n`),
  });
  vessel.post({
    type: "open",
    settings: { config, origins: {}, token: "x".repeat(43), manifestFile: join(root, "data", MANIFEST_FILENAME) },
  });
  return {
    address: await address,
    look: () => vessel.post({ type: "look", nextCaptureMs: undefined, brightfield: undefined }),
    end: () => vessel.end(),
  };
}

/** Times of the steps, ms since 1970 or since the result was stored. */
interface Steps {
  readonly askedMs: number;
  readonly answeredMs: number;
  readonly drawnMs: number;
}

const epochMs = () => performance.timeOrigin + performance.now();

/**
 * Returns code for the page: `window.drawn` is a promise of the steps in which the plot with this number of frames is drawn.
 */
function watching(frames: number): string {
  return `window.drawn = new Promise((resolve) => {
    const known = performance.getEntriesByType("resource").length;
    const { clearRect } = CanvasRenderingContext2D.prototype;
    let cleared = false;
    let done = false;
    const seen = () => {
      if (done || !cleared || !document.body.textContent.includes("${frames} frames")) return;
      done = true;
      observer.disconnect();
      CanvasRenderingContext2D.prototype.clearRect = clearRect;
      // The second callback comes when the first frame has been shown.
      requestAnimationFrame(() => requestAnimationFrame(() => {
        const drawnMs = performance.timeOrigin + performance.now();
        const curves = performance.getEntriesByType("resource").slice(known).findLast(({ name }) => name.includes("/api/curves"));
        resolve({ drawnMs, askedMs: performance.timeOrigin + curves.startTime, answeredMs: performance.timeOrigin + curves.responseEnd });
      }));
    };
    const observer = new MutationObserver(seen);
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    CanvasRenderingContext2D.prototype.clearRect = function (...box) {
      clearRect.apply(this, box);
      cleared ||= performance.getEntriesByType("resource").slice(known).some(({ name }) => name.includes("/api/curves"));
      seen();
    };
  }); 0`;
}

async function benchHistory(root: string): Promise<void> {
  if (CHROMIUM === undefined) throw new Error("no Chromium on this machine");
  mkdirSync(join(root, "data"), { recursive: true });
  const answers = Array.from({ length: 24 }, (_, i) => answer(i + 1));
  const { manifest, analysisId } = newManifest(join(root, "data"));
  if (manifest.history.counts().processed === 0) fillCurves(manifest, analysisId, answers, FRAMES);
  const stored = manifest.history.counts().processed;
  const page = await serve(root);
  const browser = await launch();
  try {
    const paints: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      // Each with a new thread and a new browser, without any cached data.
      const fresh = await serve(root);
      const startMs = performance.now();
      const { page: shown } = await openPage(browser, `${fresh.address}#sensorgrams`, DESKTOP);
      await shown.getByText(`${stored} frames`).waitFor();
      paints.push(performance.now() - startMs);
      const painted = "performance.getEntriesByName('first-contentful-paint')[0].startTime";
      if (round === 0)
        report(
          "first_paint_ms",
          await shown.evaluate<number>(painted),
          `${Math.round(await shown.evaluate<number>(painted))} ms to the first paint`,
        );
      await shown.context().close();
      await fresh.end();
    }
    report(
      "curves_shown_ms",
      Math.min(...paints),
      `${Math.round(Math.min(...paints))} ms from opening to four curves of ${stored} frames`,
    );
    const { page: shown } = await openPage(browser, `${page.address}#sensorgrams`, DESKTOP);
    await shown.getByText(`${stored} frames`).waitFor();
    // Wall-clock time includes the machine's other work; processor time does not.
    const debug = await shown.context().newCDPSession(shown);
    await debug.send("Performance.enable");
    const busyMs = async () => {
      const { metrics } = await debug.send("Performance.getMetrics");
      return 1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN);
    };
    const before = { server: process.cpuUsage(), browserMs: await busyMs() };
    const steps: Steps[] = [];
    for (let update = 0; update < UPDATES; update += 1) {
      await sleep(UPDATE_PAUSE_MS + 37 * (update % 5));
      const frames = stored + update;
      await shown.evaluate(watching(frames + 1));
      addFrame(manifest, frames);
      const [claim] = manifest.entries.claimPending(1, 1);
      if (claim === undefined) throw new Error("the frame just added is not pending");
      manifest.complete(claim, analysisId, answers[update % answers.length] as StoredResult, 2);
      const storedMs = epochMs();
      page.look();
      const { askedMs, answeredMs, drawnMs } = await shown.evaluate<Steps>("window.drawn");
      steps.push({ askedMs: askedMs - storedMs, answeredMs: answeredMs - storedMs, drawnMs: drawnMs - storedMs });
    }
    const tookMs = steps.map(({ drawnMs }) => drawnMs);
    const whole = (ms: number) => Math.round(ms);
    report(
      "update_ms",
      median(tookMs),
      `${whole(median(tookMs))} ms from the stored result to the drawn curve (least ${whole(Math.min(...tookMs))}, most ${whole(Math.max(...tookMs))}; at most 100)`,
    );
    for (const [name, of, from, to] of [
      ["update_asked_ms", "until the page asks for what is new", 0, "askedMs"],
      ["update_answered_ms", "until it has the answer", "askedMs", "answeredMs"],
      ["update_drawn_ms", "until that is drawn", "answeredMs", "drawnMs"],
    ] as const) {
      const took = steps.map((step) => step[to] - (from === 0 ? 0 : step[from]));
      report(name, median(took), `${whole(median(took))} ms of it ${of} (least ${whole(Math.min(...took))})`);
    }
    const { user, system } = process.cpuUsage(before.server);
    const serverMs = (user + system) / 1000 / UPDATES;
    const browserMs = ((await busyMs()) - before.browserMs) / UPDATES;
    report(
      "update_server_cpu_ms",
      serverMs,
      `${serverMs.toFixed(1)} ms of the server's processor for each (with this bench's)`,
    );
    report("update_browser_busy_ms", browserMs, `${browserMs.toFixed(1)} ms in which the page was busy for each`);
    const heap = "performance.memory.usedJSHeapSize / 1e6";
    const heapMb = await shown.evaluate<number>(heap);
    report("browser_heap_mb", heapMb, `${heapMb.toFixed(1)} MB of JavaScript in the browser`);
  } finally {
    await browser.close();
    await page.end();
    manifest.close();
  }
}

const INTERVAL_S = 0.5;
const PHASE_S = 20;
const CONNECTIONS = 1000;

/** Attacks for a while: a thousand slow connections, bodies of ten megabytes, invalid paths. */
async function attack(port: number, untilMs: number): Promise<{ opened: number }> {
  const sockets = new Set<Socket>();
  let opened = 0;
  const open = (bytes: string | Buffer) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    sockets.add(socket);
    opened += 1;
  };
  const body = Buffer.concat([
    Buffer.from("POST /api/markers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n"),
    Buffer.alloc(1e7, 120),
  ]);
  while (performance.now() < untilMs) {
    while (sockets.size < CONNECTIONS) open("GET /api/state HTTP/1.1\r\nHost: local");
    for (let i = 0; i < 20; i += 1)
      open(`GET /${"../%2e".repeat(i)}?${i} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    open(body);
    await sleep(200);
  }
  for (const socket of sockets) socket.destroy();
  return { opened };
}

async function benchAbuse(root: string): Promise<void> {
  writeFileSync(
    join(root, "config.toml"),
    `[Timing]\ncollector_interval_seconds = ${INTERVAL_S}\ncommunicator_interval_seconds = 3600\n[Simulation]\nwidth = 640\nheight = 480\n[Web]\nport = 0\n`,
  );
  const run = spawn(process.execPath, [join(packageRoot(), "bin/phorest.js"), "run"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  run.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  while (!/the page is at/.test(said)) await sleep(100);
  const port = Number(/the page is at http:\/\/[^:]+:(\d+)/.exec(said)?.[1]);
  await sleep(5000);
  const phases: { attacked: boolean; fromUs: number; toUs: number }[] = [];
  let opened = 0;
  for (const attacked of [false, true, true, false]) {
    const fromUs = Date.now() * 1000;
    if (attacked) opened += (await attack(port, performance.now() + PHASE_S * 1000)).opened;
    else await sleep(PHASE_S * 1000);
    phases.push({ attacked, fromUs, toUs: Date.now() * 1000 });
  }
  run.kill("SIGTERM");
  await new Promise((resolve) => run.on("close", resolve));
  const manifest = Manifest.open({ file: join(root, "data", MANIFEST_FILENAME), readonly: true });
  const times = [...manifest.history.entries()].map(({ capturedAtUs }) => capturedAtUs);
  manifest.close();
  for (const attacked of [false, true]) {
    const within = phases.filter((phase) => phase.attacked === attacked);
    const counts = within.map(({ fromUs, toUs }) => times.filter((us) => us >= fromUs && us < toUs).length);
    const wanted = (2 * PHASE_S) / INTERVAL_S;
    const taken = counts.reduce((sum, count) => sum + count, 0);
    const what = attacked ? `attacked by ${opened} connections` : "left alone";
    report(`frames_${attacked ? "attacked" : "alone"}`, taken, `${taken} of ${wanted} frames, ${what}`);
  }
}

for (const [name, bench] of [
  ["history", benchHistory],
  ["abuse", benchAbuse],
] as const) {
  if (options.only !== undefined && options.only !== name) continue;
  const kept = name === "history" ? options.store : undefined;
  const root = kept ?? mkdtempSync(join(options.dir ?? tmpdir(), "phorest-bench-"));
  try {
    await bench(root);
  } finally {
    if (kept === undefined) rmSync(root, { recursive: true, force: true });
  }
}
process.stdout.write(`${JSON.stringify({ bench: "web", frames: FRAMES, figures })}\n`);
