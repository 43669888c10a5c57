// Tracking where real light differs from the simplest simulation: dark ground, a camera's pedestal, lamps that drift and
// tilt, lines that change their shape, speckle that changes, and bands that move far.
import { describe, expect, it } from "vitest";
import { boundOfFreeShapePx, boundPx } from "./shift-bounds.ts";
import { type Change, type Errors, follow, SCENE, type Scene, worthOf } from "./tracked-rois.ts";

const CAMERA = { electronsPerCount: 20, readCounts: 0.3, grainPx: 2.6, slope: 0.05 } as const;
/** A band of 130 counts on two counts of light, and on less than rounding can tell from none. */
const DARK: Scene = { ...SCENE, ...CAMERA, ground: 2, height: 130 };
const BLACK: Scene = { ...DARK, ground: 0.2 };
const NARROW: Scene = { ...SCENE, ...CAMERA, width: 14, ground: 10, pedestal: 100 };
const FANO: Scene = { ...SCENE, shape: "fano", height: 90 };
const STAYING: Change = { shiftPx: 0.05 };
const MINUTES = { timeout: 600_000 };

/** Errors under one change. */
function errorsOf(scene: Scene, change: Change, more: Partial<Parameters<typeof follow>[0]> = {}): Errors {
  const line = scene.shape === "fano" ? "fano" : "gaussian";
  return follow({ scene, line, realisations: 16, each: 3, changes: [change], ...more })[0] as Errors;
}

const shareFlagged = ({ flagged }: Errors) => flagged.filter((one) => one).length / flagged.length;

describe("tracking on dark ground", () => {
  it.each([
    { name: "two counts", scene: DARK },
    { name: "a fifth of a count", scene: BLACK },
  ])("of $name reaches the bound, with error bars that hold the truth and no flag", MINUTES, ({ scene }) => {
    const errors = errorsOf(scene, { shiftPx: 0.25 }, { each: 12 });
    const { scatter, bias, z } = worthOf(errors);
    const bound = boundPx(scene, 16);
    console.info(
      `dark ground: ${(scatter / bound).toFixed(2)} of the bound, bias ${bias.toFixed(4)} px, z ${z.toFixed(2)}`,
    );
    expect(scatter / bound).toBeLessThan(1.1);
    expect(Math.abs(bias)).toBeLessThan(0.2 * bound + (2.5 * scatter) / Math.sqrt(16 * 6));
    expect(z).toBeGreaterThan(0.85);
    expect(z).toBeLessThan(1.15);
    expect(shareFlagged(errors)).toBe(0);
  });
});

describe("a lamp that loses 13 %", () => {
  it.each([
    { name: "a Gaussian line", scene: NARROW },
    { name: "a Fano line", scene: { ...FANO, ground: 10, pedestal: 100 } },
  ])("over a pedestal of 100 counts does not move $name", MINUTES, ({ scene }) => {
    const errors = errorsOf(scene, { ...STAYING, lamp: 0.87 });
    const { bias, scatter } = worthOf(errors);
    expect(Math.abs(bias)).toBeLessThan(0.01);
    const darker = { ...scene, ground: 0.87 * scene.ground, height: 0.87 * scene.height };
    expect(scatter).toBeLessThan(1.25 * boundPx(darker, 16));
    expect(shareFlagged(errors)).toBe(0);
  });
});

describe("a gradient of the light", () => {
  it.each([0.02, 0.2])(
    "of %f is taken out where the dark level is known and the ground is bright",
    MINUTES,
    (gradient) => {
      for (const scene of [SCENE, { ...SCENE, ground: 60, pedestal: 60 }, FANO]) {
        const errors = errorsOf(scene, { ...STAYING, gradient }, { darkKnown: true, realisations: 12 });
        const { bias, z } = worthOf(errors);
        expect(Math.abs(bias)).toBeLessThan(0.01);
        expect(z).toBeLessThan(1.3);
        expect(shareFlagged(errors)).toBe(0);
      }
    },
  );

  it("of 20 % is flagged where it cannot be told from a shift", MINUTES, () => {
    for (const scene of [SCENE, NARROW, DARK]) {
      expect(shareFlagged(errorsOf(scene, { ...STAYING, gradient: 0.2 }, { realisations: 6 }))).toBe(1);
    }
    expect(shareFlagged(errorsOf(DARK, { ...STAYING, gradient: 0.2 }, { realisations: 6, darkKnown: true }))).toBe(1);
  });
});

describe("a line that changes its shape", () => {
  it.each([
    { name: "an asymmetry of 2 that becomes 3", scene: FANO, change: { ...STAYING, q: 3 } },
    { name: "an asymmetry of 2 that becomes 2.2", scene: FANO, change: { ...STAYING, q: 2.2 } },
    { name: "a second band", scene: SCENE, change: { ...STAYING, second: { apartPx: 55, height: 40 } } },
    { name: "a faint second band", scene: SCENE, change: { ...STAYING, second: { apartPx: 55, height: 4 } } },
    { name: "a second band on dark ground", scene: DARK, change: { ...STAYING, second: { apartPx: 55, height: 40 } } },
  ])("is flagged: $name", MINUTES, ({ scene, change }) => {
    const errors = errorsOf(scene, change, { realisations: 6 });
    expect(shareFlagged(errors)).toBe(1);
    expect(worthOf(errors).falseGood).toBe(0);
  });

  it("is flagged when one band moves and another stays", MINUTES, () => {
    const second = { apartPx: 55, height: 40 };
    const errors = errorsOf(SCENE, { shiftPx: 5, second }, { realisations: 6, before: { second } });
    expect(shareFlagged(errors)).toBe(1);
  });
});

describe("a band that moves far", () => {
  it.each([
    { name: "Gaussian", scene: SCENE },
    { name: "narrow Gaussian on a pedestal", scene: NARROW },
    { name: "Gaussian on dark ground", scene: DARK },
    { name: "Gaussian on black", scene: BLACK },
    { name: "Fano line", scene: FANO },
  ])("is followed without bias, gap or flag, with error bars that hold the truth: $name", MINUTES, ({ scene }) => {
    const steps = [1, 3, 6, 15, 40];
    const line = scene.shape === "fano" ? "fano" : "gaussian";
    const all = follow({ scene, line, realisations: 20, each: 1, changes: steps.map((shiftPx) => ({ shiftPx })) });
    steps.forEach((shiftPx, i) => {
      const { bias, z, missing, flagged, scatter } = worthOf(all[i] as Errors);
      const bound = boundOfFreeShapePx(scene, 16, shiftPx);
      const worth = `by ${shiftPx}: scatter ${(scatter / bound).toFixed(2)} of the bound, z ${z.toFixed(2)}`;
      expect(missing).toBe(0);
      expect(flagged).toBe(0);
      // 20 ROIs know a mean to 0.22 of the scatter, and a deviation to 16 %.
      expect(Math.abs(bias) / scatter, worth).toBeLessThan(0.2 + 0.6);
      expect(scatter / bound, worth).toBeLessThan(1.1 + 0.7);
      expect(z, worth).toBeGreaterThan(0.55);
      expect(z, worth).toBeLessThan(1.6);
    });
  });

  it("does not lengthen or shorten a step on a pedestal that nobody told of", MINUTES, () => {
    const errors = errorsOf(NARROW, { shiftPx: 6 }, { realisations: 40, each: 1 });
    expect(Math.abs(worthOf(errors).bias)).toBeLessThan(0.012);
  });
});

describe("speckle that changes", () => {
  it("widens the error bars as it widens the errors, and raises no flag", MINUTES, () => {
    const scene = { ...SCENE, grainPx: 0.1 };
    const errors = errorsOf(scene, { shiftPx: 0 }, { realisations: 12, each: 40, decorrelation: 1000 });
    const { z, claimed } = worthOf(errors);
    expect(claimed).toBeGreaterThan(1.5 * boundPx(scene, 16));
    expect(z).toBeGreaterThan(0.7);
    expect(z).toBeLessThan(1.3);
    expect(shareFlagged(errors)).toBeLessThan(0.01);
  });
});
