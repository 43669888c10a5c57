import { describe, expect, it } from "vitest";
import { isOrdinary, noLens } from "../../src/calibration/optics.ts";
import { direction, type Pose, toPicture } from "../../src/calibration/pose.ts";
import { fitPose } from "../../src/calibration/pose-fit.ts";
import type { Sighting } from "../../src/calibration/sighting.ts";
import { randomStream } from "../../src/simulator/noise.ts";

const SIZE = { width: 1920, height: 1460 };
const START: Pose = { angleDegrees: 3, pxPerUm: 0.35, mirrored: true, x: 900, y: 760, lens: noLens(SIZE) };

/** A camera that bends like a barrel and shows the chip tilted, on pixels that are not quite square. */
const BENT: Pose = { ...START, lens: { ...noLens(SIZE), amounts: [-7, 0.8, -0.5, 2, 0.4, -1.5, 1.8] } };

/** Places of the chip, µm, in a raster of `step` over a rectangle. */
function places(left: number, top: number, right: number, bottom: number, step: number) {
  const list: { x: number; y: number }[] = [];
  for (let y = top; y <= bottom; y += step) for (let x = left; x <= right; x += step) list.push({ x, y });
  return list;
}

/** Labels as they are seen, off by up to `noisePx` in both directions. */
function seen(chip: readonly { x: number; y: number }[], pose: Pose, noisePx: number): Sighting[] {
  const random = randomStream(7);
  const off = () => noisePx * (2 * random() - 1);
  return chip.map((at, i) => {
    const { x, y } = toPicture(pose, at);
    return { name: `label ${i}`, chip: at, picture: { x: x + off(), y: y + off() }, kind: "label", weight: 1 };
  });
}

function errorPx(a: Pose, b: Pose, chip: { x: number; y: number }): number {
  const [p, q] = [toPicture(a, chip), toPicture(b, chip)];
  return Math.hypot(p.x - q.x, p.y - q.y);
}

describe("the fit of a pose", () => {
  it("tells how the optics bend the picture, and does not count a mistaken label", () => {
    const chip = places(-2400, -1900, 2400, 1900, 800);
    const sightings = seen(chip, BENT, 0.05).map((one, i) =>
      i === 3 ? { ...one, picture: { x: one.picture.x + 9, y: one.picture.y - 6 } } : one,
    );
    const fit = fitPose(sightings, START);
    if (fit === undefined) throw new Error("no fit");
    expect(fit.outliers).toEqual(["label 3"]);
    for (const at of chip) expect(errorPx(fit.pose, BENT, at)).toBeLessThan(0.15);
    expect(isOrdinary(fit.pose.lens ?? noLens(SIZE))).toBe(true);
  });

  it("says how far a place is open: little among the labels, much where none is seen, and its error is not beyond", () => {
    const fit = fitPose(seen(places(-2400, -1900, -800, -300, 400), BENT, 0.05), START);
    if (fit === undefined) throw new Error("no fit");
    const [among, away] = [
      { x: -1600, y: -1100 },
      { x: 2400, y: 1900 },
    ];
    expect(fit.openPx(among)).toBeLessThan(0.1);
    expect(fit.openPx(away)).toBeGreaterThan(1);
    for (const at of [among, away]) expect(errorPx(fit.pose, BENT, at)).toBeLessThan(3 * fit.openPx(at));
  });

  it("bends a picture as far as optics do and no farther for a chip of another pitch", () => {
    const chip = places(-2400, -1900, 2400, 1900, 800);
    const wider = seen(chip, { ...START, lens: noLens(SIZE) }, 0.05).map((one) => {
      return { ...one, chip: { x: one.chip.x / 1.03, y: one.chip.y } };
    });
    const fit = fitPose(wider, START);
    if (fit?.pose.lens === undefined) throw new Error("no fit");
    expect(isOrdinary(fit.pose.lens)).toBe(false);
  });

  it("keeps to the gratings where labels are shifted, and half of the edges of one kind are not seen", () => {
    const chip = places(-2000, -1600, 2000, 1600, 400);
    const [inset, shift] = [1.4, { x: 1.1, y: -0.8 }];
    const edges = chip.flatMap((at, i): Sighting[] => {
      const seenAs = (along: { x: number; y: number }, inward: 1 | -1, kind: "edge" | "side"): Sighting => {
        const to = direction(BENT, along);
        const { x, y } = toPicture(BENT, at);
        const picture = { x: x + inward * inset * to.x, y: y + inward * inset * to.y };
        return { name: `${kind} ${inward} ${i}`, chip: at, picture, along, inward, kind, weight: 1 };
      };
      const upper = seenAs({ x: 0, y: 1 }, 1, "edge");
      const sides = [seenAs({ x: 1, y: 0 }, 1, "side"), seenAs({ x: 1, y: 0 }, -1, "side")];
      return i % 2 === 0 ? [upper, seenAs({ x: 0, y: 1 }, -1, "edge"), ...sides] : [upper, ...sides];
    });
    const [right, down] = [direction(BENT, { x: 1, y: 0 }), direction(BENT, { x: 0, y: 1 })];
    const labels = seen(places(-2300, -2000, 2300, 2000, 920), BENT, 0.2).map(({ picture: { x, y }, ...one }) => ({
      ...one,
      picture: { x: x + shift.x * right.x + shift.y * down.x, y: y + shift.x * right.y + shift.y * down.y },
    }));
    const fit = fitPose([...labels, ...edges], START);
    if (fit === undefined) throw new Error("no fit");
    for (const at of chip) expect(errorPx(fit.pose, BENT, at)).toBeLessThan(0.15);
    const [insetY, insetX, shiftX, shiftY] = fit.deviations;
    expect(insetY).toBeCloseTo(inset, 1);
    expect(insetX).toBeCloseTo(inset, 1);
    expect(shiftX).toBeCloseTo(shift.x, 1);
    expect(shiftY).toBeCloseTo(shift.y, 1);
    expect(fit.outliers).toEqual([]);
  });

  it("has no answer for a single place", () => {
    expect(fitPose(seen([{ x: 0, y: 0 }], START, 0), { ...START, lens: noLens(SIZE) })).toBeUndefined();
  });
});
