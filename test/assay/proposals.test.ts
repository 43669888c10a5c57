// Injections that nobody recorded, proposed from steps that the curves share.
import { expect, test } from "vitest";
import { proposedInjections } from "../../src/assay/proposals.ts";
import { normal } from "../support/normal.ts";

const INTERVAL_US = 5e6;
const FIRST_US = 1e15;
const timeUs = (frame: number) => FIRST_US + frame * INTERVAL_US;

/** Twenty ROIs that bind from `on` to `off`, then lose half of it slowly. */
function* frames(count: number, injections: readonly { on: number; off: number; px: number }[]) {
  const random = normal(5);
  for (let frame = 0; frame < count; frame += 1) {
    const px = injections.reduce((sum, { on, off, px: height }) => {
      if (frame < on) return sum;
      const bound = height * (1 - Math.exp(-(Math.min(frame, off) - on + 1) / 8));
      return sum + (frame < off ? bound : bound * Math.exp(-(frame - off + 1) / 20));
    }, 0);
    yield {
      capturedAtUs: timeUs(frame),
      position: Float32Array.from({ length: 20 }, (_, roi) => 50 + roi + px * (0.8 + roi / 50) + 0.01 * random()),
      flags: new Uint8Array(20),
    };
  }
}

test("an association and the dissociation after it make one proposal, within a few frames of the truth", () => {
  const found = proposedInjections(frames(300, [{ on: 60, off: 120, px: 1 }]), []);
  expect(found).toHaveLength(1);
  const [one] = found;
  expect(Math.abs((one?.startUs ?? 0) - timeUs(60))).toBeLessThanOrEqual(3 * INTERVAL_US);
  expect(Math.abs((one?.endUs ?? 0) - timeUs(120))).toBeLessThanOrEqual(3 * INTERVAL_US);
  expect(one?.stepPx).toBeGreaterThan(0.1);
});

test("what is recorded is not proposed again, and nothing is proposed where nothing happens", () => {
  const two = [
    { on: 60, off: 120, px: 1 },
    { on: 200, off: 260, px: -1 },
  ];
  const recorded = [{ startUs: timeUs(58), endUs: timeUs(121) }];
  const found = proposedInjections(frames(340, two), recorded);
  expect(
    found.map(({ startUs, stepPx }) => [Math.round((startUs - timeUs(200)) / INTERVAL_US / 4), Math.sign(stepPx)]),
  ).toEqual([[0, -1]]);
  expect(proposedInjections(frames(200, []), [])).toEqual([]);
});

test("a small step back while a level settles does not end the injection", () => {
  function* settling() {
    const random = normal(7);
    for (let frame = 0; frame < 240; frame += 1) {
      const px = frame < 60 || frame >= 150 ? 0 : frame < 90 ? 2.1 : 2;
      yield {
        capturedAtUs: timeUs(frame),
        position: Float32Array.from({ length: 20 }, (_, roi) => 50 + roi + px + 0.01 * random()),
        flags: new Uint8Array(20),
      };
    }
  }
  const found = proposedInjections(settling(), []);
  expect(
    found.map(({ startUs, endUs = 0 }) => [startUs, endUs].map((us) => Math.round((us - FIRST_US) / INTERVAL_US))),
  ).toEqual([[60, 150]]);
});
