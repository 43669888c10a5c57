// What is drawn of a curve, and that its end brings a drawing up to date.
import { expect, test } from "vitest";
import { FLAGS } from "../../src/measurement/method.ts";
import { type CurveData, columnStart, columnsOf, type DecimatedCurve, decimate } from "../../src/web/decimate.ts";

const SECOND = 1e6;
const START = 1.77e15;

/** A wave with a pause, points without a number, and doubtful ones. */
function curve(frames: number): CurveData {
  const at = Array.from({ length: frames }, (_, i) => i);
  return {
    timesUs: Float64Array.from(at, (i) => START + (i + (i > 700 ? 400 : 0)) * SECOND),
    values: Float64Array.from(at, (i) => (i % 97 === 5 ? Number.NaN : Math.sin(i / 40) + (i === 333 ? 9 : 0))),
    flags: Uint8Array.from(at, (i) => (i % 50 === 7 ? FLAGS.jumped : 0)),
  };
}

const endOf = ({ timesUs }: CurveData) => (timesUs.at(-1) as number) + 1;

/** As the page does it. */
function joined(old: DecimatedCurve, tail: DecimatedCurve, fromUs: number) {
  const kept = old.times.filter((ms) => ms < fromUs / 1000).length;
  const marks = old.flagged.times.filter((ms) => ms < fromUs / 1000).length;
  return {
    times: [...old.times.slice(0, kept), ...tail.times],
    values: [...old.values.slice(0, kept), ...tail.values],
    marks: [...old.flagged.times.slice(0, marks), ...tail.flagged.times],
  };
}

test("every extreme is drawn, with at most four points a column", () => {
  const all = curve(3000);
  const columns = columnsOf(START, endOf(all), 100);
  const drawn = decimate(all, START, endOf(all), columns);
  expect(Math.max(...drawn.values.map((value) => value ?? 0))).toBeCloseTo(9 + Math.sin(333 / 40), 6);
  const counts = new Map<number, number>();
  drawn.times.forEach((ms, i) => {
    const column = Math.floor((ms * 1000) / columns.columnUs);
    if (drawn.values[i] !== null) counts.set(column, (counts.get(column) ?? 0) + 1);
  });
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(4);
  expect(counts.size).toBeGreaterThan(45);
  expect(drawn.values.filter((value) => value === null)).toHaveLength(1);
});

test.each([100, 650, 701, 702, 1500, 2999])("a drawing of %i frames and its end make the whole one", (known) => {
  const whole = curve(3000);
  const columns = columnsOf(START, endOf(whole), 100);
  const before = curve(known);
  const changedUs = whole.timesUs[known] as number;
  const fromUs = columnStart(columns, changedUs);
  const old = decimate(before, START, endOf(before), columns);
  const tail = decimate(whole, START, endOf(whole), columns, fromUs);
  const { times, values, flagged } = decimate(whole, START, endOf(whole), columns);
  expect(joined(old, tail, fromUs)).toEqual({ times, values, marks: flagged.times });
});
