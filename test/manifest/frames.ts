// Frames, analyses and results for the tests of this room and the processes they start.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MANIFEST_FILENAME, type Manifest } from "../../src/manifest/manifest.ts";
import type { StoredResult } from "../../src/manifest/results.ts";
import { encodeStatistics } from "../../src/manifest/statistics-codec.ts";

/** 2026-03-04T05:06:07.089123Z */
export const NOON_US = 1_772_600_767_089_123;
export const LABELS = ["130A_N", "130A_S", "131A_N"];

export function manifestFile(directory: string): string {
  return join(directory, MANIFEST_FILENAME);
}

/** An entry whose (tiny) picture exists. */
export function addFrame(manifest: Manifest, directory: string, number: number): number {
  const filename = frameName(number);
  writeFileSync(join(directory, filename), "picture");
  return manifest.entries.add({ filename, filepath: directory, capturedAtUs: NOON_US + number * 1e6, bytes: 7 });
}

export function frameName(number: number): string {
  return `image_${String(number).padStart(4, "0")}.png`;
}

export function ensureAnalysis(manifest: Manifest, settings = "{}"): number {
  const rois = LABELS.map((label, i) => ({ label, flip: i % 2 === 0, y: 10 * i, x: 5, height: 74, width: 181 }));
  const roiManifestId = manifest.analyses.ensureRoiManifest({
    imageAngle: 1.5,
    rois,
    sha256: "hash of three ROIs",
    json: "{}",
  });
  return manifest.analyses.ensure({ method: "gaussian", settings, roiManifestId, kernelVersion: "1" });
}

/** A result whose numbers all follow from `seed`. */
export function resultOf(seed: number, changes: Partial<StoredResult> = {}): StoredResult {
  const rois = LABELS.length;
  return {
    position: Float64Array.from({ length: rois }, (_, roi) => seed + roi / 10),
    standardError: new Float64Array(rois).fill(0.01),
    quality: new Float64Array(rois).fill(0.9),
    flags: new Uint8Array(rois),
    statistics: encodeStatistics(
      Float64Array.from({ length: rois * 40 }, (_, i) => Math.round((seed + i) * 1000) / 1000),
      40,
    ),
    brightness: 100.25,
    contrast: 50.5,
    ...changes,
  };
}
