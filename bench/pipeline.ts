// Measures the cost of one picture from its file to its result, stage by stage, on one core: reading, decoding, sampling and
// fitting, the statistics with errors and flags, packing; for each method, and for both line fits of one decoded picture as
// PNG, TIFF and BMP. Uses a 1920 x 1460 picture with 120 ROIs and a synthetic one of 9152 x 6944 with 644. Each trial has its
// own process; prints one line each, then JSON. With --jobs the same on 1 to N threads, as ms per picture. Finally pictures per
// second of the whole program (bench/run.ts; it must be built).
// Run: npx tsx bench/pipeline.ts [--repeats N] [--small] [--jobs N]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import sharp from "sharp";
import { measureTogether } from "../src/analysis/kernel.ts";
import { vectorUnit } from "../src/analysis/native-kernel.ts";
import { analyseTogether } from "../src/analysis/resonance.ts";
import { decodeBytes, decodePicture } from "../src/image/decode.ts";
import { encodePicture } from "../src/image/encode.ts";
import { readWhole } from "../src/image/read-picture.ts";
import { encodeStatistics } from "../src/manifest/statistics-codec.ts";
import { METHODS, type Method, QUANTITIES, STATISTICS } from "../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest, type Roi, type RoiManifest } from "../src/measurement/roi.ts";
import { packageRoot } from "../src/system/files.ts";
import { type EndToEnd, runThroughManifest } from "./run.ts";

interface Trial {
  readonly picture: string;
  readonly methods: readonly Method[];
  readonly rois: number;
  readonly readMs: number;
  readonly decodeMs: number;
  readonly kernelMs: number;
  readonly statisticsMs: number;
  readonly packMs: number;
  readonly totalMs: number;
  readonly peakMemoryMb: number;
  readonly statisticsBytesPerRoi: number;
}

const WIDTH = 9152;
const HEIGHT = 6944;
const ROI_HEIGHT = 144;
const ROI_WIDTH = 353;

/** Makes bands of different position and width on a lattice of 23 x 28 ROIs, with speckle of a few px grain. */
async function syntheticPicture(directory: string): Promise<{ picture: string; manifest: string }> {
  const rois: Roi[] = [];
  for (let index = 0; index < 644; index++) {
    const [row, column] = [Math.floor(index / 23), index % 23];
    rois.push({
      label: `${index}`,
      flip: row % 2 === 0,
      y: 100 + row * 240,
      x: 100 + column * 390,
      height: ROI_HEIGHT,
      width: ROI_WIDTH,
    });
  }
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const noise = Float32Array.from({ length: 1 << 20 }, () => 0.14 * (random() + random() + random() - 1.5));
  const speckle = noise.map((value, at) => value + (noise[at - 1] ?? 0) + (noise[at - 2] ?? 0));
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    let grain = Math.floor(random() * speckle.length);
    for (let x = 0; x < WIDTH; x++) {
      grain = (grain + 1) & (speckle.length - 1);
      const column = Math.floor((x - 60) / 390);
      const distance = (x - 270 - column * 390 - 0.03 * (y % 240)) / (25 + (column % 5) * 4);
      pixels[y * WIDTH + x] = (110 + 90 / (1 + distance * distance)) * (1 + (speckle[grain] ?? 0));
    }
  }
  const picture = join(directory, "synthetic.png");
  const manifest = join(directory, "synthetic.json");
  await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .toColourspace("b-w")
    .png({ compressionLevel: 6 })
    .toFile(picture);
  writeFileSync(manifest, formatRoiManifest({ imageAngle: -0.2, rois }));
  return { picture, manifest };
}

interface Work {
  readonly picture: string;
  readonly manifest: string;
  readonly methods: readonly Method[];
  readonly repeats: number;
}

/** Reads, decodes, measures with each method and packs once; returns the ms of each stage, and the results. */
async function once({ picture, methods }: Work, rois: RoiManifest) {
  const start = performance.now();
  const bytes = await readWhole(picture);
  const read = performance.now();
  const decoded = await decodeBytes(bytes, picture);
  const decodeMs = performance.now() - read;
  let kernelMs = 0;
  const begun = performance.now();
  const all = methods.map(
    (method) => ({ method, subRois: 0, sampling: "precise", bitDepthScaling: "stretch", debug: false }) as const,
  );
  const results = analyseTogether(decoded, rois, all, {
    kernel: (sampled, tasks) => {
      const from = performance.now();
      const answers = measureTogether(sampled, tasks);
      kernelMs = performance.now() - from;
      return answers;
    },
  });
  const analysed = performance.now();
  let packed = 0;
  for (const { method, statistics } of results) {
    packed += encodeStatistics(statistics, QUANTITIES[method].length * STATISTICS.length).length;
  }
  const statisticsMs = analysed - begun - kernelMs;
  const packMs = performance.now() - analysed;
  const stages = [read - start, decodeMs, kernelMs, statisticsMs, packMs, performance.now() - start];
  return { stages, packed, size: `${decoded.width}x${decoded.height}` };
}

/** Number of ROIs measured before timing starts: a run of days mostly executes compiled code, unlike the first frames. */
const WARM_ROIS = 3000;

/** Number of pictures for the whole program. */
const RUN_PICTURES = 100;

async function warmUp(work: Work, rois: RoiManifest): Promise<void> {
  for (let measured = 0; measured < WARM_ROIS; measured += rois.rois.length) await once(work, rois);
}

/** Returns the minimum times of `repeats` rounds after warm-up: other work on the machine can only add time. */
async function runTrial(work: Work): Promise<Trial> {
  const rois = parseRoiManifest(readFileSync(work.manifest, "utf8"), work.manifest);
  await warmUp(work, rois);
  let last = await once(work, rois);
  const rounds: number[][] = [];
  for (let round = 0; round < work.repeats; round++) {
    last = await once(work, rois);
    rounds.push(last.stages);
  }
  const least = (stage: number) => Number(Math.min(...rounds.map((stages) => stages[stage] ?? Number.NaN)).toFixed(1));
  return {
    picture: `${extname(work.picture).slice(1)} ${last.size}`,
    methods: work.methods,
    rois: rois.rois.length,
    readMs: least(0),
    decodeMs: least(1),
    kernelMs: least(2),
    statisticsMs: least(3),
    packMs: least(4),
    totalMs: least(5),
    peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
    statisticsBytesPerRoi: Number((last.packed / rois.rois.length).toFixed(1)),
  };
}

/** Start code of a thread: Node 20 cannot start one from TypeScript. */
const START = `import("tsx/esm/api").then((tsx) => {
  tsx.register();
  return import(${JSON.stringify(import.meta.url)});
});`;

/** Returns ms per picture with `jobs` threads, each measuring `repeats` pictures after warm-up. */
async function runThreads(work: Work, jobs: number): Promise<number> {
  // Two counters: the number of warm threads, and the start signal.
  const counters = new SharedArrayBuffer(8);
  const state = new Int32Array(counters);
  const threads = Array.from({ length: jobs }, () => {
    const thread = new Worker(START, { eval: true, workerData: { work, counters } });
    return new Promise<void>((resolve, reject) => {
      thread.on("error", reject);
      thread.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`))));
    });
  });
  while (Atomics.load(state, 0) < jobs) await new Promise((resolve) => setTimeout(resolve, 20));
  const start = performance.now();
  Atomics.store(state, 1, 1);
  Atomics.notify(state, 1);
  await Promise.all(threads);
  return Number(((performance.now() - start) / (jobs * work.repeats)).toFixed(1));
}

async function thread({ work, counters }: { work: Work; counters: SharedArrayBuffer }): Promise<void> {
  const state = new Int32Array(counters);
  const rois = parseRoiManifest(readFileSync(work.manifest, "utf8"), work.manifest);
  await warmUp(work, rois);
  Atomics.add(state, 0, 1);
  Atomics.wait(state, 1, 0);
  for (let round = 0; round < work.repeats; round++) await once(work, rois);
}

function spawnTrial(work: Work): Trial {
  const words = ["--import", "tsx", fileURLToPath(import.meta.url), "--trial", JSON.stringify(work)];
  const child = spawnSync(process.execPath, words, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (child.status !== 0) throw new Error(`the trial of ${work.methods} ended with ${child.status ?? child.signal}`);
  return JSON.parse(child.stdout);
}

function lineOf(trial: Trial): string {
  const { picture, methods, rois, readMs, decodeMs, kernelMs, statisticsMs, packMs, totalMs, peakMemoryMb } = trial;
  return (
    `${picture} ${rois} ROIs ${methods.join(" + ").padEnd(15)} total ${totalMs} ms = read ${readMs} + decode ${decodeMs} + ` +
    `kernel ${kernelMs} + statistics ${statisticsMs} + pack ${packMs} (${trial.statisticsBytesPerRoi} bytes/ROI), ` +
    `peak ${peakMemoryMb} MB`
  );
}

/** Writes the picture as uncompressed files in the other formats that are read without a general reader. */
async function inOtherFormats(picture: string, directory: string): Promise<string[]> {
  const decoded = await decodePicture(picture);
  const written: string[] = [];
  for (const format of ["tiff", "bmp"] as const) {
    const path = join(directory, `${basename(picture, ".png")}.${format}`);
    writeFileSync(path, await encodePicture(decoded, format));
    written.push(path);
  }
  return written;
}

const words = process.argv.slice(2);
if (!isMainThread) {
  await thread(workerData);
} else if (words[0] === "--trial") {
  process.stdout.write(JSON.stringify(await runTrial(JSON.parse(words[1] ?? "{}"))));
} else {
  const numberAfter = (name: string, otherwise: number) =>
    words.includes(name) ? Number(words[words.indexOf(name) + 1]) : otherwise;
  const repeats = numberAfter("--repeats", 5);
  const mostJobs = numberAfter("--jobs", 1);
  const directory = mkdtempSync(join(tmpdir(), "phorest-bench-"));
  try {
    const cases = join(packageRoot(), "test/cases/oracle-pictures");
    const small = { picture: join(cases, "img_B.png"), manifest: join(cases, "img_B.manifest.json") };
    const pictures = [small];
    if (!words.includes("--small")) pictures.push(await syntheticPicture(directory));
    const trials: Trial[] = [];
    const threads: { picture: string; jobs: number; msPerPicture: number }[] = [];
    const both = ["gaussian", "fano"] as const;
    for (const { picture, manifest } of pictures) {
      const files = await inOtherFormats(picture, directory);
      const works: Work[] = [
        // Tracking compares with a reference that grows over frames; it is measured within a run.
        ...METHODS.filter((method) => method !== "tracking").map((method) => ({
          picture,
          manifest,
          methods: [method],
          repeats,
        })),
        ...[picture, ...files].map((file) => ({ picture: file, manifest, methods: both, repeats })),
      ];
      for (const work of works) {
        const trial = spawnTrial(work);
        trials.push(trial);
        console.log(lineOf(trial));
      }
      for (let jobs = 1; mostJobs > 1 && jobs <= mostJobs; jobs++) {
        const msPerPicture = await runThreads({ picture, manifest, methods: both, repeats }, jobs);
        threads.push({ picture: basename(picture), jobs, msPerPicture });
        console.log(`${basename(picture)} gaussian + fano, ${jobs} threads: ${msPerPicture} ms per picture`);
      }
    }
    const endToEnd: EndToEnd[] = [];
    for (const method of both) {
      const run = runThroughManifest(small.picture, small.manifest, method, RUN_PICTURES);
      endToEnd.push(run);
      console.log(
        `phorest run, ${method}: ${run.picturesPerSecond} pictures/s through the manifest, ${run.wholeSeconds} s in all`,
      );
    }
    console.log(JSON.stringify({ bench: "pipeline", kernel: vectorUnit(), repeats, trials, threads, endToEnd }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
