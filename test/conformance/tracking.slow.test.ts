// Tracking against the Cramér-Rao bound of the simulated noise: as precise as the light allows, and honest about it.
import { describe, expect, it } from "vitest";
import { medianOf } from "../../src/measurement/statistics.ts";
import {
  exposeRoi,
  type Line,
  lightAt,
  NOISE,
  normalsOf,
  SIZE,
  shiftBoundPx,
  speckleField,
  steady,
} from "./speckled-rois.ts";
import { tracker } from "./tracked-rois.ts";

const GAUSSIAN: Line = { kind: "gaussian", centre: 90, width: 25, slope: 0.03, q: 0, height: 100, base: 110 };
const FANO: Line = { kind: "fano", centre: 90, width: 25, slope: 0.03, q: 2, height: 90, base: 110 };
const STEEP: Line = { kind: "fano", centre: 95, width: 28, slope: -0.04, q: -5, height: 90, base: 110 };

interface Case {
  readonly line: Line;
  readonly shiftPx: number;
  readonly references: number;
  readonly realisations: number;
  /** Frames measured against each reference. */
  readonly each: number;
  /** Share of the speckle that is new in every measured frame. */
  readonly changed?: number;
  /** What comes between the chip and the camera. */
  readonly over?: (x: number, row: number, nth: number) => number;
}

/** Errors of the shift from the mean of the reference frames, px, and the standard errors claimed for them. */
function realise({ line, shiftPx, references, realisations, each, changed = 0, over }: Case) {
  const errors: number[] = [];
  const claimed: number[] = [];
  const still = steady((x, row) => lightAt(line, x, row));
  const moved = steady((x, row) => lightAt({ ...line, centre: line.centre + shiftPx }, x, row));
  for (let nth = 0; nth < realisations; nth++) {
    const next = normalsOf(30_000 + nth);
    const field = speckleField(SIZE.rows, SIZE.width, NOISE.grainPx, next);
    const track = tracker(line.kind);
    let level = 0;
    for (let frame = 0; frame < references; frame++) {
      const { joined, position } = track(exposeRoi(still, field, NOISE, next), true);
      expect(joined).toBe(true);
      level += position / references;
    }
    for (let frame = 0; frame < each; frame++) {
      const fresh = changed > 0 ? speckleField(SIZE.rows, SIZE.width, NOISE.grainPx, next) : undefined;
      const seen = fresh
        ? field.map((old, i) => Math.sqrt(1 - changed) * old + Math.sqrt(changed) * (fresh[i] as number))
        : field;
      const light =
        over === undefined ? moved : (x: number, row: number) => moved(x, row) * over(x, row, each * nth + frame);
      const { ok, position, standardError } = track(exposeRoi(light, seen, NOISE, next), false);
      expect(ok).toBe(true);
      errors.push(position - level - shiftPx);
      claimed.push(standardError);
    }
  }
  return worthOf(Float64Array.from(errors), Float64Array.from(claimed));
}

function worthOf(errors: Float64Array, claimed: Float64Array) {
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const scatter = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
  const within = (times: number) =>
    errors.filter((error, i) => Math.abs(error) <= times * (claimed[i] as number)).length / errors.length;
  return { mean, scatter, claimed: medianOf(claimed), one: within(1), two: within(2) };
}

function report(name: string, { mean, scatter, claimed, one, two }: ReturnType<typeof worthOf>, boundPx?: number) {
  const bound =
    boundPx === undefined ? "" : `bound ${boundPx.toFixed(4)} px, ${(scatter / boundPx).toFixed(3)} of it, `;
  console.info(
    `${name}: ${bound}scatter ${scatter.toFixed(4)} px, mean error ${mean.toFixed(4)} px, error bar ` +
      `${(claimed / scatter).toFixed(3)} of it, ${(100 * one).toFixed(1)} % within one, ${(100 * two).toFixed(1)} % within two`,
  );
}

describe("tracking", () => {
  it.each([
    { name: "a Gaussian line", line: GAUSSIAN },
    { name: "a Fano line of q = 2", line: FANO },
  ])(
    "$name by 0.1 px reaches the Cramér-Rao bound, and its error bars hold the truth",
    { timeout: 600_000 },
    ({ name, line }) => {
      // The frames of a realisation share the error of its reference, 1/17 of the variance: 60 times 16 of them know a share
      // as well as 510 that share nothing, 0.68 to 0.021 and 0.95 to 0.0097, and a deviation to 3 %.
      const worth = realise({ line, shiftPx: 0.1, references: 16, realisations: 60, each: 16 });
      const bound = shiftBoundPx(line, NOISE, 16);
      report(name, worth, bound);
      expect(worth.scatter / bound).toBeLessThan(1.1);
      expect(worth.scatter / bound).toBeGreaterThan(0.9);
      expect(Math.abs(worth.mean)).toBeLessThan(0.2 * bound);
      expect(Math.abs(worth.one - 0.68)).toBeLessThan(0.04);
      expect(Math.abs(worth.two - 0.95)).toBeLessThan(0.02);
    },
  );

  it.each([
    { shiftPx: 1, line: GAUSSIAN },
    { shiftPx: 5, line: STEEP },
    { shiftPx: -20, line: FANO },
  ])(
    "a $line.kind line over $shiftPx px has error bars that hold the truth",
    { timeout: 600_000 },
    ({ shiftPx, line }) => {
      const worth = realise({ line, shiftPx, references: 2, realisations: 200, each: 1 });
      report(`${line.kind} by ${shiftPx} px`, worth);
      // 200 of them know a share of 0.68 to 0.033 and one of 0.95 to 0.015.
      expect(Math.abs(worth.one - 0.68)).toBeLessThan(0.1);
      expect(worth.two).toBeGreaterThan(0.9);
    },
  );

  it("speckle of which 3 % is new in every frame widens the error bar as it widens the scatter", {
    timeout: 600_000,
  }, () => {
    const worth = realise({ line: FANO, shiftPx: 0.1, references: 4, realisations: 60, each: 5, changed: 0.03 });
    report("3 % of the speckle new", worth);
    expect(worth.scatter).toBeGreaterThan(3 * shiftBoundPx(FANO, NOISE, 4));
    expect(Math.abs(worth.one - 0.68)).toBeLessThan(0.08);
    expect(worth.two).toBeGreaterThan(0.92);
  });

  it("a lamp 2 % darker and dust in another place in every frame do no harm", { timeout: 600_000 }, () => {
    const dust = (x: number, row: number, nth: number) =>
      Math.hypot(x - 20 - ((37 * nth) % 140), row + 30 - ((23 * nth) % 60)) < 9 ? 0.4 : 1;
    const over = (x: number, row: number, nth: number) => 0.98 * dust(x, row, nth);
    const worth = realise({ line: FANO, shiftPx: 0.1, references: 4, realisations: 40, each: 5, over });
    report("lamp and dust", worth);
    const bound = shiftBoundPx(FANO, NOISE, 4);
    expect(Math.abs(worth.mean)).toBeLessThan(0.3 * bound);
    expect(worth.scatter / bound).toBeLessThan(1.3);
    expect(worth.two).toBeGreaterThan(0.9);
  });

  it("a band that wanders 6 px off and comes back is where it was", () => {
    const next = normalsOf(40_000);
    const field = speckleField(SIZE.rows, SIZE.width, NOISE.grainPx, next);
    const track = tracker("fano");
    const at = (shift: number, grow = false) => {
      const line = { ...FANO, centre: FANO.centre + shift };
      return track(
        exposeRoi((x, row) => lightAt(line, x, row), field, NOISE, next),
        grow,
      );
    };
    let level = 0;
    for (let frame = 0; frame < 8; frame++) level += at(0, true).position / 8;
    for (let round = 0; round < 20; round++) {
      for (const shift of [1.9, 2.1, 6, 2.1, 1.9]) {
        const { position, standardError } = at(shift);
        expect(Math.abs(position - level - shift)).toBeLessThan(5 * standardError);
      }
      // The same reference on every way back: nothing adds up.
      const home = at(0);
      expect(Math.abs(home.position - level)).toBeLessThan(5 * home.standardError);
      expect(home.standardError).toBeLessThan(0.03);
    }
  });

  it("the curve has no step where the held shape gives way to the free one, nor where the reference is complete", () => {
    const next = normalsOf(41_000);
    const field = speckleField(SIZE.rows, SIZE.width, NOISE.grainPx, next);
    const track = tracker("fano");
    const errors: number[] = [];
    const bars: number[] = [];
    for (let frame = 0; frame < 160; frame++) {
      const truth = frame / 80;
      const line = { ...FANO, centre: FANO.centre + truth };
      const { position, standardError } = track(
        exposeRoi((x, row) => lightAt(line, x, row), field, NOISE, next),
        frame < 8,
      );
      errors.push(position - truth);
      bars.push(standardError);
    }
    const mean = (from: number, to: number) =>
      errors.slice(from, to).reduce((sum, error) => sum + error, 0) / (to - from);
    // Frame 8 is the first after the reference; at frame 40 the band has moved by half a pixel.
    for (const [before, at, after] of [
      [1, 8, 20],
      [20, 40, 60],
    ] as const) {
      const step = Math.abs(mean(at, after) - mean(before, at));
      expect(step).toBeLessThan(bars[at] as number);
    }
  });
});
