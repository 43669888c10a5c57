import { expect, test } from "vitest";
import { mapFigure } from "../../src/figures/map-figure.ts";
import { molar, molarUnit } from "../../src/figures/molar.ts";

test.each([
  [0, "1 M"],
  [-3, "1 mM"],
  [-8, "10 nM"],
  [-10, "100 pM"],
  [-16, "0.1 fM"],
])("10 to the power of %i M is %s", (exponent, text) => {
  expect(molar(exponent)).toBe(text);
});

test.each([
  [2, "M", 1],
  [3.96e-8, "nM", 1e9],
  [5e-7, "nM", 1e9],
  [1e-6, "µM", 1e6],
  [2e-17, "fM", 1e15],
  [0, "M", 1],
])("%d M is drawn in %s", (typical, unit, factor) => {
  expect(molarUnit(typical)).toEqual({ unit, factor: expect.closeTo(factor, 3) });
});

test("a map of concentrations has the unit that suits them, also in given limits; other quantities keep theirs", () => {
  const cells = [3e-8, 5e-8, Number.NaN].map((value, at) => ({
    label: `${at}`,
    left: at,
    right: at + 0.5,
    top: 0,
    bottom: 1,
    value,
    flagged: false,
  }));
  const options = { title: "", subtitle: [], name: "KD", diverging: false };
  const molarMap = JSON.stringify(mapFigure(cells, { ...options, unit: "M", limits: [1e-8, 6e-8] }));
  expect(molarMap).toContain('"title":"KD (nM)"');
  expect(molarMap).toMatch(/"extent":\[10,(60|59\.99)/);
  const plain = JSON.stringify(mapFigure(cells, { ...options, unit: "px", limits: undefined }));
  expect(plain).toContain('"title":"KD (px)"');
  expect(plain).toContain('"value":3e-8');
});
