// Measures the speed of the kernel's fits: microseconds per fit on one core, Gaussian and Fano, at the two usual row lengths,
// on seeded synthetic rows; compared with scipy's curve_fit on the same rows if python3 has scipy, and with the instructions
// per fit if valgrind is installed.
// Run: npx tsx bench/kernel.ts [--json]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measure } from "../src/analysis/kernel.ts";
import { ROW } from "../src/analysis/kernel-answer.ts";
import { vectorUnit } from "../src/analysis/native-kernel.ts";
import { instructionCounter } from "./instructions.ts";

type Line = "gaussian" | "fano";

interface Trial {
  readonly line: Line;
  readonly samples: number;
  readonly rows: number;
  readonly measuredShare: number;
  readonly kernelUsPerFit: number;
  readonly scipyUsPerFit: number | null;
  readonly ratio: number | null;
  /** Instructions per fit, and the vector unit that valgrind has; null without valgrind. */
  readonly inValgrind: { readonly instructions: number; readonly unit: string } | null;
}

const ROWS_PER_ROI = 74;
const ROIS = 40;
const REPEATS = 25;
const CALLS = 3;
const SCIPY_ROWS = 300;

/** Returns a generator of uniform numbers in [0, 1) from a seed (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/**
 * Simulates a picture whose rows look like a camera's: a line of 100 counts on 110, half-width 20 to 40 px, speckle of 12 %
 * with a grain of 2.5 px, shot noise (50 electrons per count) and one count of read noise.
 */
function simulate(line: Line, samples: number, rows: number, seed: number): Uint8Array {
  const next = uniform(seed);
  const pixels = new Uint8Array(samples * rows);
  const kernel = Array.from({ length: 9 }, (_, i) => Math.exp(-(((i - 4) / 1.25) ** 2) / 2));
  const norm = Math.sqrt(kernel.reduce((sum, weight) => sum + weight * weight, 0));
  let centre = 0;
  let halfWidth = 0;
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_PER_ROI === 0) {
      halfWidth = 20 + 20 * next();
      centre = samples * (0.3 + 0.4 * next());
    }
    const grain = Float64Array.from({ length: samples + 8 }, () => normal(next));
    for (let i = 0; i < samples; i++) {
      const t = (i - centre - 0.02 * (row % ROWS_PER_ROI)) / halfWidth;
      const q = 6;
      const shape = line === "gaussian" ? Math.exp(-t * t * Math.LN2) : (q + t) ** 2 / (1 + t * t) / (q * q + 1);
      const speckle = kernel.reduce((sum, weight, k) => sum + weight * (grain[i + k] ?? 0), 0) / norm;
      const light = (110 + 100 * shape) * (1 + 0.12 * speckle);
      const value = light + normal(next) * Math.sqrt(Math.max(light, 0) / 50 + 1);
      pixels[row * samples + i] = Math.max(0, Math.min(255, Math.round(value)));
    }
  }
  return pixels;
}

function timeKernel(line: Line, samples: number, pixels: Uint8Array, rows: number) {
  const rois = Float64Array.from(
    { length: 5 * ROIS },
    (_, i) => [ROWS_PER_ROI * Math.floor(i / 5), 0, ROWS_PER_ROI, samples, 0].at(i % 5) ?? 0,
  );
  const call = () =>
    measure({
      pixels,
      width: samples,
      height: rows,
      angleDegrees: 0,
      rois,
      method: line,
      subRois: 0,
      sampling: "precise",
      bitDepthScaling: "stretch",
    });
  const measured = call().status.filter((status) => status === ROW.ok).length;
  const times = Array.from({ length: REPEATS }, () => {
    // Processor time, so that other work on the machine does not count.
    const from = process.cpuUsage();
    for (let i = 0; i < CALLS; i++) call();
    const { user, system } = process.cpuUsage(from);
    return (user + system) / CALLS / rows;
  });
  // The minimum, because other work on the machine can only add time.
  return { usPerFit: Math.min(...times), measuredShare: measured / rows };
}

const SCIPY = `
import sys, time, numpy as np
from scipy.optimize import curve_fit
line, samples, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rows = np.fromfile(path, dtype=np.uint8).reshape(-1, samples).astype(float)
x = np.arange(samples)
def gaussian(x, a, mu, s, c): return a * np.exp(-((x - mu) ** 2) / (2 * s ** 2)) + c
def fano(x, a, q, r, g, c): return a * ((q * g + x - r) ** 2 / (g ** 2 + (x - r) ** 2)) + c
times = []
for y in rows:
    p = [y.max() - y.min(), y.argmax(), 1, y.mean()] if line == "gaussian" else [y.max() - y.min(), 0, y.argmax(), samples / 4, y.mean()]
    t = time.process_time()
    try:
        curve_fit(gaussian if line == "gaussian" else fano, x, y, p0=p)
    except RuntimeError:
        pass
    times.append(time.process_time() - t)
print(np.median(times) * 1e6)
`;

/** Returns the median time of scipy's fit, or null if this machine has no scipy. */
function timeScipy(line: Line, samples: number, pixels: Uint8Array): number | null {
  const directory = mkdtempSync(join(tmpdir(), "phorest-bench-"));
  try {
    const path = join(directory, "rows.u8");
    writeFileSync(path, pixels.subarray(0, SCIPY_ROWS * samples));
    const env = { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };
    const run = spawnSync("python3", ["-W", "ignore", "-c", SCIPY, line, String(samples), path], {
      encoding: "utf8",
      env,
    });
    const value = Number.parseFloat(run.stdout ?? "");
    return run.status === 0 && Number.isFinite(value) ? value : null;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Number of rows for counting instructions: valgrind is some fifty times slower. */
const COUNTED_ROWS = 592;

const trials: Trial[] = [];
const counter = instructionCounter();
const json = process.argv.includes("--json");
if (!json) process.stdout.write(`kernel ${vectorUnit()}, node ${process.version}\n`);
for (const line of ["gaussian", "fano"] as const) {
  for (const samples of [181, 353]) {
    const rows = ROWS_PER_ROI * ROIS;
    const pixels = simulate(line, samples, rows, samples);
    const { usPerFit, measuredShare } = timeKernel(line, samples, pixels, rows);
    const scipy = timeScipy(line, samples, pixels);
    const ratio = scipy === null ? null : scipy / usPerFit;
    const inValgrind = counter?.count(line, samples, pixels.subarray(0, COUNTED_ROWS * samples)) ?? null;
    trials.push({
      line,
      samples,
      rows,
      measuredShare,
      kernelUsPerFit: usPerFit,
      scipyUsPerFit: scipy,
      ratio,
      inValgrind,
    });
    if (json) continue;
    const beside =
      scipy === null ? "no scipy here" : `scipy ${scipy.toFixed(0)} us, ratio ${(ratio ?? Number.NaN).toFixed(0)}`;
    const counted =
      inValgrind === null ? "no valgrind here" : `${inValgrind.instructions} instructions (${inValgrind.unit})`;
    process.stdout.write(
      `${line.padEnd(8)} ${samples} samples: ${usPerFit.toFixed(2)} us per fit, ${beside}, ${counted}\n`,
    );
  }
}
counter?.close();
process.stdout.write(`${JSON.stringify({ kernel: vectorUnit(), trials })}\n`);
