import { expect, test } from "vitest";
import { type Arrival, flowOf } from "../../src/assay/flow.ts";
import { gauss } from "../analysis/gauss.ts";

/** Arrivals at 40 places of a chip of 6 × 4 mm, flowing at 500 µm/s in a direction of 30°. */
function arrivals(seed: number, noise: number): Arrival[] {
  const next = gauss(seed);
  const [cos, sin] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
  return Array.from({ length: 40 }, (_, i) => {
    const [x, y] = [(i % 8) * 800, Math.floor(i / 8) * 900];
    return { x, y, seconds: 100 + (x * cos + y * sin) / 500 + noise * next(), error: noise };
  });
}

test("speed and direction are right, and as certain as they say", () => {
  const runs = Array.from({ length: 200 }, (_, seed) => flowOf(arrivals(seed + 1, 0.4)));
  const rms = (values: number[]) => Math.sqrt(values.reduce((sum, z) => sum + z * z, 0) / values.length);
  const speed = runs.map((run) => ((run?.speed ?? 0) - 500) / (run?.speedError ?? 1));
  const direction = runs.map((run) => ((run?.directionDegrees ?? 0) - 30) / (run?.directionError ?? 1));
  for (const z of [rms(speed), rms(direction)]) expect(Math.abs(z - 1)).toBeLessThan(0.2);
});

test("one grating in a dead corner does not turn the flow", () => {
  const found = arrivals(5, 0.2).map((one, i) => (i === 7 ? { ...one, seconds: 190 } : one));
  const flow = flowOf(found);
  expect(flow?.leftOut).toBeGreaterThanOrEqual(1);
  expect(Math.abs((flow?.speed ?? 0) - 500)).toBeLessThan(15);
});

test("no flow from places on a line, from few, or from arrivals that are all alike", () => {
  const line = arrivals(1, 0.1).map((one) => ({ ...one, y: 2 * one.x }));
  expect(flowOf(line)).toBeUndefined();
  expect(flowOf(arrivals(1, 0.1).slice(0, 3))).toBeUndefined();
  const next = gauss(4);
  expect(flowOf(arrivals(2, 0.1).map((one) => ({ ...one, seconds: 100 + next() })))).toBeUndefined();
});
