// Tests the analysis on pictures of each camera profile of the simulator: series of 16 reference frames and frames
// after known steps, measured through the analysis' own interface with default settings. Per method: rms error and bias of the
// position, scatter and bias of the shift from the reference frames, both in px, their errors over the claimed error, shares of
// frames without a number, with a flag, and wrong by more than five claimed errors without a flag.
// Run: npx tsx bench/profiles.ts [--seeds 2] [--first 1] [--line gaussian|fano|lorentzian] [--only PROFILE]
import { parseArgs } from "node:util";
import { linesAfter } from "../src/analysis/chosen-lines.ts";
import { analysePicture } from "../src/analysis/resonance.ts";
import type { AnalysisSettings } from "../src/analysis/settings.ts";
import { emptyReference, isComplete, referenceFrames, trackPicture } from "../src/analysis/tracking.ts";
import { parseConfig } from "../src/config/config.ts";
import { PROFILES, type ProfileName, SIMULATED_LINES } from "../src/config/simulation-section.ts";
import type { Picture } from "../src/image/picture.ts";
import type { FrameResult, Method } from "../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../src/measurement/roi.ts";
import { createSimulator, type Simulator, type SimulatorOptions } from "../src/simulator/simulator.ts";
import { analysisSettings } from "../src/stages/processor/analysis-settings.ts";

const REFERENCES = 16;
const STEPS = [0.25, 1, 3];
const FRAMES_PER_STEP = 4;
const METHODS = ["tracking", "joint", "gaussian"] as const satisfies readonly Method[];
/** Times before the sample arrives and while it is in the channel, s; its refractive index causes the step. */
const [BEFORE, WITHIN] = [0, 1000];
const BINDING = { shiftPx: 0, timeSeconds: 600, driftPxPerHour: 0 };

/** Views in which gratings fill the picture, µm on the chip. */
const VIEWS: Readonly<Record<ProfileName, SimulatorOptions>> = {
  ideal: {},
  scientific: {},
  pi64: { window: { x: -500, y: -500 } },
};

/** Groups of bands that are reported separately: those of pi64 range from 16 to 176 counts. */
const CLASSES: Readonly<
  Record<ProfileName, readonly { readonly name: string; readonly from: number; readonly to: number }[]>
> = {
  ideal: [{ name: "ideal", from: 0, to: Number.POSITIVE_INFINITY }],
  scientific: [{ name: "scientific", from: 0, to: Number.POSITIVE_INFINITY }],
  pi64: [
    { name: "pi64, 60 counts or more", from: 60, to: Number.POSITIVE_INFINITY },
    { name: "pi64, below 60 counts", from: 0, to: 60 },
  ],
};

const { values: given } = parseArgs({
  options: {
    seeds: { type: "string", default: "2" },
    first: { type: "string", default: "1" },
    line: { type: "string", default: "gaussian" },
    only: { type: "string", default: "" },
  },
});
const line = SIMULATED_LINES.find((one) => one === given.line) ?? "gaussian";

/** Returns the default settings with another method, for every pixel row. */
function settingsOf(method: Method): AnalysisSettings {
  const { config } = parseConfig(`[Data_Analysis]\nmethod = "${method}"\nnumber_of_subROIs = 0\n`, "/");
  return analysisSettings(config, undefined).settings;
}

/** Returns a function that measures pictures one after the other as a run does: choices from the first frames are kept. */
function measurer(method: Method, simulator: Simulator): (picture: Picture) => FrameResult {
  const rois = parseRoiManifest(formatRoiManifest(simulator.roiManifest()), "simulated");
  const settings = settingsOf(method);
  let lines: Uint8Array | undefined;
  let reference = emptyReference(rois);
  return (picture) => {
    if (method !== "tracking") {
      const result = analysePicture(picture, rois, settings, { lines: { joint: lines } });
      lines = linesAfter(lines, settings, result) ?? lines;
      return result;
    }
    const answer = trackPicture(picture, rois, settings, reference, { lines: { tracking: lines } });
    reference = answer.reference ?? reference;
    const choosing = {
      isSound: (roi: number) => referenceFrames(reference, roi) > 0,
      closing: isComplete(reference, settings.referenceFrames ?? REFERENCES),
    };
    lines = linesAfter(lines, settings, answer.result, choosing) ?? lines;
    return answer.result;
  };
}

/** One ROI in one frame. */
interface Sample {
  readonly amplitude: number;
  /** Error of the position, and of its change since the reference frames, px. */
  readonly absolute: number;
  readonly shift: number;
  readonly claimed: number;
  readonly flagged: boolean;
}

type Samples = Map<string, Sample[]>;

/** Collects all samples of one simulated chip, by step and method. */
function follow(profile: ProfileName, seed: number, samples: Samples): void {
  const made = (bulkPx: number) =>
    createSimulator({ profile, line, seed, ...VIEWS[profile], binding: { ...BINDING, bulkPx } });
  const still = made(0);
  const truths = [...still.truth(BEFORE).values()];
  const measures = METHODS.map((method) => measurer(method, still));
  const level = METHODS.map(() => new Float64Array(truths.length));
  for (let frame = 0; frame < REFERENCES; frame++) {
    const picture = still.render(BEFORE, frame);
    measures.forEach((measure, m) => {
      measure(picture).position.forEach((at, roi) => {
        const mean = level[m] as Float64Array;
        mean[roi] = (mean[roi] as number) + at / REFERENCES;
      });
    });
  }
  STEPS.forEach((step, nth) => {
    const moved = made(step);
    const after = [...moved.truth(WITHIN).values()];
    for (let frame = 0; frame < FRAMES_PER_STEP; frame++) {
      const picture = moved.render(WITHIN, 1000 * (nth + 1) + frame);
      measures.forEach((measure, m) => {
        const { position, standardError, flags } = measure(picture);
        const key = `${step} ${METHODS[m]}`;
        const list = samples.get(key) ?? [];
        samples.set(key, list);
        after.forEach((truth, roi) => {
          const at = position[roi] as number;
          const before = truths[roi]?.resonance ?? Number.NaN;
          list.push({
            amplitude: truth.amplitude,
            absolute: at - truth.resonance,
            shift: at - ((level[m] as Float64Array)[roi] as number) - (truth.resonance - before),
            claimed: standardError[roi] as number,
            flagged: flags[roi] !== 0,
          });
        });
      });
    }
  });
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Returns the numbers of a table line; flagged samples are counted separately. */
function worthOf(all: readonly Sample[], method: Method): string {
  const known = all.filter(({ shift, flagged }) => Number.isFinite(shift) && !flagged);
  const shifts = known.map(({ shift }) => shift);
  const bias = mean(shifts);
  // Tracking states the error of a shift; the other methods state that of a position, most of which is constant and due to
  // speckle.
  const error = (one: Sample) => (method === "tracking" ? one.shift : one.absolute);
  const share = (of: readonly Sample[]) => (of.length / all.length).toFixed(3);
  return [
    rootMeanSquare(known.map(({ absolute }) => absolute)).toFixed(3),
    mean(known.map(({ absolute }) => absolute)).toFixed(3),
    rootMeanSquare(shifts.map((shift) => shift - bias)).toFixed(4),
    bias.toFixed(4),
    mean(known.map(({ claimed }) => claimed)).toFixed(4),
    rootMeanSquare(known.map((one) => error(one) / one.claimed)).toFixed(2),
    share(all.filter(({ shift }) => !Number.isFinite(shift))),
    share(all.filter(({ flagged }) => flagged)),
    share(known.filter((one) => Math.abs(error(one)) > 5 * one.claimed)),
  ].join(" | ");
}

process.stdout.write(
  `bands: ${line}\n\n| pictures | step, px | method | position rms | bias | shift scatter | bias | claimed | error / claimed | none | flagged | false |\n`,
);
process.stdout.write(`|${"---|".repeat(12)}\n`);
for (const profile of PROFILES.filter((one) => one.includes(given.only))) {
  const samples: Samples = new Map();
  for (let nth = 0; nth < Number(given.seeds); nth++) follow(profile, Number(given.first) + nth, samples);
  for (const { name, from, to } of CLASSES[profile]) {
    for (const step of STEPS) {
      for (const method of METHODS) {
        const all = (samples.get(`${step} ${method}`) ?? []).filter(
          (one) => one.amplitude >= from && one.amplitude < to,
        );
        process.stdout.write(`| ${name} | ${step} | ${method} | ${worthOf(all, method)} |\n`);
      }
    }
  }
}
