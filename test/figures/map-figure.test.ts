import { expect, test } from "vitest";
import { mapFigure } from "../../src/figures/map-figure.ts";

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
  expect(molarMap).toMatch(/"domain":\[10,(60|59\.99)/);
  const plain = JSON.stringify(mapFigure(cells, { ...options, unit: "px", limits: undefined }));
  expect(plain).toContain('"title":"KD (px)"');
  expect(plain).toContain('"value":3e-8');
});
