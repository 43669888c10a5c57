import { describe, expect, it } from "vitest";
import {
  type KernelAnswer,
  type KernelPicture,
  type KernelRequest,
  type KernelTask,
  ROW,
} from "../../src/analysis/kernel-answer.ts";
import { analysePicture, analyseTogether } from "../../src/analysis/resonance.ts";
import type { AnalysisSettings } from "../../src/analysis/settings.ts";
import { depthBefore } from "../../src/image/bit-depth.ts";
import { FLAGS, METHODS, QUANTITIES, STATISTICS } from "../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest, type Roi } from "../../src/measurement/roi.ts";

const PICTURE = { pixels: new Uint8Array(200 * 100), width: 200, height: 100, bitDepth: 8 } as const;
const SETTINGS: AnalysisSettings = {
  method: "gaussian",
  subRois: 0,
  sampling: "precise",
  bitDepthScaling: "stretch",
  debug: false,
};
const ROI: Roi = { label: "a", flip: false, y: 0, x: 0, height: 3, width: 100 };

const manifest = (...rois: Roi[]) => parseRoiManifest(formatRoiManifest({ imageAngle: 1.5, rois }), "test");

/** Answers that every ROI has rows at 50, 51, 52, ... px, of the given status. */
function kernelOf(statuses: number[], seen?: (request: KernelRequest) => void) {
  const answerTo = (request: KernelRequest): KernelAnswer => {
    seen?.(request);
    const rois = request.rois.length / 5;
    const rows = statuses.length;
    const total = rois * rows;
    const quantities = QUANTITIES[request.method].length;
    return {
      rowStart: Int32Array.from({ length: rois + 1 }, (_, roi) => roi * rows),
      columns: Float64Array.from({ length: total * quantities }, (_, at) => {
        const row = Math.floor(at / quantities) % rows;
        return statuses[row] === ROW.ok ? 50 + row - 30 * ((at % quantities) - 1) : Number.NaN;
      }),
      standardError: new Float64Array(total).fill(0.5),
      explained: new Float64Array(total).fill(0.8),
      status: Uint8Array.from({ length: total }, (_, row) => statuses[row % rows] ?? 0),
      saturated: new Float64Array(rois),
      residualDistancePx: new Float64Array(rois).fill(1),
      peakToNoise: new Float64Array(total).fill(12),
      brightness: 101.25,
      contrast: 33,
      depth: { ...depthBefore(0), saturation: 255, full: 255 },
    };
  };
  return (picture: KernelPicture, tasks: readonly KernelTask[]) =>
    tasks.map((task) => answerTo({ ...picture, ...task }));
}

describe("one picture", () => {
  it("is one call of the kernel with all ROIs as y, x, height, width, flip", () => {
    const seen: KernelRequest[] = [];
    const rois = manifest(ROI, { ...ROI, label: "b", flip: true, y: 7, x: 9, height: 5, width: 80 });
    analysePicture(
      PICTURE,
      rois,
      { ...SETTINGS, subRois: 3, sampling: "established" },
      { kernel: kernelOf([0, 0, 0], (request) => seen.push(request)) },
    );
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      width: 200,
      height: 100,
      angleDegrees: 1.5,
      method: "gaussian",
      subRois: 3,
      sampling: "established",
    });
    expect(Array.from(seen[0]?.rois ?? [])).toEqual([0, 0, 3, 100, 0, 7, 9, 5, 80, 1]);
    expect(seen[0]?.pixels).toBe(PICTURE.pixels);
  });

  it("gives the median of the rows' position, statistics of every quantity, brightness and contrast", () => {
    const result = analysePicture(PICTURE, manifest(ROI), SETTINGS, { kernel: kernelOf([0, 0, 0]) });
    expect(Array.from(result.position)).toEqual([51]);
    expect(result).toMatchObject({ method: "gaussian", brightness: 101.25, contrast: 33 });
    expect(result.statistics).toHaveLength(QUANTITIES.gaussian.length * STATISTICS.length);
    expect(Array.from(result.statistics.subarray(8, 16))).toEqual([51, 0.816, 50.5, 51, 51.5, 52, 50, 0]);
    expect(result.quality[0]).toBeCloseTo(0.8, 12);
    expect(result.values).toBeUndefined();
  });

  it("leaves rows out that were not measured, and keeps the others' values in debug mode", () => {
    const result = analysePicture(
      PICTURE,
      manifest(ROI),
      { ...SETTINGS, debug: true },
      { kernel: kernelOf([0, ROW.flat, 0, 0, ROW.not_converged]) },
    );
    expect(result.position[0]).toBe(52);
    expect(result.values?.[0]?.map((column) => Array.from(column))[1]).toEqual([50, 52, 53]);
    expect(result.flags[0]).toBe(0);
  });

  it("says so where no row could be measured, and keeps the other ROIs", () => {
    const result = analysePicture(PICTURE, manifest(ROI), SETTINGS, { kernel: kernelOf([ROW.flat, ROW.flat]) });
    expect(result.position[0]).toBeNaN();
    expect(result.standardError[0]).toBeNaN();
    expect(result.quality[0]).toBe(0);
    expect((result.flags[0] ?? 0) & FLAGS.not_converged).toBe(FLAGS.not_converged);
    expect(result.statistics.every(Number.isNaN)).toBe(true);
  });

  it.each([
    ["to the right", { x: 101 }, "columns 101 to 201"],
    ["below", { y: 98 }, "rows 98 to 101"],
    ["to the left", { x: -1 }, "columns -1 to 99"],
    ["above", { y: -2 }, "rows -2 to 1"],
  ])("is refused when an ROI leaves it %s", (_, change, where) => {
    const run = () =>
      analysePicture(PICTURE, manifest(ROI, { ...ROI, label: "b", ...change }), SETTINGS, { kernel: kernelOf([0]) });
    expect(run).toThrow(expect.objectContaining({ code: "rois.outside", message: expect.stringContaining(where) }));
    expect(run).toThrow(/^ROI b is partly outside the image of 200 x 100 pixels/);
  });

  it("may have an ROI that touches its border", () => {
    const result = analysePicture(PICTURE, manifest({ ...ROI, y: 97, x: 100 }), SETTINGS, { kernel: kernelOf([0]) });
    expect(result.position[0]).toBe(50);
  });
});

describe("several methods of one picture", () => {
  const picture = {
    ...PICTURE,
    pixels: PICTURE.pixels.map((_, at) => 110 + 90 / (1 + (((at % 200) - 70) / 15) ** 2) + ((at * 7919) % 13)),
  };
  const rois = manifest(
    { ...ROI, y: 10, x: 20, height: 40 },
    { ...ROI, label: "b", y: 20, x: 30, height: 61, width: 90, flip: true },
    { ...ROI, label: "c", y: 30, x: 15, height: 50 },
  );

  it.each([0, 7])("give together what each gives alone, with %i sub-ROIs", (subRois) => {
    const all = METHODS.filter((method) => method !== "tracking").map((method) => ({ ...SETTINGS, method, subRois }));
    const joint = { ...SETTINGS, method: "joint", jointLine: "gaussian", subRois } as const;
    const together = analyseTogether(picture, rois, [...all, joint]);
    expect(together).toEqual([...all, joint].map((settings) => analysePicture(picture, rois, settings)));
    const fitted = together.filter(({ method }) => method === "gaussian" || method === "fano" || method === "joint");
    expect(fitted.every(({ position }) => position.every(Number.isFinite))).toBe(true);
  });
});
