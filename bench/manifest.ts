// Measures the cost of the manifest: npx tsx bench/manifest.ts [--quick] [--dir DIR] [--only history|curve|capture]
// Prints one line per result, then all of them as one line of JSON. Needs about 4 GB in DIR (--quick: 0.4 GB) and removes it.
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { Manifest } from "../src/manifest/manifest.ts";
import type { StoredResult } from "../src/manifest/results.ts";
import { writeDurably } from "../src/system/files.ts";
import { answer, fillCurves, newManifest, PER_ROI, ROIS } from "./synthetic.ts";

const { values: options } = parseArgs({
  options: { quick: { type: "boolean" }, dir: { type: "string" }, only: { type: "string" } },
});
const QUICK = options.quick === true;
const BATCH = 16;

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

/** Adds `entries` finished entries with their outcomes, then `pending` waiting ones. */
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
        manifest.entries.claimPending(BATCH, 1).forEach((claim, i) => {
          manifest.complete(claim, analysisId, answers[i % answers.length] as StoredResult, 2);
        });
      });
      const counting = timed(() => manifest.history.counts());
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
    fillCurves(manifest, analysisId, answers, frames);
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
        const { position } = reader.results.sensorgram({ analysisId, roi });
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
    for (const curve of reader.curves.after(analysisId)) points += curve.position.length;
  });
  report("curves_ms", curvesMs, `${curvesMs.toFixed(0)} ms for all ${points} points`);
  const outcomesMs = timed(() => reader.outcomes.after(Math.floor(frames / 2), 64));
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
    manifest.entries.add({
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
