import { expect, test } from "vitest";
import { batchOf } from "../../src/stages/syncer/pictures.ts";

const range = (first: number, count: number) => Array.from({ length: count }, (_, nth) => first + nth);

test("recent images come early in a batch, so that they are copied even where a share is too slow for the whole of it", () => {
  const [oldest, newest] = [range(1, 24), range(101, 8)];
  const batch = batchOf(oldest, newest);
  expect(batch.slice(0, 9)).toEqual([1, 2, 3, 101, 4, 5, 6, 102, 7]);
  expect(batch.toSorted((a, b) => a - b)).toEqual([...oldest, ...newest]);
  expect(batchOf(oldest, [101]).slice(0, 6)).toEqual([1, 2, 3, 101, 4, 5]);
  expect(batchOf([1, 2, 3, 4], [])).toEqual([1, 2, 3, 4]);
});
