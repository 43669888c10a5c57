import { expect, test } from "vitest";
import { concentrationText, concentrationUnit, molarOf } from "../../src/measurement/concentration.ts";

test.each([
  ["50 nM", 5e-8, "50 nM"],
  ["50nM", 5e-8, "50 nM"],
  ["0,5 µM", 5e-7, "500 nM"],
  ["0.5 μM", 5e-7, "500 nM"],
  ["2.5uM", 2.5e-6, "2.5 µM"],
  ["1e-8 M", 1e-8, "10 nM"],
  ["3 pM", 3e-12, "3 pM"],
  ["0.2 fM", 2e-16, "0.2 fM"],
  ["1500 mM", 1.5, "1.5 M"],
  ["0 nM", 0, "0 M"],
])("%s is %s M", (text, molar, shown) => {
  expect(molarOf(text)).toBe(molar);
  expect(concentrationText(molar)).toBe(shown);
  expect(molarOf(concentrationText(molar))).toBe(molar);
});

test.each(["50", "nM", "50 ug/ml", "5 nm", "1.2.3 nM", "", "1 2 nM", "Infinity M"])(
  "%s is no concentration",
  (text) => {
    expect(molarOf(text)).toBeUndefined();
  },
);

test.each([
  [0, "1 M"],
  [-3, "1 mM"],
  [-8, "10 nM"],
  [-10, "100 pM"],
  [-16, "0.1 fM"],
])("10 to the power of %i M is %s", (exponent, text) => {
  expect(concentrationText(10 ** exponent)).toBe(text);
});

test.each([
  [2, "M", 1],
  [3.96e-8, "nM", 1e9],
  [5e-7, "nM", 1e9],
  [1e-6, "µM", 1e6],
  [2e-17, "fM", 1e15],
  [0, "M", 1],
])("%d M is drawn in %s", (typical, unit, factor) => {
  expect(concentrationUnit(typical)).toEqual({ unit, factor: expect.closeTo(factor, 3) });
});
