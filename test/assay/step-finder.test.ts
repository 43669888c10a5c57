// How often a step is found where there is one, and where there is none: each with noise, drift, spikes and a bubble.
import { expect, test } from "vitest";
import { StepFinder } from "../../src/assay/step-finder.ts";
import { normal } from "../support/normal.ts";

const EXPERIMENTS = 40;
const FRAMES = 200;
/** Frames that a bubble takes to pass. */
const BUBBLE = 4;

/** In noises of one frame. */
interface Made {
  readonly rois: number;
  /** Per frame; of each ROI from half to one and a half of it. */
  readonly drift?: number;
  /** Part of the noise that all ROIs share. */
  readonly shared?: number;
  /** Share of wild values. */
  readonly spikes?: number;
  /** Frame at which a bubble begins. */
  readonly bubble?: number;
  readonly step?: { readonly at: number; readonly size: number; readonly part?: number; readonly frames?: number };
}

/** Index of the first frame after the step that is found; undefined where none is. */
function found({ rois, drift = 0, shared = 0, spikes = 0, bubble = -BUBBLE, step }: Made, seed: number) {
  const random = normal(seed);
  const noisePx = 0.02;
  const starts = Array.from({ length: rois }, () => 50 + 3 * random());
  const drifts = starts.map(() => drift * (1 + 0.25 * random()));
  const finder = new StepFinder();
  for (let frame = 0; frame < FRAMES; frame += 1) {
    const common = random();
    const wild = frame >= bubble && frame < bubble + BUBBLE ? 80 : 0;
    const position = starts.map((start, roi) => {
      const noise = shared * common + Math.sqrt(1 - shared ** 2) * random();
      const spike = Math.abs(random()) < 1.25 * spikes ? 40 * random() : 0;
      return (
        start + noisePx * ((drifts[roi] as number) * frame + noise + spike + wild + stepOf(step, frame, roi / rois))
      );
    });
    const at = finder.add(position);
    if (at !== undefined) return at;
  }
  return undefined;
}

function stepOf(step: Made["step"], frame: number, place: number): number {
  if (step === undefined || frame < step.at || place >= (step.part ?? 1)) return 0;
  return step.frames === undefined ? step.size : step.size * (1 - Math.exp(-(frame - step.at + 1) / step.frames));
}

const rateOf = (made: Made, isSo: (at: number | undefined) => boolean): number =>
  Array.from({ length: EXPERIMENTS }, (_, seed) => found(made, seed + 1)).filter(isSo).length / EXPERIMENTS;

test.each<[string, Made]>([
  ["noise", { rois: 60 }],
  ["noise of few ROIs", { rois: 8 }],
  ["drift", { rois: 60, drift: 0.1 }],
  ["strong drift", { rois: 60, drift: 1 }],
  ["noise that all ROIs share", { rois: 60, shared: 0.9 }],
  ["drift, spikes and a bubble", { rois: 60, drift: 0.1, spikes: 0.02, bubble: 100 }],
  ["an ROI that steps alone", { rois: 60, step: { at: 100, size: 100, part: 0.02 } }],
])("no step is found in %s", (_name, made) => {
  expect(rateOf(made, (at) => at !== undefined)).toBeLessThanOrEqual(0.05);
});

test.each<[string, Made, number]>([
  ["three noises", { rois: 60, step: { at: 100, size: 3 } }, 5],
  [
    "five noises on a drift with spikes and a bubble",
    { rois: 60, drift: 0.1, spikes: 0.02, bubble: 50, step: { at: 100, size: 5 } },
    3,
  ],
  ["five noises where all ROIs share a part of theirs", { rois: 60, shared: 0.4, step: { at: 100, size: 5 } }, 3],
  ["a third of the ROIs", { rois: 60, step: { at: 100, size: 8, part: 0.35 } }, 3],
  ["few frames before it", { rois: 60, step: { at: 8, size: 30 } }, 1],
  ["a slow binding", { rois: 60, step: { at: 80, size: 60, frames: 30 } }, 5],
])("a step of %s is found, to a few frames", (_name, made, frames) => {
  const at = made.step?.at ?? 0;
  expect(rateOf(made, (frame) => frame !== undefined && Math.abs(frame - at) <= frames)).toBeGreaterThanOrEqual(0.95);
});

test("frames without a position do not count", () => {
  const finder = new StepFinder();
  for (let frame = 0; frame < 100; frame += 1) expect(finder.add(new Float64Array(3).fill(Number.NaN))).toBeUndefined();
  expect(new StepFinder().add([])).toBeUndefined();
});
