// `Analysis.pair_form = "sum"`: curves, groups and panels of the page are twice as large in px, and the same in RIU.
import { expect, test } from "vitest";
import { inRiu } from "../../src/web/app/in-riu.ts";
import type { CurvesView, PanelsView } from "../../src/web/views.ts";
import { serving } from "./server.ts";

const SENSITIVITY = "sensitivity_px_per_riu = 2500\nsensitivity_error_px_per_riu = 50";

async function shown(form: "half" | "sum") {
  const { address } = await serving({ frames: 20, analysis: `pair_form = "${form}"\n${SENSITIVITY}` });
  const get = async <T>(path: string) => (await (await fetch(`${address}api/${path}`)).json()) as T;
  return {
    curves: await get<CurvesView>("curves?pairs=1&roi=000A&roi=group:A&own=1&reference=003A"),
    panels: await get<PanelsView>("panels?pairs=1"),
  };
}

const twice = (values: readonly (number | null)[] = []) => values.map((one) => one && 2 * one);

function expectClose(found: readonly (number | null)[] = [], expected: readonly (number | null)[] = []) {
  expect(found).toHaveLength(expected.length);
  for (const [at, one] of found.entries()) expect(one).toBeCloseTo(expected[at] ?? Number.NaN, 3);
}

test("sums of halves are twice their half sums, and the same in RIU", async () => {
  const [half, sum] = [await shown("half"), await shown("sum")];
  expect(half.curves.curves.map(({ label }) => label)).toEqual(["000A", "group A"]);
  half.curves.curves.forEach((curve, at) => {
    const other = sum.curves.curves[at];
    expect(curve.values.length).toBeGreaterThan(10);
    expectClose(other?.values, twice(curve.values));
    expectClose(other?.errors, twice(curve.errors));
    expect(other?.sensitivity?.pxPerRiu).toBe(2 * (curve.sensitivity?.pxPerRiu ?? 0));
  });
  const inIndex = (view: CurvesView) => inRiu(view).curves.map(({ values }) => values.map((one) => 1e6 * (one ?? 0)));
  const [one, other] = [inIndex(half.curves), inIndex(sum.curves)];
  for (const [at, values] of one.entries()) {
    for (const [place, riu] of values.entries()) expect(other[at]?.[place]).toBeCloseTo(riu, -1);
  }
  const [ofHalf, ofSum] = [half.panels.columns, sum.panels.columns];
  expect(ofHalf.length).toBeGreaterThan(1);
  for (const [at, { values }] of ofHalf.entries()) expectClose(ofSum[at]?.values, twice(values));
});

test("in RIU a value has the error of its shift and of the sensitivity; without a sensitivity there is no value", async () => {
  const { curves } = await shown("half");
  const [curve] = curves.curves;
  if (curve === undefined) throw new Error("there is no curve");
  const [riu, none] = inRiu({ ...curves, curves: [curve, { ...curve, sensitivity: undefined }] }).curves;
  const last = curve.values.length - 1;
  const [px, error] = [curve.values[last] ?? 0, curve.errors[last] ?? 0];
  expect(riu?.values[last]).toBeCloseTo(px / 2500, 12);
  expect(riu?.errors[last]).toBeCloseTo(Math.hypot(error, (px / 2500) * 50) / 2500, 12);
  expect(none?.values.every((value) => value === null)).toBe(true);
  expect(none?.noise).toBeNull();
});
