// Which sensitivity a curve has: measured, of its grating, configured, or none.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inRiu, meanSensitivity } from "../../src/assay/precision.ts";
import { sensitivitiesFor, sensitivityReader } from "../../src/assay/sensitivity.ts";
import { loadConfig, sensitivityPath } from "../../src/config/config.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

function configured(toml: string, curves?: unknown) {
  const root = temporaryDirectory();
  writeFileSync(join(root, "config.toml"), toml);
  const { config } = loadConfig(join(root, "config.toml"));
  if (curves !== undefined) {
    mkdirSync(config.Assets.generated_files_dir, { recursive: true });
    writeFileSync(join(config.Assets.generated_files_dir, "sensitivity.json"), JSON.stringify(curves));
  }
  return config;
}

const CURVES = {
  curves: [
    { label: "001A", px_per_riu: 1000, standard_error: 10 },
    { label: "001A_N", px_per_riu: 900, standard_error: 20 },
    { label: "002A", px_per_riu: 1000, standard_error: 210 },
    { label: "003A", px_per_riu: null, standard_error: null },
  ],
};

test("a measured sensitivity comes before a configured one; a half without one has its grating's", () => {
  const of = sensitivitiesFor(configured("[Analysis]\nsensitivity_px_per_riu = 2500\n", CURVES));
  expect(of("001A")).toEqual({ pxPerRiu: 1000, errorPxPerRiu: 10 });
  expect(of("001A_N")).toEqual({ pxPerRiu: 900, errorPxPerRiu: 20 });
  expect(of("001A_S")).toEqual({ pxPerRiu: 1000, errorPxPerRiu: 10 });
  for (const label of ["002A", "003A", "004A_N"]) {
    expect(of(label), label).toEqual({ pxPerRiu: 2500, errorPxPerRiu: undefined });
  }
});

test("without a configured one, what is not measured to 20 % has none", () => {
  const of = sensitivitiesFor(configured("", CURVES));
  expect(of("001A")).toBeDefined();
  expect(["002A", "003A", "004A_N"].map(of)).toEqual([undefined, undefined, undefined]);
});

test.each([
  ["no list", {}, "it has no list `curves`"],
  [
    "text for a number",
    { curves: [{ label: "001A", px_per_riu: "1000", standard_error: 1 }] },
    "it has no list `curves`",
  ],
])("a file with %s is refused with its path and what to do", (_name, content, why) => {
  expect(() => sensitivitiesFor(configured("", content))).toThrow(
    expect.objectContaining({ code: "config.invalid", message: expect.stringContaining(why) }),
  );
});

test("a reader reads the file again only if it has changed, appeared or disappeared", () => {
  const config = configured("", CURVES);
  const read = sensitivityReader(config);
  const first = read();
  expect(first("001A")?.pxPerRiu).toBe(1000);
  expect(read()).toBe(first);
  const path = sensitivityPath(config);
  // As many bytes as before.
  writeFileSync(path, JSON.stringify(CURVES).replace('"px_per_riu":1000', '"px_per_riu":1500'));
  expect(read()("001A")?.pxPerRiu).toBe(1500);
  rmSync(path);
  expect(read()("001A")).toBeUndefined();
  writeFileSync(path, "{");
  // A file that cannot be read is refused each time.
  for (let time = 0; time < 2; time++) expect(read).toThrow(expect.objectContaining({ code: "config.invalid" }));
  writeFileSync(path, JSON.stringify(CURVES));
  expect(read()("001A")?.pxPerRiu).toBe(1000);
});

test("the mean of curves has the mean of their sensitivities, and none if one is missing", () => {
  const [a, b] = [
    { pxPerRiu: 1000, errorPxPerRiu: 30 },
    { pxPerRiu: 1200, errorPxPerRiu: 40 },
  ];
  expect(meanSensitivity([a, b])).toEqual({ pxPerRiu: 1100, errorPxPerRiu: 25 });
  // One configured value: its error does not become smaller by using it twice.
  expect(meanSensitivity([a, { ...a }])).toEqual(a);
  expect(meanSensitivity([a, undefined])).toBeUndefined();
  expect(meanSensitivity([])).toBeUndefined();
});

test("a resonance that moves to the left has a negative sensitivity, and errors above 0", () => {
  const { value, error } = inRiu(-2, 0.02, { pxPerRiu: -2000, errorPxPerRiu: 20 });
  expect(value).toBeCloseTo(0.001, 12);
  expect(error).toBeCloseTo(Math.hypot(0.02, 0.02) / 2000, 12);
});
