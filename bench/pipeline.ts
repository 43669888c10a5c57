// What one picture costs from its bytes to its result, stage by stage, on one core: reading, decoding, sampling and
// fitting, the statistics with their doubt, packing. A 1920 x 1460 picture with 120 ROIs and a synthetic one of
// 9152 x 6944 with 644. Each trial has its own process; one line each, then JSON.
// Run: npx tsx bench/pipeline.ts [--repeats N] [--small]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { decodeBytes } from "../src/analysis/decode.ts";
import { measure, vectorUnit } from "../src/analysis/kernel.ts";
import { METHODS, type Method, QUANTITIES, STATISTICS } from "../src/analysis/method.ts";
import { analysePicture } from "../src/analysis/resonance.ts";
import { formatRoiManifest, parseRoiManifest, type Roi } from "../src/analysis/roi.ts";
import { packageRoot } from "../src/files.ts";
import { encodeStatistics } from "../src/manifest/statistics-codec.ts";

interface Trial {
  readonly picture: string;
  readonly method: Method;
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

/** Bands of different place and width on a lattice of 23 x 28 ROIs, with speckle of a few px grain. */
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

/** Median times of `repeats` rounds after one unmeasured round. */
async function runTrial(picture: string, manifest: string, method: Method, repeats: number): Promise<Trial> {
  const rois = parseRoiManifest(readFileSync(manifest, "utf8"), manifest);
  const settings = { method, subRois: 0, sampling: "precise", bitDepthScaling: "stretch", debug: false } as const;
  const perRoi = QUANTITIES[method].length * STATISTICS.length;
  const rounds: number[][] = [];
  let packed = 0;
  let size = "";
  for (let round = 0; round <= repeats; round++) {
    const start = performance.now();
    const bytes = readFileSync(picture);
    const read = performance.now();
    const decodedPicture = await decodeBytes(bytes, picture);
    const decoded = performance.now();
    let kernelMs = 0;
    const result = analysePicture(decodedPicture, rois, settings, (request) => {
      const from = performance.now();
      const answer = measure(request);
      kernelMs = performance.now() - from;
      return answer;
    });
    const analysed = performance.now();
    packed = encodeStatistics(result.statistics, perRoi).length;
    const end = performance.now();
    size = `${decodedPicture.width}x${decodedPicture.height}`;
    const times = [read - start, decoded - read, kernelMs, analysed - decoded - kernelMs, end - analysed, end - start];
    if (round > 0) rounds.push(times);
  }
  const median = (stage: number) => {
    const sorted = rounds.map((times) => times[stage] ?? Number.NaN).sort((a, b) => a - b);
    return Number((sorted[Math.floor(sorted.length / 2)] ?? Number.NaN).toFixed(1));
  };
  return {
    picture: size,
    method,
    rois: rois.rois.length,
    readMs: median(0),
    decodeMs: median(1),
    kernelMs: median(2),
    statisticsMs: median(3),
    packMs: median(4),
    totalMs: median(5),
    peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
    statisticsBytesPerRoi: Number((packed / rois.rois.length).toFixed(1)),
  };
}

function spawnTrial(picture: string, manifest: string, method: Method, repeats: number): Trial {
  const words = [
    "--import",
    "tsx",
    fileURLToPath(import.meta.url),
    "--trial",
    picture,
    manifest,
    method,
    String(repeats),
  ];
  const child = spawnSync(process.execPath, words, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (child.status !== 0) throw new Error(`the trial of ${method} ended with ${child.status ?? child.signal}`);
  return JSON.parse(child.stdout);
}

function lineOf(trial: Trial): string {
  const { picture, method, rois, readMs, decodeMs, kernelMs, statisticsMs, packMs, totalMs, peakMemoryMb } = trial;
  return (
    `${picture} ${rois} ROIs ${method.padEnd(13)} total ${totalMs} ms = read ${readMs} + decode ${decodeMs} + kernel ${kernelMs} ` +
    `+ statistics ${statisticsMs} + pack ${packMs} (${trial.statisticsBytesPerRoi} bytes/ROI), peak ${peakMemoryMb} MB`
  );
}

const words = process.argv.slice(2);
if (words[0] === "--trial") {
  const [, picture = "", manifest = "", method = "gaussian", repeats = "5"] = words;
  process.stdout.write(JSON.stringify(await runTrial(picture, manifest, method as Method, Number(repeats))));
} else {
  const repeats = words.includes("--repeats") ? Number(words[words.indexOf("--repeats") + 1]) : 5;
  const directory = mkdtempSync(join(tmpdir(), "phorest-bench-"));
  try {
    const cases = join(packageRoot(), "test/cases/oracle-pictures");
    const pictures = [{ picture: join(cases, "img_B.png"), manifest: join(cases, "img_B.manifest.json") }];
    if (!words.includes("--small")) pictures.push(await syntheticPicture(directory));
    const trials: Trial[] = [];
    for (const { picture, manifest } of pictures) {
      for (const method of METHODS) {
        const trial = spawnTrial(picture, manifest, method, repeats);
        trials.push(trial);
        console.log(lineOf(trial));
      }
    }
    console.log(JSON.stringify({ bench: "pipeline", kernel: vectorUnit(), repeats, trials }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
