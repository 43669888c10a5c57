import { expect, test } from "vitest";
import { SetAside } from "../../src/system/set-aside.ts";

function atTime() {
  let nowMs = 0;
  const aside = new SetAside<number>({ firstRestMs: 1000, longestRestMs: 5000, now: () => nowMs });
  return { aside, pass: (ms: number) => (nowMs += ms) };
}

test("a file rests twice as long after each failure, up to a bound", () => {
  const { aside, pass } = atTime();
  for (const restMs of [1000, 2000, 4000, 5000, 5000]) {
    aside.add(7, "a.png", "too large");
    pass(restMs - 1);
    expect(aside.isResting(7)).toBe(true);
    expect(aside.resting()).toEqual([7]);
    pass(1);
    expect(aside.isResting(7)).toBe(false);
    expect(aside.resting()).toEqual([]);
    expect(aside.size).toBe(1);
  }
});

test("only a new reason is worth a line", () => {
  const { aside } = atTime();
  expect(aside.add(7, "a.png", "too large")).toBe(true);
  expect(aside.add(7, "a.png", "too large")).toBe(false);
  expect(aside.add(7, "a.png", "gone")).toBe(true);
  expect(aside.remove(7)).toBe(true);
  expect(aside.remove(7)).toBe(false);
  expect(aside.add(7, "a.png", "gone")).toBe(true);
});

test("files are listed with the next one to be tried first", () => {
  const { aside, pass } = atTime();
  aside.add(1, "a.png", "one");
  aside.add(1, "a.png", "one");
  pass(500);
  aside.add(2, "b.png", "two");
  expect(aside.files()).toEqual([
    { name: "b.png", reason: "two", failures: 1, nextTryInMs: 1000 },
    { name: "a.png", reason: "one", failures: 2, nextTryInMs: 1500 },
  ]);
  expect(aside.files(1)).toHaveLength(1);
  expect(aside.nextTryInMs).toBe(1000);
  pass(10_000);
  expect(aside.nextTryInMs).toBe(0);
  aside.keepOnly((key) => key === 2);
  expect(aside.files().map(({ name }) => name)).toEqual(["b.png"]);
  aside.clear();
  expect([aside.size, aside.nextTryInMs]).toEqual([0, undefined]);
});

test("a huge number of failures is still a finite rest", () => {
  const { aside } = atTime();
  for (let n = 0; n < 2000; n += 1) aside.add(1, "a.png", "one");
  expect(aside.nextTryInMs).toBe(5000);
});
