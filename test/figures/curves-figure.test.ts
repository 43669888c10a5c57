import { expect, test } from "vitest";
import { type CurvesLook, curvesFigure, rollingFigure } from "../../src/figures/curves-figure.ts";
import { UTC } from "../../src/system/time-zone.ts";

const FIRST_MS = Date.UTC(2026, 2, 4, 12);

const timesUs = Float64Array.from({ length: 61 }, (_x, at) => (FIRST_MS + 10_000 * at) * 1000);
const curve = {
  label: "052A",
  timesUs,
  values: timesUs.map((_t, at) => at / 60),
  flags: new Uint8Array(timesUs.length),
};

/** A curve of ten minutes, an injection after two of them and a marker after the end. */
function look(clock: boolean): CurvesLook {
  return {
    title: "",
    subtitle: [],
    size: { width: 600 },
    quantity: "Shift (px)",
    limits: undefined,
    firstMs: FIRST_MS,
    clock,
    zone: UTC,
    markers: [
      { timeMs: FIRST_MS + 120_000, text: "antibody 40 nM" },
      { timeMs: FIRST_MS + 3_600_000, text: "after the end" },
    ],
  };
}

/** Every row of data below `part` that has a text. */
function texts(part: unknown): { t: number; text: string }[] {
  if (typeof part !== "object" || part === null) return [];
  const own =
    "text" in part && "t" in part && typeof part.text === "string" ? [part as { t: number; text: string }] : [];
  return [...own, ...Object.values(part).flatMap(texts)];
}

test.each([
  ["since the first frame", false, 2],
  ["of the day", true, FIRST_MS + 120_000],
])("injections within the curves are drawn at their time %s", (_name, clock, t) => {
  const drawn = texts(curvesFigure([curve], look(clock)));
  expect(new Set(drawn.map(({ text }) => text))).toEqual(new Set(["antibody 40 nM"]));
  expect(new Set(drawn.map((marker) => marker.t))).toEqual(new Set([t]));
});

test("below the rolling median a line has no text of its own", () => {
  const { vconcat } = rollingFigure([curve], 5, look(false)) as unknown as {
    vconcat: { layer: { mark: unknown }[] }[];
  };
  const kinds = vconcat.map(({ layer }) => JSON.stringify(layer.map(({ mark }) => mark)));
  expect(kinds.map((marks) => marks.includes('"rule"'))).toEqual([true, true]);
  expect(kinds.map((marks) => marks.includes('"text"'))).toEqual([true, false]);
});
