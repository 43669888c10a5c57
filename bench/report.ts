// Measures the cost of a report: adding new frames after 1,000 and after 1,000,000 results, and drawing 1 to 644 ROIs.
// Run: npx tsx bench/report.ts [frames of the long history] (default 1,000,000). Prints the figures and one line of JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CurveStore } from "../src/figures/curve.ts";
import { renderPlot } from "../src/figures/plot.ts";
import type { PlotInput } from "../src/figures/plot-input.ts";
import type { Outcome } from "../src/manifest/outcomes.ts";
import { type Method, QUANTITIES, STATISTICS } from "../src/measurement/method.ts";
import { updateCsv } from "../src/outputs/csv/file/append.ts";
import type { CsvState } from "../src/outputs/csv/file/state.ts";

const START_US = Date.UTC(2026, 2, 4) * 1000;
const INTERVAL_US = 10_000_000;
const METHOD: Method = "fano";
const REPORT_FRAMES = 16;
const LONG = Number(process.argv[2] ?? 1_000_000);

function labelsOf(rois: number): string[] {
  return Array.from({ length: rois }, (_x, i) => `${String(i >> 1).padStart(3, "0")}A_${i % 2 === 0 ? "N" : "S"}`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Returns the processor time of all threads, because wall-clock time is unreliable on a busy machine. */
function cpuMs(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

/** Returns a binding curve with noise; the same numbers on every machine. */
function position(frame: number, frames: number, roi: number): number {
  const part = frame / frames;
  const bound = part < 0.2 ? 0 : 1 - Math.exp(-(part - 0.2) * 12);
  return 60 + (roi % 40) + (0.2 + 0.01 * (roi % 30)) * bound + 0.008 * Math.sin(frame * 12.9898 + roi * 78.233);
}

const NO_FLAGS = new Uint8Array(1024);

function history(rois: number, frames: number): CurveStore {
  const store = new CurveStore(labelsOf(rois));
  const values = new Float64Array(rois);
  for (let frame = 0; frame < frames; frame += 1) {
    for (let roi = 0; roi < rois; roi += 1) values[roi] = position(frame, frames, roi);
    store.add(START_US + frame * INTERVAL_US, values, NO_FLAGS);
  }
  return store;
}

function plotInput(store: CurveStore): PlotInput {
  const span = store.spanUs;
  return {
    title: "Bench",
    method: METHOD,
    frames: store.frames,
    spanMs: span === undefined ? undefined : [span[0] / 1000, span[1] / 1000],
    series: store.labels.map((label, roi) => ({ label, baselinePx: store.curve(roi).values[0], ...store.curve(roi) })),
    temperatures: [],
  };
}

/** Returns the processor milliseconds of adding 16 frames and drawing, after `frames` frames. */
async function plotReport(rois: number, frames: number): Promise<number> {
  const store = history(rois, frames);
  const values = new Float64Array(rois).fill(60);
  const times: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const started = process.cpuUsage();
    for (let i = 0; i < REPORT_FRAMES; i += 1) {
      store.add(START_US + (frames + round * REPORT_FRAMES + i) * INTERVAL_US, values, NO_FLAGS);
    }
    await renderPlot(plotInput(store));
    if (round > 0) times.push(cpuMs(started));
  }
  return median(times);
}

function outcome(outcomeId: number, labels: readonly string[], statistics: Float64Array): Outcome {
  const filled = (value: number) => new Float64Array(labels.length).fill(value);
  const capturedAtUs = START_US + outcomeId * INTERVAL_US;
  return {
    outcomeId,
    entryId: outcomeId,
    analysisId: 1,
    method: METHOD,
    labels,
    ok: true,
    errorCode: undefined,
    error: undefined,
    capturedAtUs,
    processedAtUs: capturedAtUs,
    filename: `image_${outcomeId}_cam0.png`,
    filepath: "/data",
    readings: [],
    measured: {
      position: filled(60.1234),
      standardError: filled(0.0123),
      quality: filled(0.98),
      flags: NO_FLAGS.slice(0, labels.length),
      statistics,
      brightness: 100,
      contrast: 50,
      values: undefined,
    },
  };
}

/** Returns the milliseconds of appending 16 frames of 644 ROIs to a file with `frames` frames, and µs per rewritten line. */
async function csvReport(frames: number): Promise<{ appendMs: number; usPerLine: number }> {
  const labels = labelsOf(644);
  const statistics = new Float64Array(644 * QUANTITIES[METHOD].length * STATISTICS.length).fill(12.345);
  let last = frames;
  const read = (cursor: number, limit: number) =>
    Array.from({ length: Math.max(0, Math.min(limit, last - cursor)) }, (_x, i) =>
      outcome(cursor + i + 1, labels, statistics),
    );
  const directory = mkdtempSync(join(tmpdir(), "phorest-bench-"));
  try {
    const path = join(directory, "bench.csv");
    const startedMs = performance.now();
    let state: CsvState = (await updateCsv(path, undefined, read)).state;
    const usPerLine = ((performance.now() - startedMs) * 1000) / (frames * labels.length);
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      last += REPORT_FRAMES;
      const roundMs = performance.now();
      state = (await updateCsv(path, state, read)).state;
      times.push(performance.now() - roundMs);
    }
    return { appendMs: median(times), usPerLine };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

await renderPlot(plotInput(history(2, 10)));
const short = await plotReport(12, 1000);
const middle = await plotReport(12, 10_000);
const long = await plotReport(12, LONG);
const few = await csvReport(16);
const many = await csvReport(800);
const render: Record<string, number> = {};
const renderCpu: Record<string, number> = {};
for (const rois of [1, 12, 20, 120, 322, 644]) {
  const input = plotInput(history(rois, 3000));
  const times: number[] = [];
  const cpuTimes: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const startedMs = performance.now();
    const startedCpu = process.cpuUsage();
    await renderPlot(input);
    times.push(performance.now() - startedMs);
    cpuTimes.push(cpuMs(startedCpu));
  }
  render[rois] = Math.round(median(times));
  renderCpu[rois] = Math.round(median(cpuTimes));
}
const addStartedMs = performance.now();
history(644, 3000);
const figures = {
  bench: "report",
  plotAfter1000CpuMs: Math.round(short),
  plotAfter10000CpuMs: Math.round(middle),
  [`plotAfter${LONG}CpuMs`]: Math.round(long),
  plotRatio: Number((long / short).toFixed(2)),
  csvAppend16FramesAfter16Ms: Math.round(few.appendMs),
  csvAppend16FramesAfter800Ms: Math.round(many.appendMs),
  csvRatio: Number((many.appendMs / few.appendMs).toFixed(2)),
  csvUsPerLine: Number(many.usPerLine.toFixed(1)),
  addUsPerFrameOf644: Math.round(((performance.now() - addStartedMs) * 1000) / 3000),
  renderMs: render,
  renderCpuMs: renderCpu,
};
for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(30)} ${JSON.stringify(value)}`);
console.log(JSON.stringify(figures));
