// The standard error of everything that is made of positions, against how much it scatters over many repetitions of one
// experiment. Positions are drawn by a generator of the test's own, each with its own standard error.
import { describe, expect, it } from "vitest";
import type { SensorgramSource } from "../../src/assay/curve-units.ts";
import { type SensorgramOptions, Sensorgrams } from "../../src/assay/sensorgrams.ts";
import { smooth } from "../../src/assay/smoothing.ts";
import type { WorkedSensorgram } from "../../src/assay/worked-sensorgram.ts";
import type { Analysis } from "../../src/manifest/analyses.ts";
import type { Sensorgram } from "../../src/manifest/results.ts";
import { FLAGS } from "../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { gauss } from "../analysis/gauss.ts";

const LABELS = ["010A_N", "010A_S", "011B_N", "011B_S", "130R_N", "130R_S", "131R_N", "131R_S"];
const FRAMES = 48;
const analysis: Analysis = {
  analysisId: 1,
  name: "joint",
  remeasuredAtUs: undefined,
  method: "joint",
  settings: "{}",
  kernelVersion: "1",
  roiManifestId: 1,
  labels: LABELS,
};
const rois = LABELS.map((label, at) => ({
  label,
  flip: label.endsWith("N"),
  x: 5,
  y: 40 * at,
  width: 181,
  height: 30,
}));
const roiManifest = parseRoiManifest(formatRoiManifest({ imageAngle: 0, rois }), "the test");

/** Each ROI and frame has an error of its own, px. */
const errorOf = (roi: number, frame: number) => 0.01 * (1 + 0.3 * Math.sin(3 * roi + frame)) * (roi === 2 ? 2 : 1);

interface World {
  readonly drift?: number;
  /** ROI and frame of doubtful points. */
  readonly flagged?: readonly (readonly [number, number])[];
  readonly unknown?: readonly (readonly [number, number])[];
}

/** One experiment: a frame a second. */
function experiment(random: () => number, { drift = 0, flagged = [], unknown = [] }: World = {}): SensorgramSource {
  const among = (list: readonly (readonly [number, number])[], roi: number, frame: number) =>
    list.some(([r, f]) => r === roi && f === frame);
  const curves = LABELS.map((_label, roi): Sensorgram => {
    const entryId = Float64Array.from({ length: FRAMES }, (_, frame) => frame + 1);
    return {
      entryId,
      capturedAtUs: entryId.map((entry) => entry * 1e6),
      position: entryId.map((_e, frame) => 60 + drift * frame + errorOf(roi, frame) * random()),
      standardError: entryId.map((_e, frame) => (among(unknown, roi, frame) ? Number.NaN : errorOf(roi, frame))),
      quality: entryId.map(() => 1),
      flags: Uint8Array.from(entryId, (_e, frame) => (among(flagged, roi, frame) ? FLAGS.jumped : 0)),
    };
  });
  return {
    results: { sensorgram: ({ roi }) => curves[roi] as Sensorgram },
    analyses: { roiManifest: () => roiManifest },
  };
}

const OPTIONS: SensorgramOptions = {
  isWanted: () => true,
  isReference: (label) => label.startsWith("13"),
  baseline: () => ({ fromUs: 0, toUs: 10.5e6 }),
  pairs: false,
  groups: undefined,
};

function worked(source: SensorgramSource, options: Partial<SensorgramOptions> = {}): WorkedSensorgram[] {
  return [...new Sensorgrams(source, analysis, { ...OPTIONS, ...options }).curves()];
}

interface Observed {
  readonly value: Float64Array;
  readonly error: Float64Array;
}

/**
 * Root mean square over frames of the scatter over repetitions divided by the stated error: 1 when errors are right. A frame
 * in which the value is certain (its error is zero) must be certain.
 */
function ratios(make: (random: () => number) => readonly Observed[], seed: number, repetitions = 1500): number[] {
  const random = gauss(seed);
  const sums: { value: Float64Array; square: Float64Array; variance: Float64Array }[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    make(random).forEach(({ value, error }, curve) => {
      const zero = () => new Float64Array(value.length);
      sums[curve] ??= { value: zero(), square: zero(), variance: zero() };
      const sum = sums[curve];
      value.forEach((one, at) => {
        sum.value[at] = (sum.value[at] as number) + one;
        sum.square[at] = (sum.square[at] as number) + one * one;
        sum.variance[at] = (sum.variance[at] as number) + (error[at] as number) ** 2 / repetitions;
      });
    });
  }
  return sums.map(({ value, square, variance }) => {
    let [total, count] = [0, 0];
    value.forEach((sum, at) => {
      const seen = ((square[at] as number) - (sum * sum) / repetitions) / (repetitions - 1);
      const stated = variance[at] as number;
      if (Number.isNaN(seen) && Number.isNaN(stated)) return;
      // Five standard errors of a variance over so many repetitions, and a little.
      const chance = 0.05 + 5 * Math.sqrt(2 / repetitions);
      expect(seen / stated, `frame ${at}`).toBeLessThan(1 + chance);
      expect(seen / stated, `frame ${at}`).toBeGreaterThan(1 - chance);
      total += seen / stated;
      count += 1;
    });
    expect(count).toBeGreaterThan(FRAMES / 4);
    return Math.sqrt(total / count);
  });
}

function expectRight(found: readonly number[]): void {
  for (const ratio of found) {
    expect(ratio).toBeGreaterThan(0.97);
    expect(ratio).toBeLessThan(1.03);
  }
}

const observed = (value: Float64Array | undefined, error: Float64Array | undefined): Observed => {
  if (value === undefined || error === undefined) throw new Error("there is no such curve");
  return { value, error };
};

describe("the standard errors of derived quantities are their scatter", () => {
  it("a shift: that of the position and of the level it counts from, which the baseline's frames are part of", () => {
    expectRight(
      ratios((random) => worked(experiment(random)).map(({ shift, errors }) => observed(shift, errors.shift)), 1),
    );
  });

  it("a referenced shift: also that of the references, of which one is compared with the others only", () => {
    expectRight(
      ratios(
        (random) => worked(experiment(random)).map(({ referenced, errors }) => observed(referenced, errors.referenced)),
        2,
      ),
    );
  });

  it("pairs: signal, movement and their references", () => {
    const make = (random: () => number) =>
      worked(experiment(random), { pairs: true }).flatMap(({ shift, movement, referenced, errors }) => [
        observed(shift, errors.shift),
        observed(movement, errors.movement),
        observed(referenced, errors.referenced),
      ]);
    expectRight(ratios(make, 3));
  });

  it("a double referenced shift: also that of the blank and its zero, whose frames are in the baseline too", () => {
    const blank = () => ({ window: { fromUs: 12.5e6, toUs: 25.5e6 }, injectionUs: 30.2e6 });
    const make = (random: () => number) =>
      worked(experiment(random), { blank }).map(({ doubleReferenced, errors }) =>
        observed(doubleReferenced, errors.doubleReferenced),
      );
    expectRight(ratios(make, 4));
  });

  it("what counts from flagged frames counts from the others", () => {
    const flagged = [
      [0, 3],
      [4, 20],
      [4, 21],
      [6, 4],
    ] as const;
    const make = (random: () => number) =>
      worked(experiment(random, { flagged })).map(({ referenced, errors }) => observed(referenced, errors.referenced));
    expectRight(ratios(make, 5));
  });

  it("a smooth curve and a refractive index", () => {
    const sensitivity = { pxPerRiu: 2500 };
    const make = (random: () => number) =>
      worked(experiment(random), { smoothFrames: 9, sensitivities: () => sensitivity }).flatMap(
        ({ smoothed, riu, errors }) => [observed(smoothed, errors.smoothed), observed(riu, errors.riu)],
      );
    // The robust weights follow the noise a little, which the errors do not know.
    for (const ratio of ratios(make, 6, 400)) {
      expect(ratio).toBeGreaterThan(0.93);
      expect(ratio).toBeLessThan(1.1);
    }
  });

  it.each([10.5e6, 9.5e6])(
    "a baseline that drifts farther than it scatters (to %d µs): that of the frames in its middle",
    (toUs) => {
      const make = (random: () => number) =>
        worked(experiment(random, { drift: 0.2 }), { baseline: () => ({ fromUs: 0, toUs }) }).map(({ shift, errors }) =>
          observed(shift.slice(12), errors.shift.slice(12)),
        );
      for (const ratio of ratios(make, 7, 800)) {
        expect(ratio).toBeGreaterThan(0.95);
        expect(ratio).toBeLessThan(1.05);
      }
    },
  );
});

describe("an error that is not known", () => {
  it("makes none of what depends on it", () => {
    const [own, , , , reference, other] = worked(experiment(gauss(8), { unknown: [[4, 30]] }));
    expect(own?.errors.shift[30]).toBeGreaterThan(0);
    expect(own?.errors.referenced?.[30]).toBeNaN();
    expect(own?.errors.referenced?.[31]).toBeGreaterThan(0);
    expect(reference?.errors.shift[30]).toBeNaN();
    expect(other?.errors.referenced?.[30]).toBeNaN();
  });

  it("in a baseline leaves the whole curve without, and all that it is subtracted from", () => {
    const [own, , , , reference, , last] = worked(experiment(gauss(8), { unknown: [[4, 3]] }));
    expect(reference?.errors.shift.every(Number.isNaN)).toBe(true);
    expect(own?.errors.shift[20]).toBeGreaterThan(0);
    expect(own?.errors.referenced?.every(Number.isNaN)).toBe(true);
    expect(last?.errors.referenced?.every(Number.isNaN)).toBe(true);
  });

  it("leaves a curve that has no reference in a frame without a number there", () => {
    const flagged = [4, 5, 6, 7].map((roi) => [roi, 20] as const);
    const [own] = worked(experiment(gauss(9), { flagged }));
    expect(own?.referenced?.[20]).toBeNaN();
    expect(own?.errors.referenced?.[20]).toBeNaN();
    expect(own?.errors.result[21]).toBeGreaterThan(0);
  });

  it("of a sensitivity adds what it makes of the shift; one without an error counts as exact", () => {
    const known = worked(experiment(gauss(10)), { sensitivities: () => ({ pxPerRiu: 2500, errorPxPerRiu: 250 }) })[0];
    const exact = worked(experiment(gauss(10)), { sensitivities: () => ({ pxPerRiu: 2500 }) })[0];
    known?.result.forEach((px, at) => {
      const error = known.errors.result[at] as number;
      expect(known.errors.riu?.[at]).toBeCloseTo(Math.hypot(error, 0.1 * px) / 2500, 12);
      expect(exact?.errors.riu?.[at]).toBeCloseTo(error / 2500, 12);
    });
  });

  it("of a smooth curve is that of its frames: from none there is none", () => {
    const [curve] = worked(experiment(gauss(11)));
    if (curve === undefined) throw new Error("there is no curve");
    const nothing = new Float64Array(FRAMES).fill(Number.NaN);
    const { timesUs, result: values, flags } = curve;
    const { errors } = smooth({ timesUs, values, flags }, 9, { own: nothing, level: nothing, overlap: nothing });
    expect(errors?.every(Number.isNaN)).toBe(true);
  });
});
