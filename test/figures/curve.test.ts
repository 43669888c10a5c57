import { expect, test } from "vitest";
import { type Curve, CurveStore } from "../../src/figures/curve.ts";
import { FLAGS } from "../../src/measurement/method.ts";

const SECOND = 1_000_000;
const START = Date.UTC(2026, 2, 4) * 1000;

function filled(
  frames: number,
  value: (frame: number) => number,
  buckets = 64,
  flag = (_frame: number) => 0,
): CurveStore {
  const store = new CurveStore(["A"], buckets);
  for (let i = 0; i < frames; i += 1) store.add(START + i * 10 * SECOND, [value(i)], [flag(i)]);
  return store;
}

const gaps = ({ values }: Curve) => values.filter(Number.isNaN).length;

test("few points are kept as they are", () => {
  const { timesMs, values, flags } = filled(20, (i) => i / 4).curve(0);
  expect([...values]).toEqual(Array.from({ length: 20 }, (_x, i) => i / 4));
  expect([...timesMs]).toEqual(Array.from({ length: 20 }, (_x, i) => START / 1000 + i * 10_000));
  expect([...flags]).toEqual(new Array(20).fill(0));
});

test("a long history is kept in a fixed space with its true extremes, first and last point, in order of time", () => {
  const store = filled(100_000, (i) => Math.sin(i / 5000) + (i === 77_777 ? 5 : 0) - (i === 3 ? 7 : 0));
  const { timesMs, values } = store.curve(0);
  expect(values.length).toBeLessThanOrEqual(64 * 4);
  expect(Math.max(...values)).toBeCloseTo(Math.sin(77_777 / 5000) + 5, 5);
  expect(timesMs[values.indexOf(Math.max(...values))]).toBe(START / 1000 + 77_777 * 10_000);
  expect(Math.min(...values)).toBeCloseTo(Math.sin(3 / 5000) - 7, 5);
  expect([timesMs[0], timesMs.at(-1)]).toEqual([START / 1000, START / 1000 + 99_999 * 10_000]);
  expect([...timesMs]).toEqual([...timesMs].sort((a, b) => a - b));
  expect(gaps(store.curve(0))).toBe(0);
  expect(store.frames).toBe(100_000);
});

test("a doubtful point stays visible among many sound ones and hides no sound extreme", () => {
  const store = filled(
    50_000,
    (i) => (i === 20_000 ? 1e6 : i === 20_001 ? 3 : 1),
    64,
    (i) => (i === 20_000 ? FLAGS.not_converged : 0),
  );
  const { values, flags } = store.curve(0);
  expect([...values].filter((_v, i) => flags[i] !== 0)).toEqual([1e6]);
  expect(flags[values.indexOf(1e6)]).toBe(FLAGS.not_converged);
  expect(Math.max(...[...values].filter((_v, i) => flags[i] === 0))).toBe(3);
});

test("a pause of more than three intervals is a gap, a single missing frame is none", () => {
  const withPause = (missing: number) => {
    const store = new CurveStore(["A"], 64);
    for (let i = 0; i < 40; i += 1) if (i < 20 || i >= 20 + missing) store.add(START + i * 10 * SECOND, [1], [0]);
    return gaps(store.curve(0));
  };
  expect([0, 1, 2, 3, 10].map(withPause)).toEqual([0, 0, 0, 1, 1]);
});

test("a long pause is still a gap after the buckets were merged many times", () => {
  const store = new CurveStore(["A"], 64);
  for (let i = 0; i < 50_000; i += 1) if (i < 20_000 || i > 24_000) store.add(START + i * 10 * SECOND, [1], [0]);
  expect(gaps(store.curve(0))).toBe(1);
});

test("an ROI that could not be measured for a while has a gap of its own", () => {
  const store = new CurveStore(["A", "B"], 64);
  for (let i = 0; i < 60; i += 1) store.add(START + i * 10 * SECOND, [1, i > 20 && i < 40 ? Number.NaN : 1], [0, 0]);
  expect([gaps(store.curve(0)), gaps(store.curve(1))]).toEqual([0, 1]);
});

test("another interval is not taken for gaps", () => {
  const store = new CurveStore(["A"], 64);
  for (let i = 0; i < 1000; i += 1) store.add(START + i * 10 * SECOND, [1], [0]);
  for (let i = 0; i < 1000; i += 1) store.add(START + (10_000 + i * 300) * SECOND, [1], [0]);
  expect(gaps(store.curve(0))).toBeLessThanOrEqual(1);
});

test("frames may come in any order, also from before the first", () => {
  const order = Array.from({ length: 500 }, (_x, i) => (i * 211) % 500);
  const mixed = new CurveStore(["A"], 1024);
  for (const i of order) mixed.add(START + i * 10 * SECOND, [i], [0]);
  const { values } = mixed.curve(0);
  expect([...values].filter((v) => !Number.isNaN(v))).toEqual(
    [...values].filter((v) => !Number.isNaN(v)).sort((a, b) => a - b),
  );
  expect([values[0], values.at(-1)]).toEqual([0, 499]);
  expect(mixed.spanUs).toEqual([START, START + 4990 * SECOND]);
});

test("nothing but NaN is an empty curve", () => {
  expect(filled(10, () => Number.NaN).curve(0).values).toHaveLength(0);
});
