// Creates a manifest like that of a long experiment, without having to run one.
import { join } from "node:path";
import { MANIFEST_FILENAME, Manifest } from "../src/manifest/manifest.ts";
import type { StoredResult } from "../src/manifest/results.ts";
import { encodeStatistics } from "../src/manifest/statistics-codec.ts";
import { QUANTITIES, STATISTICS } from "../src/measurement/method.ts";

export const ROIS = 644;
export const PER_ROI = QUANTITIES.fano.length * STATISTICS.length;
const ROWS_PER_ROI = 74;
const FRAMES_PER_TRANSACTION = 64;
const FIRST_US = 1.7726e15;
const INTERVAL_US = 1e7;

/** Returns a reproducible stream of standard normal numbers. */
function normals(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Mean and spread over the rows of an ROI for each Fano quantity, as in pictures with a real chip's noise. */
const FANO_ROWS = [
  [80, 6],
  [0.6, 0.15],
  [90, 2.5],
  [12, 1.5],
  [60, 4],
  [5, 0.4],
] as const;

/** Returns one frame's result, with statistics computed from rows of noise, so that it compresses as badly as a real one. */
export function answer(seed: number): StoredResult {
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

export function newManifest(directory: string): { manifest: Manifest; analysisId: number; file: string } {
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
  const roiManifestId = manifest.analyses.ensureRoiManifest({ imageAngle: 0, rois, sha256: "bench", json: "{}" });
  const analysisId = manifest.analyses.ensure({
    method: "fano",
    settings: "{}",
    roiManifestId,
    kernelVersion: "bench",
  });
  return { manifest, analysisId, file };
}

/** Adds measured frames, ten seconds apart; their results are used in turn. */
export function fillCurves(
  manifest: Manifest,
  analysisId: number,
  answers: readonly StoredResult[],
  frames: number,
): void {
  for (let first = 0; first < frames; first += FRAMES_PER_TRANSACTION) {
    manifest.together(() => {
      const count = Math.min(FRAMES_PER_TRANSACTION, frames - first);
      for (let i = first; i < first + count; i += 1) addFrame(manifest, i);
      manifest.entries.claimPending(count, 1).forEach((claim, i) => {
        manifest.complete(claim, analysisId, answers[(first + i) % answers.length] as StoredResult, 2);
      });
    });
  }
}

/** Adds a captured, pending frame. */
export function addFrame(manifest: Manifest, number: number): void {
  manifest.entries.add({
    capturedAtUs: FIRST_US + number * INTERVAL_US,
    filename: `image_${number}_cam0.png`,
    bytes: 2_000_000,
  });
}
