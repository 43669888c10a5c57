// Injections in the drawings of the page and in the files that it saves.
import { expect, test } from "vitest";
import { curvesSvg } from "../../src/web/app/curves-svg.ts";
import { placedInjections } from "../../src/web/app/injection-places.ts";
import type { InjectionView } from "../../src/web/evaluation-views.ts";
import type { CurvesView } from "../../src/web/views.ts";

const injection = (id: number, start: number, more: Partial<InjectionView> = {}): InjectionView => ({
  ...{ id, cycle: id, solution: "antibody", type: "sample", concentration: 5e-8, refractiveIndex: null },
  ...{ start, end: start + 100, dissociationEnd: null, note: "" },
  ...more,
});

test("the name has its concentration, and becomes shorter where there is little room", () => {
  const list = [injection(1, 0), injection(2, 1000, { type: "blank", concentration: null }), injection(3, 1200)];
  const named = (pxPerMs: number) => placedInjections(list, 2000, (ms) => ms * pxPerMs).map(({ name }) => name);
  expect(named(1)).toEqual(["antibody, 50 nM", "antibody", "antibody, 50 nM"]);
  expect(named(0.1)).toEqual(["antibody", "2", "antibody"]);
  expect(named(0.05)).toEqual(["1", undefined, "3"]);
  // An open dissociation ends with the next injection, or with the last frame.
  expect(placedInjections(list, 2000, (ms) => ms).map(({ end }) => end)).toEqual([1000, 1200, 2000]);
});

test("a saved drawing shows the injections of its time, as the page does", () => {
  const view: CurvesView = {
    ...{ key: "", outcome: 0, frames: 2, joined: false, changes: [], span: [0, 2000], more: 0 },
    baseline: { from: 0, to: 100, chosen: false, why: "" },
    ...{ references: [], unknown: [], curves: [], temperatures: [], baselineWords: [] },
  };
  const drawing = { title: "", view, markers: [], quantity: "shift", unit: "px", injections: [injection(1, 500)] };
  const shades = (svg: string) => [
    ...svg.matchAll(/width="([\d.]+)" height="450" fill="#14623a" opacity="0.(16|06)"/g),
  ];
  const whole = curvesSvg({ ...drawing, from: 0, to: 2000 });
  expect(whole).toContain(">antibody, 50 nM</text>");
  // 100 ms and 1400 ms of 2000 ms on 780 px.
  expect(shades(whole).map(([, width, shade]) => [width, shade])).toEqual([
    ["39.0", "16"],
    ["546.0", "06"],
  ]);
  const before = curvesSvg({ ...drawing, from: 0, to: 400 });
  expect(shades(before)).toEqual([]);
  expect(before).not.toContain("antibody");
});
