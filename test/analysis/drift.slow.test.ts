import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  alignedShift,
  type DriftReference,
  decodeDriftReference,
  driftReference,
  encodeDriftReference,
  hasMovedTooFar,
  measureDrift,
} from "../../src/analysis/drift.ts";
import { ReferenceSequencer } from "../../src/analysis/reference-sequencer.ts";
import { encodePicture } from "../../src/image/encode.ts";
import type { Picture } from "../../src/image/picture.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { medianOf } from "../../src/measurement/statistics.ts";
import { createSimulator, type SimulatorOptions } from "../../src/simulator/simulator.ts";
import { experiment, phorest } from "../run/program.ts";
import { TIME_TO_STOP } from "../support/time-to-stop.ts";

const FIXED = { shiftPx: 0, bulkPx: 0, driftPxPerHour: 0 };
const CENTRE_PX = { width: 1920, height: 1460 };

function simulated(options: SimulatorOptions) {
  const simulator = createSimulator({ ...CENTRE_PX, ...options });
  return { simulator, rois: parseRoiManifest(formatRoiManifest(simulator.roiManifest()), "the simulator") };
}

function referenceOf(picture: Picture, rois: ReturnType<typeof simulated>["rois"]): DriftReference {
  const reference = driftReference(picture, rois);
  if (reference === undefined) throw new Error("the picture has nothing to hold on to");
  return reference;
}

describe("the chip's movement in the picture", () => {
  it("is found to a few hundredths of a pixel over a whole binding curve, which moves every resonance", () => {
    const { simulator, rois } = simulated({ driftPxPerHour: { x: 5, y: -3 } });
    const reference = referenceOf(simulator.render(0, 0), rois);
    for (const seconds of [0, 600, 1500, 2700, 3600]) {
      const found = measureDrift(simulator.render(seconds, seconds), reference);
      if (found === undefined) throw new Error(`not found after ${seconds} s`);
      const { x, y } = alignedShift(rois.imageAngle, found);
      expect(Math.abs(x - (5 * seconds) / 3600)).toBeLessThan(0.04);
      expect(Math.abs(y + (3 * seconds) / 3600)).toBeLessThan(0.04);
      expect(Math.abs(found.turnDegrees)).toBeLessThan(0.002);
      expect(found.errorPx).toBeLessThan(0.02);
    }
  });

  it("is found across 20 px, with other light, and with a third of the patches covered", () => {
    const { simulator, rois } = simulated({ driftPxPerHour: { x: -20, y: 18 }, binding: FIXED });
    const reference = referenceOf(simulator.render(0, 0), rois);
    const late = simulator.render(3600, 1);
    const pixels = Uint8Array.from(late.pixels, (value) => Math.round(20 + 0.6 * value));
    for (let patch = 0; patch < reference.places.length / 2; patch += 3) {
      const [x, y] = [reference.places[2 * patch] ?? 0, reference.places[2 * patch + 1] ?? 0];
      for (let row = y - 24; row < y + 24; row++) pixels.fill(90, row * late.width + x - 24, row * late.width + x + 24);
    }
    const found = measureDrift({ ...late, pixels }, reference);
    const { x, y } = alignedShift(rois.imageAngle, found ?? { dx: 0, dy: 0 });
    expect(Math.abs(x + 20)).toBeLessThan(0.06);
    expect(Math.abs(y - 18)).toBeLessThan(0.06);
  });

  it("has its turn in the sense of the image angle", () => {
    const [before, after] = [0.3, 0.35].map((angleDegrees) =>
      simulated({ angleDegrees, binding: FIXED, noise: { speckle: 0 } }),
    );
    if (before === undefined || after === undefined) throw new Error("two chips were simulated");
    const reference = referenceOf(before.simulator.render(0, 0), before.rois);
    const found = measureDrift(after.simulator.render(0, 1), reference);
    expect(found?.turnDegrees).toBeCloseTo(0.05, 2);
  });

  it("is unknown without anything printed in view, on another size, and on a picture of something else", () => {
    const { simulator, rois } = simulated({});
    const blank = { width: 640, height: 480, bitDepth: 8, pixels: new Uint8Array(640 * 480).fill(50) } as const;
    expect(driftReference(blank, rois)).toBeUndefined();
    const picture = simulator.render(0, 0);
    const reference = referenceOf(picture, rois);
    expect(measureDrift(blank, reference)).toBeUndefined();
    expect(
      measureDrift({ ...picture, pixels: new Uint8Array(picture.pixels.length).fill(50) }, reference),
    ).toBeUndefined();
  });

  it("is found again with a reference that was stored, 8 and 16 bit", () => {
    for (const bitDepth of [8, 16] as const) {
      const { simulator, rois } = simulated({ bitDepth, driftPxPerHour: { x: 1, y: 0 } });
      const reference = referenceOf(simulator.render(0, 0), rois);
      expect(decodeDriftReference(encodeDriftReference(reference))).toEqual(reference);
    }
  });

  it("is too far at a tenth of an ROI, or nearly out of reach where ROIs follow", () => {
    const { rois } = simulated({});
    const moved = (dx: number, dy: number) => ({ dx, dy, turnDegrees: 0, errorPx: 0.01, patches: 50 });
    const far = [moved(15, 0), moved(20, 0), moved(0, 6), moved(0, 9)];
    expect(far.map((one) => hasMovedTooFar(one, rois, false))).toEqual([false, true, false, true]);
    expect(far.map((one) => hasMovedTooFar(one, rois, true))).toEqual([false, true, false, false]);
  });
});

describe("the reference of an analysis", () => {
  it("is made of one frame while the others wait, and of the next one where that failed", async () => {
    const settings = {
      method: "gaussian",
      subRois: 1,
      sampling: "precise",
      bitDepthScaling: "stretch",
      debug: false,
    } as const;
    const sequencer = new ReferenceSequencer({ settings, measuresDrift: true });
    const seen: string[] = [];
    const task = (name: string, ok: boolean) =>
      sequencer.run((turn) =>
        turn.measure(async ({ drift }) => {
          seen.push(`${name} ${drift === "make" ? "makes" : drift?.length}`);
          await new Promise((tick) => setTimeout(tick, 5));
          if (!ok) return { ok, failure: { code: "frame.unreadable", message: "bad", retry: "never" } };
          const made = drift === "make" ? { driftReference: new Uint8Array(3) } : {};
          return { ok, answer: {} as never, decodeMs: 0, measureMs: 0, ...made };
        }),
      );
    await Promise.all([task("a", false), task("b", true), task("c", true)]);
    expect(seen).toEqual(["a makes", "b makes", "c 3"]);
  });
});

const FRAMES = 11;

/** A run over stored pictures of a chip that moves by 5 px and whose resonances stand still; in its own directory. */
async function run(track: boolean): Promise<{ directory: string; slopes: Float64Array; steps: number[] }> {
  const { simulator, rois } = simulated({ driftPxPerHour: { x: 5, y: 1 }, binding: FIXED });
  const directory = experiment(
    `[Web]\nenabled = false\n[Report]\nplot = false\n[Services]\nenable_camera = true\n[Camera]\ncamera_type = "file_importer"\n[Data_Analysis]\nmethod = "fano"\nnumber_of_subROIs = 0\ntrack_drift = ${track}\n${TIME_TO_STOP}`,
  );
  mkdirSync(join(directory, "data"));
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, "generated_files/ROI_manifest.json"), formatRoiManifest(rois));
  for (let frame = 0; frame < FRAMES; frame++) {
    const name = `image_20260304_1500${String(frame).padStart(2, "0")}_000000_cam0.png`;
    const bytes = await encodePicture(simulator.render(frame * 360, frame), "png");
    writeFileSync(join(directory, "data", name), bytes);
    // In two runs, so that the second one goes on with the reference of the first.
    if (frame === 3 || frame === FRAMES - 1) {
      expect((await phorest(["run", "--until-idle"], directory)).code).toBe(0);
    }
  }
  const manifest = Manifest.open({ file: join(directory, "data", MANIFEST_FILENAME), readonly: true });
  try {
    const analyses = manifest.analyses.all();
    expect(analyses).toHaveLength(1);
    const analysisId = analyses[0]?.analysisId ?? 0;
    const steps = manifest.displacements.of(analysisId).map((one) => alignedShift(rois.imageAngle, one).x);
    const slopes = rois.rois.map((_, roi) => {
      const { position, flags } = manifest.results.sensorgram({ analysisId, roi });
      return flags.some((bits) => bits !== 0) ? Number.NaN : slopeOf(position) / 0.5;
    });
    return { directory, slopes: Float64Array.from(slopes), steps };
  } finally {
    manifest.close();
  }
}

/** px per frame. */
function slopeOf(values: Float64Array): number {
  const middle = (values.length - 1) / 2;
  let [sum, norm] = [0, 0];
  values.forEach((value, i) => {
    sum += (i - middle) * value;
    norm += (i - middle) ** 2;
  });
  return sum / norm;
}

describe("a run over a chip that moves by 5 px while its resonances stand still", () => {
  it("gives flat sensorgrams where ROIs follow the chip, and tilted ones where they do not", async () => {
    const [followed, left] = [await run(true), await run(false)];
    for (const { steps } of [followed, left]) {
      expect(steps).toHaveLength(FRAMES);
      steps.forEach((x, frame) => {
        expect(Math.abs(x - frame / 2)).toBeLessThan(0.05);
      });
    }
    const size = (slopes: Float64Array) => medianOf(slopes.map(Math.abs));
    expect(followed.slopes.filter((slope) => !Number.isNaN(slope)).length).toBeGreaterThan(100);
    // px of the sensorgram per px of drift.
    expect(size(followed.slopes)).toBeLessThan(0.02);
    expect(Math.abs(medianOf(followed.slopes))).toBeLessThan(0.02);
    expect(size(left.slopes)).toBeGreaterThan(0.5);
  });
});
