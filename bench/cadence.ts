// Measures whether the cadence holds under full load. A real run takes a picture of 1920 x 1460 every second from
// the dummy camera, while its analysis works through a queue of 64-megapixel pictures on all cores but one. The delay
// is that of the exposure relative to its scheduled time, as stored with each frame.
// Run: npx tsx bench/cadence.ts [--seconds 300] [--interval 1]. Needs `npm run build`. Prints figures and a line of JSON.
import { execFile, spawn } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { encodePicture } from "../src/image/encode.ts";
import { Manifest } from "../src/manifest/manifest.ts";
import { formatRoiManifest, type Roi } from "../src/measurement/roi.ts";
import { createSimulator } from "../src/simulator/simulator.ts";
import { packageRoot } from "../src/system/files.ts";

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const seconds = option("--seconds", 300);
const interval = option("--interval", 1);
const workers = Math.max(1, availableParallelism() - 1);
const [WIDTH, HEIGHT, ROIS] = [9152, 6944, 644];

/** Repeats the small picture's ROIs: both sizes can be measured with them, and a large picture has 644. */
function manyRois(): Roi[] {
  const { rois } = createSimulator().roiManifest();
  return Array.from({ length: ROIS }, (_, at) => ({ ...(rois[at % rois.length] as Roi), label: `R${at}` }));
}

/** Returns 64 megapixels tiled from the small picture. */
async function largePicture(): Promise<Uint8Array> {
  const small = createSimulator().render(0, 0);
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    const row = (y % small.height) * small.width;
    for (let x = 0; x < WIDTH; x += small.width) {
      const width = Math.min(small.width, WIDTH - x);
      pixels.set(small.pixels.subarray(row, row + width), y * WIDTH + x);
    }
  }
  return encodePicture({ pixels, width: WIDTH, height: HEIGHT, bitDepth: 8 }, "png");
}

function config(directory: string): string {
  return `
[Data_Analysis]
method = "fano"
number_of_subROIs = 0
workers = ${workers}
batch_size = 2
[Services]
enable_camera = true
[Timing]
collector_interval_seconds = ${interval}
[Camera]
camera_type = "dummy"
[Paths]
root_dir = ${JSON.stringify(directory)}
`;
}

/**
 * Measures the delay of the machine itself: a process that only sleeps, 20 ms at a time, under the same load. No program on the
 * machine can be more punctual.
 */
const SLEEPER = `
const nothing = new Int32Array(new SharedArrayBuffer(4));
const late = [];
for (const end = performance.now() + ${seconds * 1000}; performance.now() < end; ) {
  const due = performance.now() + 20;
  Atomics.wait(nothing, 0, 0, 20);
  late.push(performance.now() - due);
}
late.sort((a, b) => a - b);
console.log(JSON.stringify({ p99: late[Math.floor(0.99 * late.length)], max: late.at(-1) }));
`;

async function sleeper(): Promise<{ p99: number; max: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", SLEEPER]);
  return JSON.parse(stdout) as { p99: number; max: number };
}

const directory = mkdtempSync(join(tmpdir(), "phorest-cadence-"));
try {
  mkdirSync(join(directory, "data"));
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, "config.toml"), config(directory));
  const rois = formatRoiManifest({ imageAngle: 0, rois: manyRois() });
  writeFileSync(join(directory, "generated_files/ROI_manifest.json"), rois);
  writeFileSync(join(directory, "large.png"), await largePicture());
  // One picture under many names: a queue that lasts longer than the bench but takes only one file.
  const queued = Math.ceil(seconds * workers * 5);
  for (let n = 0; n < queued; n++) linkSync(join(directory, "large.png"), join(directory, `data/load-${n}.png`));

  const words = [join(packageRoot(), "bin/phorest.js"), "run", "--duration", String(seconds), "--log-level", "error"];
  const run = spawn(process.execPath, words, { cwd: directory, stdio: "ignore" });
  const ended = new Promise<void>((resolve, reject) => {
    run.on("error", reject);
    run.on("exit", () => resolve());
  });
  const [machine] = await Promise.all([sleeper(), ended]);

  const manifest = Manifest.open({ file: join(directory, "data/phorest.sqlite"), readonly: true });
  const late: number[] = [];
  const exposedMs: number[] = [];
  const tookMs: number[] = [];
  let measured = 0;
  for (const entry of manifest.history.entries()) {
    if (entry.filename?.startsWith("load-")) {
      measured += entry.status === "processed" ? 1 : 0;
      continue;
    }
    const noted: { late_ms: number; monotonic_ms: number; took_ms: number } = JSON.parse(
      manifest.entries.takenPicture(entry.filename ?? "")?.settings ?? "{}",
    );
    late.push(noted.late_ms);
    exposedMs.push(noted.monotonic_ms);
    tookMs.push(noted.took_ms);
  }
  const [beat] = manifest.heartbeats.all().filter(({ stage }) => stage === "collector");
  manifest.close();
  // The first frame also waits for the thread and the camera to open; the schedule starts from it.
  const steady = late.slice(1).sort((a, b) => a - b);
  tookMs.sort((a, b) => a - b);
  const of = (share: number, sorted = steady) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const first = exposedMs[1] ?? 0;
  const ticks = Math.round(((exposedMs.at(-1) ?? 0) - first) / (interval * 1000));
  const figures = {
    bench: "cadence",
    seconds,
    intervalSeconds: interval,
    workers,
    frames: late.length,
    skipped: ticks + 2 - late.length,
    lateMsMedian: of(0.5),
    lateMsP99: of(0.99),
    lateMsMax: steady.at(-1),
    machineLateMsP99: machine.p99,
    machineLateMsMax: machine.max,
    captureToDurableMsMedian: of(0.5, tookMs),
    captureToDurableMsP99: of(0.99, tookMs),
    captureToDurableMsMax: tookMs.at(-1),
    driftMs: Math.round((exposedMs.at(-1) ?? 0) - first - ticks * interval * 1000),
    largePicturesMeasured: measured,
    collectorSays: beat?.detail || "no tick missed",
  };
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(28)} ${value}`);
  console.log(JSON.stringify(figures));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
