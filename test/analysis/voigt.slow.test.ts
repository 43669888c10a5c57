// The Voigt line against the convolution that it is defined by, done here by quadrature, and against a published value.
import { expect, it } from "vitest";
import { ANCHOR_NUMBERS, type KernelTask, ROW } from "../../src/analysis/kernel-answer.ts";
import { voigtLine } from "../../src/analysis/voigt.ts";
import { QUANTITIES } from "../../src/measurement/method.ts";
import { measureWhole } from "./one-roi.ts";
import { picture16 } from "./simulated-rows.ts";

const WIDTH = 181;
const ROWS = 12;

/** A Gaussian of deviation 1 convolved with a Lorentzian of half-width gamma, at x: the mean of the first over the second. */
function convolved(x: number, gamma: number): number {
  const steps = 4000;
  let sum = 0;
  // In angles of the Lorentzian every part of it has the same weight.
  for (let k = 0; k < steps; k++)
    sum += Math.exp(-((x - gamma * Math.tan((Math.PI * (k + 0.5)) / steps - Math.PI / 2)) ** 2) / 2);
  return sum / steps;
}

function halfWidthOf(gamma: number): number {
  let [low, high] = [0, 10 + 2 * gamma];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (convolved(middle, gamma) > convolved(0, gamma) / 2) low = middle;
    else high = middle;
  }
  return low;
}

const GAMMAS = [0.05, 0.3, 1, 3];

it.each(GAMMAS)("the line is the convolution, gamma %d deviations", (gamma) => {
  const half = halfWidthOf(gamma);
  const line = voigtLine(gamma / half);
  for (const t of [0, 0.3, 1, 2, 5]) {
    // The width of the parts gives that of the whole to 0.02 %.
    expect(line(t)).toBeCloseTo(convolved(t * half, gamma) / convolved(0, gamma), 3);
  }
});

it("agrees with the published value of w(1 + i)", () => {
  // Re w(1 + i) = 0.3047442052, w(i) = e erfc(1) = 0.4275835762 (Abramowitz and Stegun, table 7.9). A share of s has
  // z = k (t + is): with ks = 1, t = s is 1 + i.
  const [low, high] = [0.5, 0.7];
  const imaginary = (share: number) =>
    share * Math.sqrt(Math.LN2 / ((1 - 0.5346 * share) ** 2 - (0.4654 * share) ** 2));
  let [below, above] = [low, high];
  for (let k = 0; k < 60; k++) {
    const middle = (below + above) / 2;
    if (imaginary(middle) < 1) below = middle;
    else above = middle;
  }
  expect(voigtLine(below)(below)).toBeCloseTo(0.3047442052 / 0.4275835762, 8);
});

function ask(centre: number, gamma: number, task: KernelTask) {
  const deviation = 20;
  const peak = convolved(0, gamma);
  const light = (x: number, y: number) => 257 * (40 + y + (120 * convolved((x - centre) / deviation, gamma)) / peak);
  return measureWhole(picture16(WIDTH, ROWS, light), WIDTH, task);
}

it.each(GAMMAS)("light that is a convolution is measured as one, gamma %d deviations", (gamma) => {
  const { status, columns, lineShare } = ask(84, gamma, { method: "joint", jointLine: "voigt" });
  const quantity = (name: string) => columns[QUANTITIES.joint.indexOf(name)] as number;
  const half = halfWidthOf(gamma);
  expect(status[0]).toBe(ROW.ok);
  expect(quantity("position")).toBeCloseTo(84, 2);
  expect(quantity("width") / (20 * half)).toBeCloseTo(1, 2);
  expect(lineShare?.[0]).toBeCloseTo(gamma / half, 1);
});

it.each(GAMMAS)("its shifts keep their size, gamma %d deviations", (gamma) => {
  const anchors = new Float64Array(ANCHOR_NUMBERS);
  const pixels = new Uint16Array(WIDTH * ROWS);
  const track = (centre: number, grow: boolean) =>
    ask(centre, gamma, { method: "tracking", jointLine: "voigt", tracking: { anchors, pixels, grow } });
  expect(track(84, true).joined?.[0]).toBe(1);
  for (const shiftPx of [0.25, 3]) {
    const shift = track(84 + shiftPx, false).columns[QUANTITIES.tracking.indexOf("shift")] as number;
    expect(Math.abs(shift / shiftPx - 1)).toBeLessThan(0.005);
  }
});
