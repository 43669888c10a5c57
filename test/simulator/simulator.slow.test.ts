import { describe, expect, it } from "vitest";
import { measure } from "../../src/analysis/kernel.ts";
import { SIMULATED_LINES, type SimulatedLine } from "../../src/config/simulation-section.ts";
import { POSITION_COLUMN, QUANTITIES } from "../../src/measurement/method.ts";
import { bindingShiftPx, cycleSeconds } from "../../src/simulator/binding.ts";
import { createSimulator, type Simulator, type SimulatorOptions } from "../../src/simulator/simulator.ts";

const NOISE_FREE: SimulatorOptions = {
  noise: { speckle: 0, readCounts: 0, electronsPerCount: Number.POSITIVE_INFINITY },
  dust: 0,
  vignetting: 0,
};
const SMALL: SimulatorOptions = { width: 640, height: 480 };

function median(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Median resonance of every ROI, as the analysis measures it by a row fit. */
function measured(
  simulator: Simulator,
  elapsedSeconds: number,
  frame: number,
  method: "gaussian" | "fano" = "gaussian",
): number[] {
  const { pixels, width, height } = simulator.render(elapsedSeconds, frame);
  const { imageAngle, rois } = simulator.roiManifest();
  const answer = measure({
    pixels,
    width,
    height,
    angleDegrees: imageAngle,
    rois: Float64Array.from(rois.flatMap((roi) => [roi.y, roi.x, roi.height, roi.width, roi.flip ? 1 : 0])),
    method,
    subRois: 0,
    sampling: "precise",
    bitDepthScaling: "fixed",
  });
  return rois.map((_, i) => {
    const [from = 0, to = 0] = answer.rowStart.slice(i, i + 2);
    const [count, column] = [QUANTITIES[method].length, POSITION_COLUMN[method]];
    return median(
      Array.from({ length: to - from }, (_, row) => answer.columns[(from + row) * count + column] ?? Number.NaN),
    );
  });
}

describe("the simulated chip", () => {
  it("gives the same picture for the same seed, moment and frame number, and another one for any other", () => {
    const picture = (options: SimulatorOptions, elapsed: number, frame: number) =>
      Buffer.from(createSimulator({ ...SMALL, ...options }).render(elapsed, frame).pixels);
    const first = picture({}, 100, 3);
    expect(picture({}, 100, 3).equals(first)).toBe(true);
    expect(picture({}, 100, 4).equals(first)).toBe(false);
    expect(picture({}, 400, 3).equals(first)).toBe(false);
    expect(picture({ seed: 2 }, 100, 3).equals(first)).toBe(false);
  });

  it("shows 64 whole gratings and four labels by default, and all 644 ROIs in a large picture", () => {
    const usual = createSimulator();
    expect(usual.roiManifest().rois).toHaveLength(128);
    const { pxPerUm, offsetX, offsetY, width, height } = usual.placement;
    const shown = usual.chip.labels.filter(({ text, x, y, width: w, height: h }) => {
      const [left, top] = [offsetX + pxPerUm * x, offsetY + pxPerUm * y];
      return text !== "" && left > 0 && top > 0 && left + pxPerUm * w < width && top + pxPerUm * h < height;
    });
    expect(shown.map((label) => label.label)).toEqual(["2-Large", "B-Left", "2-Top", "3-Top"]);
    const large = createSimulator({ width: 9152, height: 6944 }).roiManifest().rois;
    expect(large).toHaveLength(644);
    expect(large[0]).toMatchObject({ width: 353, height: 144 });
  });

  /** A line of height 1 and no ground, as docs/kernel.md has it. */
  const SHAPES: Record<SimulatedLine, (t: number, s: number) => number> = {
    gaussian: (t) => Math.exp(-(t ** 2) / 2),
    lorentzian: (t) => 1 / (1 + t ** 2),
    fano: (t, s) => (1 + s * t) / (1 + t ** 2),
  };

  it.each(SIMULATED_LINES)("draws exactly the %s line that its truth states, flipped in the lower half", (line) => {
    const simulator = createSimulator({ ...NOISE_FREE, angleDegrees: 0, bitDepth: 16, line });
    const { pixels, width } = simulator.render(500, 0);
    const truths = simulator.truth(500);
    for (const roi of simulator.roiManifest().rois.slice(0, 12)) {
      const truth = truths.get(roi.label);
      if (truth === undefined) throw new Error(`no truth for ${roi.label}`);
      expect(truth.line).toBe(line);
      const s = line === "fano" ? (2 * truth.q) / (truth.q ** 2 - 1) : 0;
      // The median row lies between two rows of an ROI of even height: their mean has no tilt left.
      const rows = [Math.floor((roi.height - 1) / 2), Math.ceil((roi.height - 1) / 2)];
      for (const column of [20, 60, 90, 140]) {
        const x = roi.flip ? roi.x + roi.width - 1 - column : roi.x + column;
        const counts = rows.reduce((sum, row) => sum + (pixels[(roi.y + row) * width + x] ?? 0) / 257 / 2, 0);
        const light = truth.amplitude * SHAPES[line]((column - truth.resonance) / truth.width, s);
        expect(Math.abs(counts - truth.background - light), `${roi.label} column ${column}`).toBeLessThan(0.05);
      }
    }
  });

  it("draws Gaussian bands unless told otherwise", () => {
    const lines = [...createSimulator(SMALL).truth(0).values()].map(({ line }) => line);
    expect(new Set(lines)).toEqual(new Set(["gaussian"]));
  });

  it.each([
    ["upright", { angleDegrees: 0 }],
    ["turned by 1.5 degrees", { angleDegrees: 1.5 }],
    ["turned by -20 degrees, 16 bit", { angleDegrees: -20, bitDepth: 16 }],
    ["of Fano bands", { line: "fano" }],
  ] as const)("is measured where its truth says when noise-free and %s", (_, options) => {
    const simulator = createSimulator({ ...NOISE_FREE, ...options });
    const truth = [...simulator.truth(900).values()];
    const method = "line" in options ? options.line : "gaussian";
    const errors = measured(simulator, 900, 1, method).map((at, i) => Math.abs(at - (truth[i]?.resonance ?? 0)));
    expect(median(errors)).toBeLessThan(0.1);
  });

  it("is measured to well under a pixel with noise, and movement follows the binding curve", () => {
    const simulator = createSimulator({ driftPxPerHour: { x: 1, y: 0.5 } });
    const before = measured(simulator, 0, 0);
    const after = measured(simulator, 1500, 1);
    const [start, end] = [[...simulator.truth(0).values()], [...simulator.truth(1500).values()]];
    const absolute = after.map((position, i) => Math.abs(position - (end[i]?.resonance ?? 0)));
    expect(median(absolute)).toBeLessThan(0.6);
    const moved = end.map((truth, i) => truth.resonance - (start[i]?.resonance ?? 0));
    const relative = after.map((position, i) => Math.abs(position - (before[i] ?? 0) - (moved[i] ?? 0)));
    expect(median(relative)).toBeLessThan(0.3);
    expect(Math.max(...moved)).toBeGreaterThan(3);
  });

  it("has references that only show bulk and drift, and two halves of a grating that move the same way", () => {
    const simulator = createSimulator();
    const truths = [...simulator.truth(1800)];
    const references = truths.filter(([, truth]) => truth.reference);
    expect(references.length).toBeGreaterThan(3);
    expect(references.length).toBeLessThan(truths.length / 3);
    for (const [, truth] of references) expect(truth.shift).toBeCloseTo(0.4 + 0.01, 2);
    const of = (label: string) => simulator.truth(1800).get(label)?.shift ?? Number.NaN;
    const pairs = truths.filter(([label]) => label.endsWith("_N")).map(([label]) => label.slice(0, -2));
    for (const pair of pairs) expect(Math.abs(of(`${pair}_N`) - of(`${pair}_S`))).toBeLessThan(0.7);
  });

  it("draws its labels upside down where the chip map has them", () => {
    const simulator = createSimulator({ ...NOISE_FREE, angleDegrees: 0 });
    const { pixels, width } = simulator.render(0, 0);
    const { pxPerUm, offsetX, offsetY } = simulator.placement;
    const at = (x: number, y: number) =>
      pixels[Math.floor(offsetY + pxPerUm * y) * width + Math.floor(offsetX + pxPerUm * x)] ?? 0;
    // The large 2: its foot, a full bar, is at the top in the picture; the open left side of its bowl below.
    expect(at(-2250, 1550)).toBeGreaterThan(170);
    expect(at(-1850, 1550)).toBeGreaterThan(170);
    expect(at(-2250, 1950)).toBeLessThan(120);
    expect(at(-1850, 1950)).toBeGreaterThan(170);
  });

  it("refuses a picture without a whole grating, and an unknown chip", () => {
    expect(() => createSimulator({ width: 64, height: 64, pxPerUm: 2 })).toThrow(/no complete grating of IMECII_2/);
    expect(() => createSimulator({ chipType: "X" })).toThrow(/unknown chip type "X"/);
  });
});

describe("the binding curve", () => {
  const curve = { shiftPx: 4, timeSeconds: 100, bulkPx: 0, driftPxPerHour: 0 };
  it("rests, associates with its time constant, dissociates more slowly, and begins anew", () => {
    const at = (seconds: number) => bindingShiftPx(curve, seconds, 1);
    expect(at(0)).toBe(0);
    expect(at(24)).toBe(0);
    expect(at(125)).toBeCloseTo(4 * (1 - Math.exp(-1)), 6);
    expect(at(325)).toBeCloseTo(4 * (1 - Math.exp(-3)), 2);
    expect(at(525)).toBeCloseTo(4 * (1 - Math.exp(-3)) * Math.exp(-0.5), 2);
    expect(at(cycleSeconds(curve) + 125)).toBeCloseTo(at(125), 6);
  });
  it("leaves a reference alone", () => {
    expect(bindingShiftPx(curve, 300, 0)).toBe(0);
  });
});
