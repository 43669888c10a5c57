// The joint fit at the limits of what it is asked: small, empty, tilted and clipped ROIs. Its precision on speckle is
// held to the Cramér-Rao bound in test/conformance/precision.slow.test.ts.
import { describe, expect, it } from "vitest";
import { measure } from "../../src/analysis/kernel.ts";
import { type KernelRequest, ROW } from "../../src/analysis/kernel-answer.ts";
import { methodSettings } from "../../src/analysis/settings.ts";
import { QUANTITIES } from "../../src/measurement/method.ts";
import { fano, normals, picture16 } from "./simulated-rows.ts";

const WIDTH = 181;
const ROWS = 40;

function measureRoi(value: (x: number, y: number) => number, change: Partial<KernelRequest> = {}, rows = ROWS) {
  const answer = measure({
    pixels: picture16(WIDTH, rows, value),
    width: WIDTH,
    height: rows,
    angleDegrees: 0,
    rois: Float64Array.of(0, 0, rows, WIDTH, 0),
    method: "joint",
    subRois: 0,
    sampling: "precise",
    bitDepthScaling: "fixed",
    ...change,
  });
  return {
    status: answer.status[0],
    answers: answer.status.length,
    standardError: answer.standardError[0] as number,
    quantity: (name: string) => answer.columns[QUANTITIES.joint.indexOf(name)] as number,
  };
}

/** A tilted band; rows differ in brightness, as under uneven light. 257 steps of 16 bits are one count. */
const band =
  (q: number, slope = 0.06) =>
  (x: number, y: number) =>
    fano(x, (12_000 / (1 + q * q)) * (1 + y / 100), q, 80 + slope * (y - (ROWS - 1) / 2), 22, 20_000);

describe("the joint fit", () => {
  it.each([3, -4, 0.4])("gives back every quantity of a Fano line of q = %s", (q) => {
    const { status, quantity } = measureRoi(band(q));
    expect(status).toBe(ROW.ok);
    expect(quantity("position")).toBeCloseTo(80, 2);
    expect(quantity("slope")).toBeCloseTo(0.06, 3);
    expect(quantity("width")).toBeCloseTo(22, 1);
    expect(quantity("asymmetry")).toBeCloseTo(q, 2);
  });

  it("follows a tilt of a whole line width over the ROI", () => {
    const { quantity } = measureRoi(band(4, 0.8));
    expect(quantity("position")).toBeCloseTo(80, 1);
    expect(quantity("slope")).toBeCloseTo(0.8, 2);
  });

  it("reads every pixel row, whatever the number of sub-ROIs, and answers once", () => {
    const next = normals(3);
    const noisy = (x: number, y: number) => band(4)(x, y) + 500 * next();
    const pixels = picture16(WIDTH, ROWS, noisy);
    const [all, ten] = [0, 10].map((subRois) => measureRoi(noisy, { pixels, subRois }));
    expect(ten?.answers).toBe(1);
    expect(ten?.quantity("position")).toBe(all?.quantity("position"));
    expect(methodSettings("joint", { subRois: 10, jointLine: "fano", referenceFrames: 16 })).toEqual(
      methodSettings("joint", { subRois: 1, jointLine: "fano", referenceFrames: 16 }),
    );
    expect(methodSettings("fano", { subRois: 10, jointLine: "gaussian", referenceFrames: 16 })).toEqual({
      method: "fano",
      subRois: 10,
    });
  });

  it("measures an ROI of one row, without a slope", () => {
    const next = normals(4);
    const { status, quantity, standardError } = measureRoi((x) => band(4)(x, 0) + 300 * next(), {}, 1);
    expect(status).toBe(ROW.ok);
    expect(quantity("slope")).toBe(0);
    expect(Math.abs(quantity("position") - 81.2)).toBeLessThan(4 * standardError + 1.3);
  });

  it.each([
    ["without any light", () => 0, ROW.flat],
    ["of one brightness", () => 30_000, ROW.flat],
  ])("calls an ROI %s flat", (_, value, status) => {
    const answer = measureRoi(value);
    expect(answer.status).toBe(status);
    expect(answer.quantity("position")).toBeNaN();
    expect(answer.standardError).toBeNaN();
  });

  it("finds no line in two hundred ROIs of noise", () => {
    const found = Array.from({ length: 200 }, (_, nth) => {
      const next = normals(1000 + nth);
      return measureRoi(() => 30_000 + 3_000 * next()).status;
    });
    expect(found.filter((status) => status === ROW.ok)).toEqual([]);
  });

  it.each([1, 2, 5, 6, 7, 9])("survives an ROI %s px wide", (width) => {
    const next = normals(width);
    const pixels = picture16(width, ROWS, (x, y) => 20_000 + 5_000 * next() + 900 * x * (y % 2));
    const answer = measureRoi(() => 0, { pixels, width, rois: Float64Array.of(0, 0, ROWS, width, 0) });
    expect([ROW.ok, ROW.flat, ROW.not_converged]).toContain(answer.status);
  });

  it("is not bent by a top that the camera has cut off", () => {
    const next = normals(8);
    // The fixed scale ends at 65520; noise reaches over it around the peak.
    const { quantity, standardError } = measureRoi(
      (x, y) => fano(x, 1_400, 5, 80 + 0.02 * (y - (ROWS - 1) / 2), 24, 26_000) + 5_000 * next(),
    );
    expect(Math.abs(quantity("position") - 80)).toBeLessThan(4 * standardError);
  });

  it("has an error bar where a few bright rows scatter so far that their slopes cancel those of all others", () => {
    const [next, sign] = [normals(9), normals(10)];
    const { status, quantity, standardError } = measureRoi(
      (x, y) => {
        const t = (x - 90) / 22;
        const bright = y % 5 === 0;
        const besideTop = Math.abs(t) > 0.3 && Math.abs(t) < 2;
        const scatter = bright && besideTop ? 14 * Math.sign(sign()) : 0;
        return 257 * (60 + (bright ? 100 : 5) * Math.exp((-t * t) / 2) + scatter + next());
      },
      { jointLine: "gaussian" },
    );
    expect(status).toBe(ROW.ok);
    expect(Math.abs(quantity("position") - 90)).toBeLessThan(1);
    expect(standardError).toBeGreaterThan(0);
  });
});
