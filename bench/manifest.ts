// What the manifest costs: npx tsx bench/manifest.ts [--quick] [--dir DIR] [--only history|curve|capture]
// Prints one line per figure, then all of them as one line of JSON. Needs about 4 GB in DIR (--quick: 0.4 GB) and removes it.
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { QUANTITIES, STATISTICS } from "../src/analysis/method.ts";
import { writeDurably } from "../src/files.ts";
import { MANIFEST_FILENAME, Manifest } from "../src/manifest/manifest.ts";
import type { StoredResult } from "../src/manifest/results.ts";
import { encodeStatistics } from "../src/manifest/statistics-codec.ts";

const { values: options } = parseArgs({
  options: { quick: { type: "boolean" }, dir: { type: "string" }, only: { type: "string" } },
});
const QUICK = options.quick === true;
const ROIS = 644;
const BATCH = 16;
const PER_ROI = QUANTITIES.fano.length * STATISTICS.length;
const ROWS_PER_ROI = 74;

const figures: Record<string, number> = {};

function report(name: string, value: number, text: string): void {
  figures[name] = Math.round(value * 1000) / 1000;
  process.stdout.write(`${name.padEnd(34)} ${text}\n`);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

function timed(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

/** A repeatable stream of standard normal numbers. */
function normals(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Mean and spread over the rows of an ROI of each Fano quantity, as on pictures of a real chip's noise. */
const FANO_ROWS = [
  [80, 6],
  [0.6, 0.15],
  [90, 2.5],
  [12, 1.5],
  [60, 4],
  [5, 0.4],
] as const;

/** One frame's answer, with statistics computed from rows of noise: what is stored is as hard to pack as the real thing. */
function answer(seed: number): StoredResult {
  const normal = normals(seed);
  const statistics = new Float64Array(ROIS * PER_ROI);
  const position = new Float64Array(ROIS);
  for (let roi = 0; roi < ROIS; roi += 1) {
    FANO_ROWS.forEach(([typical, spread], quantity) => {
      const centre = typical * (1 + 0.2 * normal());
      const rows = Float64Array.from({ length: ROWS_PER_ROI }, () => centre + spread * normal());
      statistics.set(statisticsOf(rows), roi * PER_ROI + quantity * STATISTICS.length);
      if (quantity === 2) position[roi] = centre + normal() / 100;
    });
  }
  return {
    position,
    standardError: Float64Array.from({ length: ROIS }, () => Math.abs(normal()) / 50),
    quality: Float64Array.from({ length: ROIS }, () => 1 - Math.abs(normal()) / 100),
    flags: new Uint8Array(ROIS),
    statistics: encodeStatistics(statistics, PER_ROI),
    brightness: 120.25,
    contrast: 80.5,
  };
}

function statisticsOf(rows: Float64Array): number[] {
  const mean = rows.reduce((sum, v) => sum + v, 0) / rows.length;
  const std = Math.sqrt(rows.reduce((sum, v) => sum + (v - mean) ** 2, 0) / rows.length);
  const steps = rows.slice(1).map((v, i) => v - (rows[i] ?? 0));
  const sorted = rows.slice().sort();
  const at = (q: number) => {
    const place = q * (sorted.length - 1);
    const low = sorted[Math.floor(place)] ?? 0;
    return low + ((sorted[Math.ceil(place)] ?? 0) - low) * (place % 1);
  };
  const roughness = Math.sqrt(steps.reduce((sum, v) => sum + v ** 2, 0) / steps.length) / (at(1) - at(0));
  return [mean, std, at(0.25), at(0.5), at(0.75), at(1), at(0), roughness].map((v) => Math.round(v * 1000) / 1000);
}

function newManifest(directory: string): { manifest: Manifest; analysisId: number; file: string } {
  const file = join(directory, MANIFEST_FILENAME);
  const manifest = Manifest.open({ file });
  const rois = Array.from({ length: ROIS }, (_, i) => ({
    label: `R${i}`,
    flip: i % 2 === 0,
    y: i,
    x: 0,
    height: 74,
    width: 181,
  }));
  const roiManifestId = manifest.ensureRoiManifest({ imageAngle: 0, rois, sha256: "bench", json: "{}" });
  const analysisId = manifest.ensureAnalysis({ method: "fano", settings: "{}", roiManifestId, kernelVersion: "bench" });
  return { manifest, analysisId, file };
}

/** Finished entries with their outcomes, `entries` of them, then `pending` waiting ones. */
function fillHistory(file: string, entries: number, pending: number): void {
  const db = new Database(file);
  db.pragma("synchronous = OFF");
  const insert = db.prepare(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @count)
    INSERT INTO entry (captured_at_us, directory, filename, bytes, sha256, settings, status, attempts, claim, data_transmitted)
    SELECT 1772600000000000 + (i + @from) * 10000000, '.', printf('image_%010d_cam0.png', i + @from), 2000000, hex(randomblob(32)),
      '{"exposure": 12.5, "gain": 1, "brightness": 0, "contrast": 1}', @status, 1, 1, @status = 'processed' FROM n`);
  db.transaction(() => {
    insert.run({ count: entries, from: 0, status: "processed" });
    insert.run({ count: pending, from: entries, status: "pending" });
    db.prepare(`
      INSERT INTO outcome (entry_id, analysis_id, ok, processed_at_us, brightness, contrast)
      SELECT id, 1, 1, captured_at_us, 100, 50 FROM entry WHERE status = 'processed'`).run();
  })();
  db.close();
}

function benchHistory(directory: string, answers: readonly StoredResult[]): void {
  const rounds = QUICK ? 10 : 24;
  const sizes = [1000, QUICK ? 100_000 : 1_000_000];
  const histories = sizes.map((entries) => {
    const place = mkdtempSync(join(directory, "history-"));
    const { manifest, analysisId, file } = newManifest(place);
    manifest.close();
    fillHistory(file, entries, (rounds + 4) * BATCH);
    return { entries, analysisId, manifest: Manifest.open({ file }), tookMs: [] as number[], countMs: [] as number[] };
  });
  for (let round = 0; round < rounds + 4; round += 1) {
    for (const { manifest, analysisId, tookMs, countMs } of round % 2 === 0 ? histories : histories.toReversed()) {
      const ms = timed(() => {
        manifest.claimPending(BATCH, 1).forEach((claim, i) => {
          manifest.complete(claim, analysisId, answers[i % answers.length] as StoredResult, 2);
        });
      });
      const counting = timed(() => manifest.counts());
      // The first rounds fill the caches.
      if (round >= 4) {
        tookMs.push(ms);
        countMs.push(counting);
      }
    }
  }
  const medians = histories.map(({ tookMs }) => quantile(tookMs, 0.5));
  histories.forEach(({ entries, manifest, tookMs, countMs }, i) => {
    const text = `${medians[i]?.toFixed(1)} ms median, ${quantile(tookMs, 0.9).toFixed(1)} ms p90 (claim 16 + complete 16 x ${ROIS} ROIs)`;
    report(`claim_complete_at_${entries}_ms`, medians[i] ?? Number.NaN, text);
    report(`counts_at_${entries}_ms`, quantile(countMs, 0.5), `${quantile(countMs, 0.5).toFixed(3)} ms`);
    manifest.close();
  });
  const ratio = (medians[1] ?? Number.NaN) / (medians[0] ?? Number.NaN);
  report("claim_complete_ratio", ratio, `${ratio.toFixed(2)} (at most 1.5)`);
}

function benchCurve(directory: string, answers: readonly StoredResult[]): void {
  const frames = QUICK ? 2000 : 26_000;
  const { manifest, analysisId, file } = newManifest(mkdtempSync(join(directory, "curve-")));
  const emptyBytes = statSync(file).size;
  const ms = timed(() => {
    for (let first = 0; first < frames; first += 64) {
      manifest.together(() => {
        const count = Math.min(64, frames - first);
        for (let i = first; i < first + count; i += 1) {
          manifest.addEntry({ capturedAtUs: 1.7726e15 + i * 1e7, filename: `image_${i}_cam0.png`, bytes: 2_000_000 });
        }
        manifest.claimPending(count, 1).forEach((claim, i) => {
          manifest.complete(claim, analysisId, answers[(first + i) % answers.length] as StoredResult, 2);
        });
      });
    }
  });
  report("fill_ms_per_frame", ms / frames, `${(ms / frames).toFixed(2)} ms a frame, 64 frames in a transaction`);
  manifest.close();
  const perRoi = (statSync(file).size - emptyBytes) / frames / ROIS;
  report(
    "bytes_per_roi_and_frame",
    perRoi,
    `${perRoi.toFixed(0)} bytes, all statistics of a Fano fit included (at most 250)`,
  );
  const reader = Manifest.open({ file, readonly: true });
  const tookMs: number[] = [];
  for (let roi = 3; roi < ROIS; roi += 53) {
    tookMs.push(
      timed(() => {
        const { position } = reader.sensorgram({ analysisId, roi });
        if (position.length !== frames) throw new Error(`${position.length} of ${frames} frames read`);
      }),
    );
  }
  const [firstMs = Number.NaN] = tookMs;
  report("sensorgram_first_ms", firstMs, `${firstMs.toFixed(0)} ms, the first after opening`);
  report(
    "sensorgram_ms",
    quantile(tookMs, 0.5),
    `${quantile(tookMs, 0.5).toFixed(0)} ms for one ROI over ${frames} frames x ${ROIS} ROIs (at most 100)`,
  );
  let points = 0;
  const curvesMs = timed(() => {
    for (const curve of reader.curves(analysisId)) points += curve.position.length;
  });
  report("curves_ms", curvesMs, `${curvesMs.toFixed(0)} ms for all ${points} points`);
  const outcomesMs = timed(() => reader.outcomesAfter(Math.floor(frames / 2), 64));
  report("outcome_read_ms", outcomesMs / 64, `${(outcomesMs / 64).toFixed(2)} ms a frame, everything known of it`);
  reader.close();
}

async function benchCapture(directory: string): Promise<void> {
  const place = mkdtempSync(join(directory, "capture-"));
  const { manifest } = newManifest(place);
  const picture = randomBytes(2_000_000);
  const raw: number[] = [];
  const small: number[] = [];
  const durable: number[] = [];
  const rows: number[] = [];
  for (let i = 0; i < (QUICK ? 15 : 60); i += 1) {
    raw.push(timed(() => writeAndSync(join(place, `raw-${i}`), picture)));
    small.push(timed(() => writeAndSync(join(place, `small-${i}`), picture.subarray(0, 4096))));
    const startMs = performance.now();
    await writeDurably(join(place, `image_${i}.png`), picture);
    const rowMs = performance.now();
    manifest.addEntry({
      capturedAtUs: 1.7726e15 + i,
      filename: `image_${i}.png`,
      filepath: place,
      bytes: picture.length,
    });
    durable.push(performance.now() - startMs);
    rows.push(performance.now() - rowMs);
  }
  manifest.close();
  const show = (values: readonly number[]) =>
    `${quantile(values, 0.5).toFixed(2)} ms median, ${quantile(values, 0.95).toFixed(2)} ms p95`;
  report("capture_ms", quantile(durable, 0.5), `${show(durable)}: 2 MB picture and its row, durable (at most 10)`);
  report("capture_row_ms", quantile(rows, 0.5), `${show(rows)}: the row alone`);
  report("file_system_2mb_ms", quantile(raw, 0.5), `${show(raw)}: the file system's own write + fsync of 2 MB`);
  report("file_system_4kb_ms", quantile(small, 0.5), `${show(small)}: the file system's own write + fsync of 4 kB`);
}

function writeAndSync(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, "w");
  writeSync(descriptor, bytes);
  fsyncSync(descriptor);
  closeSync(descriptor);
}

const directory = mkdtempSync(join(options.dir ?? tmpdir(), "phorest-bench-"));
try {
  const answers = Array.from({ length: 24 }, (_, i) => answer(i + 1));
  const packed = answers.reduce((sum, { statistics }) => sum + statistics.length, 0) / answers.length / ROIS;
  report("statistics_bytes_per_roi", packed, `${packed.toFixed(1)} bytes for ${PER_ROI} numbers`);
  if (options.only === undefined || options.only === "capture") await benchCapture(directory);
  if (options.only === undefined || options.only === "history") benchHistory(directory, answers);
  if (options.only === undefined || options.only === "curve") benchCurve(directory, answers);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify({ bench: "manifest", quick: QUICK, figures })}\n`);
