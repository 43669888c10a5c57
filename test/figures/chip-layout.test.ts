import { expect, test } from "vitest";
import { chipLayout, plainLayout } from "../../src/figures/chip-layout.ts";
import type { Roi } from "../../src/measurement/roi.ts";

const roi = (label: string, x: number, y: number): Roi => ({ label, flip: false, x, y, width: 80, height: 30 });

test("the halves of a grating share a panel, and panels lie as in the picture", () => {
  const rois = [
    roi("2_N", 310, 132),
    roi("2_S", 310, 100),
    roi("1_N", 110, 133),
    roi("1_S", 110, 101),
    roi("4_N", 111, 332),
    roi("4_S", 110, 300),
    roi("5_S", 509, 300),
  ];
  expect(chipLayout(rois)?.map(({ panel, row, column }) => [panel, row, column])).toEqual([
    ["2", 0, 1],
    ["2", 0, 1],
    ["1", 0, 0],
    ["1", 0, 0],
    ["4", 1, 0],
    ["4", 1, 0],
    ["5", 1, 2],
  ]);
});

test("rows that are shifted by half a grating stay shifted", () => {
  const rows = [0, 1, 2, 3].flatMap((row) =>
    [0, 1, 2].map((column) => roi(`${row}${column}`, 100 + column * 200 + (row % 2) * 100, 100 + row * 150)),
  );
  const columns = chipLayout(rows)?.map(({ column }) => column);
  expect(columns).toEqual([0, 1, 2, 0.5, 1.5, 2.5, 0, 1, 2, 0.5, 1.5, 2.5]);
});

test("ROIs on no grid have no chip layout", () => {
  const scattered = Array.from({ length: 30 }, (_x, i) => roi(`R${i}`, (i * 7919) % 6000, i * 200));
  expect(chipLayout(scattered)).toBeUndefined();
  expect(chipLayout([roi("a", 0, 0), roi("b", 10, 0), roi("c", 200, 0), roi("d", 400, 0)])).toBeUndefined();
});

test("the plain layout gives each grating a place of its own", () => {
  const places = plainLayout(Array.from({ length: 30 }, (_x, i) => `${i}`));
  expect(new Set(places.map(({ row, column }) => `${row} ${column}`)).size).toBe(30);
});
