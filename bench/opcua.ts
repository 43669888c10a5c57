// Measures the cost of the OPC UA output: npm run build && npx tsx bench/opcua.ts [--frames N] [--long N] [--returns N]
// Sends 644 ROIs × 3 values per frame to a real node-opcua-server in its own process on the loopback address. Prints one line per
// result, then all of them as one line of JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parseConfig } from "../src/config/config.ts";
import { createLogger } from "../src/log/logger.ts";
import { OPC_UA_OUTPUT } from "../src/manifest/opcua-output-state.ts";
import { encodeStatistics } from "../src/manifest/statistics-codec.ts";
import { QUANTITIES, STATISTICS } from "../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../src/measurement/roi.ts";
import type { PlantDelivery } from "../src/outputs/opcua/delivery.ts";
import { Plant } from "../test/outputs/opcua/plant.ts";

// Measures the compiled program, because sources under tsx are slower. Everything must be compiled: compiled code does not
// recognise a Failure class from the sources, so a stage could not tell which failures to retry.
const compiled = (module: string) => import(new URL(`../dist/src/${module}.js`, import.meta.url).href);
const { MANIFEST_FILENAME, Manifest }: typeof import("../src/manifest/manifest.ts") =
  await compiled("manifest/manifest");
const { PlantDelivery: Delivery }: typeof import("../src/outputs/opcua/delivery.ts") =
  await compiled("outputs/opcua/delivery");
const { OpcUaOutput }: typeof import("../src/outputs/opcua/output.ts") = await compiled("outputs/opcua/output");
const { OutputStage }: typeof import("../src/stages/outputs/output-stage.ts") =
  await compiled("stages/outputs/output-stage");
const { stageOf }: typeof import("../src/supervisor/stage.ts") = await compiled("supervisor/stage");

const TEXT = { type: "string" } as const;
const { values: options } = parseArgs({ options: { frames: TEXT, long: TEXT, returns: TEXT } });
const FRAMES = Number(options.frames ?? 200);
const LONG = Number(options.long ?? 10_000);
const RETURNS = Number(options.returns ?? 8);
const ROIS = 644;
const VALUES = ["position", "standard_error", "quality"] as const;
const PER_ROI = QUANTITIES.gaussian.length * STATISTICS.length;

const figures: Record<string, number> = {};
function report(name: string, value: number, unit: string): void {
  figures[name] = Math.round(value * 100) / 100;
  process.stdout.write(`${name.padEnd(52)} ${figures[name]} ${unit}\n`);
}

const directory = mkdtempSync(join(tmpdir(), "phorest-bench-opcua-"));
const manifest = Manifest.open({ file: join(directory, MANIFEST_FILENAME) });
const labels = Array.from(
  { length: ROIS },
  (_x, i) => `${String(i >> 1).padStart(3, "0")}A_${i % 2 === 0 ? "N" : "S"}`,
);
const rois = labels.map((label, i) => ({ label, flip: i % 2 === 0, y: 10 * i, x: 5, height: 30, width: 120 }));
const roiManifestId = manifest.analyses.ensureRoiManifest(
  parseRoiManifest(formatRoiManifest({ imageAngle: 0, rois }), "the bench"),
);
const analysisId = manifest.analyses.ensure({ method: "gaussian", settings: "{}", roiManifestId, kernelVersion: "1" });
const statistics = encodeStatistics(new Float64Array(ROIS * PER_ROI).fill(1.25), PER_ROI);
let count = 0;

function addFrames(frames: number): void {
  manifest.together(() => {
    for (let i = 0; i < frames; i += 1) {
      count += 1;
      const capturedAtUs = 1_700_000_000_000_000 + count * 1_000_000;
      manifest.entries.add({ capturedAtUs, filename: `image_${count}.png`, readings: [] });
      const [claim] = manifest.entries.claimPending(1, capturedAtUs);
      if (claim === undefined) throw new Error("the frame just added is not pending");
      const column = (scale: number) => Float64Array.from({ length: ROIS }, (_x, roi) => (roi + count) * scale);
      const result = {
        position: column(0.01),
        standardError: column(1e-5),
        quality: column(1e-4),
        flags: new Uint8Array(ROIS),
        statistics,
        brightness: 1,
        contrast: 1,
      };
      manifest.complete(claim, analysisId, result, capturedAtUs);
    }
  });
}

const scalar = labels.flatMap((label) => VALUES.map((value) => ({ name: `${label}.${value}` })));
const arrays = VALUES.map((value) => ({ name: `all.${value}`, rank: 1 }));
const plant = await Plant.start({ pki: join(directory, "pki"), nodes: [...scalar, ...arrays] });

function settingsFor(pattern: string) {
  const nodes = VALUES.map((value) => `[[OPC_UA.nodes]]\nnode_id = "ns=2;s=${pattern}.${value}"\nvalue = "${value}"`);
  const { config } = parseConfig(
    `[Paths]\nroot_dir = "${directory}"\n[Communication]\nmethod = ["CSV_PLOT", "OPC_UA"]\n[OPC_UA]\n` +
      `endpoint_url = "${plant.endpointUrl}"\nsecurity_mode = "None"\nmax_frames_per_second = 1000\n${nodes.join("\n")}\n`,
    directory,
  );
  const { endpoint_url = "", nodes: mapped, ...server } = config.OPC_UA;
  return { config, delivery: { server: { ...server, endpoint_url }, nodes: mapped, baselineSeconds: 60 } };
}

/** Delivers `frames` new frames in this thread; returns ms of wall-clock time and of this process per frame. */
async function deliver(delivery: PlantDelivery, frames: number) {
  let cursor = manifest.outcomes.lastId();
  addFrames(frames);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  while (cursor < manifest.outcomes.lastId()) {
    const { cursor: passed, failure } = await delivery.step(cursor, "");
    if (failure !== undefined) throw new Error(failure.message);
    cursor = passed;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: (performance.now() - startMs) / frames, ownMs: (user + system) / 1000 / frames };
}

const singles = new Delivery(settingsFor("{roi}").delivery, manifest, () => undefined);
await deliver(singles, 10);
// At first the client library creates its own key in the background, which must not count as time of a frame.
await sleep(5000);
const one = await deliver(singles, FRAMES);
report("1932 nodes: frames a second", 1000 / one.wallMs, "(at least 5)");
report("1932 nodes: our own time per frame", one.ownMs, "ms (at most 15)");
await singles.close();

const all = new Delivery(settingsFor("all").delivery, manifest, () => undefined);
await deliver(all, 500);
const array = await deliver(all, FRAMES);
report("3 arrays of 644: frames a second", 1000 / array.wallMs, "");
report("3 arrays of 644: our own time per frame", array.ownMs, "ms");
const rss = () => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1e6;
};
const before = rss();
for (let sent = 0; sent < LONG; sent += 500) await deliver(all, Math.min(500, LONG - sent));
report(`memory after ${LONG} frames more, ratio`, rss() / before, "(1 is flat)");
await all.close();

// The stage as in a run: its thread next to the supervisor's, and a server that is killed and restarted.
const log = createLogger({ level: "error", console: false, rotateSeconds: 43_200 });
manifest.outputs.configure([OPC_UA_OUTPUT]);
manifest.outputs.advance(OPC_UA_OUTPUT, manifest.outcomes.lastId());
const { config } = settingsFor("{roi}");
const manifestFile = join(directory, MANIFEST_FILENAME);
// Most of the supervisor's delay comes from the disk: the commit of the cursor, which must not be reordered.
let longestCommitMs = 0;
const advance = manifest.outputs.advance.bind(manifest);
manifest.outputs.advance = (...cursor: Parameters<typeof advance>) => {
  const startMs = performance.now();
  advance(...cursor);
  longestCommitMs = Math.max(longestCommitMs, performance.now() - startMs);
};
const output = new OpcUaOutput({ config, manifest, manifestFile, log: log.stage("opcua"), alarm: () => "" });
const part = new OutputStage(output, { name: OPC_UA_OUTPUT, manifest, runsDamaged: true, advanced: () => undefined });
const stage = stageOf("opcua", part, (moved) => part.moved(moved));
stage.start();
await sleep(8000);
const loop = monitorEventLoopDelay({ resolution: 1 });
async function longestDelay(isGoingOn: () => boolean): Promise<number> {
  await sleep(500);
  loop.reset();
  loop.enable();
  while (isGoingOn()) await sleep(20);
  loop.disable();
  return loop.max / 1e6;
}
addFrames(50);
stage.wake();
const busyMs = performance.now();
const delayed = await longestDelay(() => output.waiting > 0);
const tookMs = performance.now() - busyMs;
// The same machine idle for the same time, to measure the influence of other work.
const idleMs = performance.now();
const idle = await longestDelay(() => performance.now() - idleMs < tookMs);
report("supervisor's event loop, longest delay", delayed, "ms (at most 20)");
report("of which the longest commit to the disk", longestCommitMs, "ms");
report("the same with nothing to deliver", idle, "ms");
const node = `${labels[0]}.position`;
const newest = async () => (await plant.values(node))[node]?.value;
const there: number[] = [];
const everything: number[] = [];
for (let returned = 0; returned < RETURNS; returned += 1) {
  await plant.kill();
  addFrames(1);
  await sleep(1000 + 1000 * Math.random());
  await plant.start();
  const backMs = performance.now();
  const seconds = () => (performance.now() - backMs) / 1000;
  while (Math.abs(Number(await newest()) - count * 0.01) > 1e-9) await sleep(10);
  there.push(seconds());
  while (output.waiting > 0) await sleep(10);
  everything.push(seconds());
  await sleep(1000);
}
process.stdout.write(`each return: ${there.map((seconds) => seconds.toFixed(2)).join(", ")} s\n`);
report("values on the server after it is back, longest", Math.max(...there), "s (at most 2)");
report("everything looked up and passed, longest", Math.max(...everything), "s");
await stage.stop();
await part.close(5000);
await log.close();
await plant.kill();
manifest.close();
rmSync(directory, { recursive: true, force: true });
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exit(0);
