// A real manifest in a temporary directory, filled with measured frames.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NewAnalysis } from "../../../src/manifest/analyses.ts";
import { MANIFEST_FILENAME, Manifest } from "../../../src/manifest/manifest.ts";
import { encodeStatistics } from "../../../src/manifest/statistics-codec.ts";
import { QUANTITIES, STATISTICS } from "../../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest, type Roi } from "../../../src/measurement/roi.ts";

export const START_US = Date.UTC(2026, 2, 4, 15, 20) * 1000;
const INTERVAL_US = 10_000_000;
const PER_ROI = QUANTITIES.gaussian.length * STATISTICS.length;

export interface Experiment {
  readonly manifest: Manifest;
  /** Adds measured frames; the numbers given fail. */
  add(frames: number, failing?: readonly number[]): void;
  /** What is added from now on is measured with ROIs `movedPx` further right, in reverse order. */
  findAgain(movedPx: number): void;
  /** Leaves out the times of so many frames. */
  skip(frames: number): void;
  /** The same with another version of the kernel, other settings (JSON), or another method. */
  measureWith(other: {
    readonly method?: "gaussian" | "centre";
    readonly kernelVersion?: string;
    readonly settings?: string;
  }): void;
  /** What is added from now on is also tracked, along with the method: by `px` more. */
  track(px: number): void;
  /** Measures all frames again as an analysis of this name; positions are `morePx` more. */
  remeasure(name: string, morePx: number): void;
}

/** Where an ROI's resonance is in a frame, px, unless a test says so. */
const rising = (roi: number, frame: number): number => 60 + roi + frame / 100;

const sound = (_roi: number, _frame: number): number => 0;

/** An experiment under `root` with its configuration file and `rois` ROIs. */
export function experiment(
  root: string,
  rois: number,
  positionOf = rising,
  errorPx = 0.01,
  flagsOf = sound,
): Experiment {
  const data = join(root, "data");
  mkdirSync(data, { recursive: true });
  writeFileSync(join(root, "config.toml"), "");
  const manifest = Manifest.open({ file: join(data, MANIFEST_FILENAME) });
  const places = Array.from({ length: rois }, (_x, i): Roi => {
    const grating = i >> 1;
    const label = `${String(grating).padStart(3, "0")}A_${i % 2 === 0 ? "N" : "S"}`;
    const x = 100 + (grating % 6) * 200;
    return {
      label,
      flip: i % 2 === 0,
      y: 100 + Math.floor(grating / 6) * 150 + (i % 2 === 0 ? 30 : 0),
      x,
      height: 30,
      width: 120,
    };
  });
  let movedPx = 0;
  let measuredWith: NewAnalysis = {
    ...{ method: "gaussian", settings: "{}", kernelVersion: "1" },
    roiManifestId: roiManifestOf(manifest, places),
  };
  let analysisId = manifest.analyses.ensure(measuredWith);
  let tracked: { readonly analysisId: number; readonly px: number } | undefined;
  let count = manifest.history.counts().total;
  const resultOf = (frame: number, moved: number, morePx = 0) => {
    // In reverse order once the chip was found again.
    const roiAt = (place: number) => (moved === 0 ? place : rois - 1 - place);
    const position = Float64Array.from({ length: rois }, (_x, place) => {
      const roi = roiAt(place);
      return positionOf(roi, frame) + morePx + (roi % 2 === 0 ? moved : -moved);
    });
    return {
      position,
      standardError: new Float64Array(rois).fill(errorPx),
      quality: new Float64Array(rois).fill(0.9),
      flags: Uint8Array.from({ length: rois }, (_x, place) => flagsOf(roiAt(place), frame)),
      statistics: encodeStatistics(new Float64Array(rois * PER_ROI).fill(frame), PER_ROI),
      brightness: 1,
      contrast: 1,
    };
  };
  const addOne = (fails: boolean) => {
    const capturedAtUs = START_US + count * INTERVAL_US;
    const filename = `image_${count}.png`;
    const readings = [
      { sensor: "Room air", value: 21 + count / 100, unit: "°C", takenAtUs: capturedAtUs, error: undefined },
    ];
    manifest.entries.add({ capturedAtUs, filename, readings });
    const [claim] = manifest.entries.claimPending(1, capturedAtUs);
    if (claim === undefined) throw new Error("the frame just added is not pending");
    if (fails) {
      manifest.fail(
        claim,
        { code: "frame.unreadable", message: "not a picture", retry: "never" },
        capturedAtUs,
        analysisId,
      );
    } else {
      const result = resultOf(count, movedPx);
      const companion = tracked && { ...resultOf(count, movedPx, tracked.px), analysisId: tracked.analysisId };
      manifest.complete(claim, analysisId, { ...result, companion }, capturedAtUs);
    }
    count += 1;
  };
  return {
    manifest,
    add: (frames, failing = []) => {
      for (let i = 0; i < frames; i += 1) addOne(failing.includes(i));
    },
    skip: (frames) => {
      count += frames;
    },
    findAgain: (px) => {
      movedPx = px;
      const moved = places.map((roi) => ({ ...roi, x: roi.x + px })).reverse();
      measuredWith = { ...measuredWith, roiManifestId: roiManifestOf(manifest, moved) };
      analysisId = manifest.analyses.ensure(measuredWith);
    },
    measureWith: (other) => {
      measuredWith = { ...measuredWith, ...other };
      analysisId = manifest.analyses.ensure(measuredWith);
    },
    track: (px) => {
      tracked = { analysisId: manifest.analyses.ensure({ ...measuredWith, method: "tracking" }), px };
      manifest.analyses.noteCompanion(analysisId, tracked.analysisId);
    },
    remeasure: (name, morePx) => {
      const nowUs = START_US + count * INTERVAL_US;
      const again = manifest.analyses.ensureAgain(
        { ...measuredWith, roiManifestId: roiManifestOf(manifest, places) },
        { name },
        nowUs,
      );
      for (const { entryId } of [...manifest.history.entries()])
        manifest.results.add(entryId, again, resultOf(entryId - 1, 0, morePx), nowUs);
    },
  };
}

function roiManifestOf(manifest: Manifest, rois: readonly Roi[]): number {
  return manifest.analyses.ensureRoiManifest(parseRoiManifest(formatRoiManifest({ imageAngle: 0, rois }), "the test"));
}
