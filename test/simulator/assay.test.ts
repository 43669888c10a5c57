// Injections on the simulated chip, against closed solutions and a fine integration of the same equations.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { loadChip } from "../../src/chip/layout.ts";
import { AssayOnChip } from "../../src/simulator/assay.ts";
import { ASSAY_PRESETS, assayOf, parseAssay } from "../../src/simulator/assay-settings.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { Surface } from "../../src/simulator/surface.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const SHARP = { delaySeconds: 0, widthSeconds: 0 };
const SAMPLE = `
[[injections]]
solution = "antibody"
concentration = "50 nM"
start = 100
seconds = 200
`;
const KINETICS = { gratings: ["*"], solutions: ["*"], ka: 2e5, kd: 2e-3, rmax_px: 4 };
const [KA_C, KD] = [2e5 * 50e-9, 2e-3];

test("receptors fill and empty as the Langmuir model says, at any moment and in any order", () => {
  const surface = new Surface(parseAssay(SAMPLE, "test"), KINETICS, SHARP);
  const rise = (seconds: number) => (KA_C / (KA_C + KD)) * (1 - Math.exp(-(KA_C + KD) * seconds));
  const after = (seconds: number) => {
    if (seconds < 100) return 0;
    return seconds < 300 ? rise(seconds - 100) : rise(200) * Math.exp(-KD * (seconds - 300));
  };
  for (const seconds of [3000, 99, 100.3, 123.45, 299.9, 300, 777.7, 5]) {
    expect(surface.at(seconds).occupied, String(seconds)).toBeCloseTo(after(seconds), 9);
  }
});

test("transport to the surface slows binding as the differential equation says; a regeneration empties it", () => {
  const kt = 4e5;
  const regeneration = '\n[[injections]]\nsolution = "acid"\ntype = "regeneration"\nstart = 600\nseconds = 60\n';
  const surface = new Surface(parseAssay(SAMPLE + regeneration, "test"), { ...KINETICS, kt }, SHARP);
  const slope = (occupied: number, molar: number) =>
    (KINETICS.ka * molar * (1 - occupied) - KD * occupied) / (1 + (KINETICS.ka * 4 * (1 - occupied)) / kt);
  let occupied = 0;
  const step = 0.005;
  for (let at = 0; at < 500 / step; at += 1) {
    const molar = at * step >= 100 && at * step < 300 ? 50e-9 : 0;
    const middle = occupied + (slope(occupied, molar) * step) / 2;
    occupied += slope(middle, molar) * step;
    if ((at + 1) % (100 / step) === 0) {
      const seconds = Math.round((at + 1) * step);
      expect(surface.at(seconds).occupied, String(seconds)).toBeCloseTo(occupied, 5);
    }
  }
  expect(occupied).toBeGreaterThan(0.1);
  expect(surface.at(660).occupied).toBeLessThan(1e-6);
});

test("what sticks to the surface comes with the concentration, on references too", () => {
  const assay = parseAssay(`${SAMPLE}[nonspecific]\non_px_per_molar_second = 2e5\noff_per_second = 0\n`, "test");
  const surface = new Surface(assay, undefined, SHARP);
  expect(surface.at(400)).toEqual({ occupied: 0, nonspecific: expect.closeTo(2e5 * 50e-9 * 200, 6) });
});

describe("an assay on a chip", () => {
  const chip = loadChip("IMECII_2");
  const text = `references = ["001A"]
sensitivity_spread = 0
drift_px_per_hour = 36
[flow]
speed_um_per_second = 100
direction_degrees = 90
dead_seconds = 10
front_width_seconds = 2
[[kinetics]]
gratings = ["*A"]
ka = 1e6
kd = 0
rmax_px = 3
[[injections]]
solution = "antibody"
concentration = "1 µM"
refractive_index = 1.3335
start = 100
seconds = 300
[[bubbles]]
gratings = ["002A"]
start = 50
seconds = 5
`;
  const on = new AssayOnChip(parseAssay(text, "test"), chip, 1, () => false);
  const band = (grating: string) => {
    return { half: { label: `${grating}_N`, grating, flip: false, x: 0, y: 0, width: 1, height: 1 }, affinity: 0.5 };
  };

  it("has fronts that cross it with the flow and widen on the way", () => {
    const fronts = chip.gratings.map(({ label, y, height }) => ({ y: y + height / 2, ...on.truthOf(label).front }));
    const first = Math.min(...fronts.map(({ y }) => y));
    for (const { y, delaySeconds, widthSeconds } of fronts) {
      expect(delaySeconds).toBeCloseTo(10 + (y - first) / 100, 9);
      expect(widthSeconds).toBeCloseTo(2 * Math.sqrt(delaySeconds / 10), 9);
    }
  });

  it("moves gratings by binding, liquid and drift, references by the last two", () => {
    const drift = 36 * (380 / 3600);
    const bulk = 2000 * 0.0005;
    expect(on.at(band("001A"), 380).shift).toBeCloseTo(bulk + drift, 5);
    expect(on.at(band("001B"), 380).shift).toBeCloseTo(bulk + drift, 5);
    expect(on.at(band("002A"), 380).shift).toBeCloseTo(0.5 * 3 + bulk + drift, 4);
  });

  it("has a bubble where and while it passes", () => {
    const { delaySeconds } = on.truthOf("002A").front;
    expect(on.at(band("002A"), 52 + delaySeconds).bubble).toBe(true);
    expect(on.at(band("002A"), 52 + delaySeconds).shift).toBeLessThan(-600);
    expect(on.at(band("002A"), 56 + delaySeconds).bubble).toBe(false);
    expect(on.at(band("003A"), 52 + delaySeconds).bubble).toBe(false);
  });
});

test("the simulator plays the assay, and says what is true of every ROI", () => {
  const simulator = createSimulator({ width: 640, height: 480, assay: assayOf("ethanol") });
  const truth = simulator.assayTruth();
  expect([...truth.keys()]).toEqual(simulator.roiManifest().rois.map(({ label }) => label));
  for (const [label, { shift, reference, bubble }] of simulator.truth(860)) {
    const { sensitivityPxPerRiu, driftPxPerHour, rmaxPx } = truth.get(label) ?? {};
    const expected = (sensitivityPxPerRiu ?? 0) * (1.3354 - 1.333) + ((driftPxPerHour ?? 0) * 860) / 3600;
    expect(shift, label).toBeCloseTo(expected, 3);
    expect([rmaxPx, bubble]).toEqual([0, false]);
    expect(typeof reference).toBe("boolean");
  }
  const binding = createSimulator({ width: 640, height: 480, assay: assayOf("binding") });
  const bound = [...binding.assayTruth().values()];
  for (const { reference, rmaxPx } of bound) expect(rmaxPx > 0).toBe(!reference);
  // Without an assay the truth is as it always was.
  expect(createSimulator({ width: 640, height: 480 }).assayTruth().size).toBe(0);
});

test("a file begins with a preset and says what is different", () => {
  expect(ASSAY_PRESETS).toEqual(["binding", "ethanol"]);
  const file = join(temporaryDirectory("phorest-assay-"), "mine.toml");
  writeFileSync(file, 'preset = "ethanol"\nbuffer_index = 1.3325\n[flow]\nspeed_um_per_second = 50\n');
  const [mine, usual] = [assayOf(file), assayOf("Ethanol")];
  expect(mine).toEqual({ ...usual, buffer_index: 1.3325, flow: { ...usual.flow, speed_um_per_second: 50 } });
  expect(assayOf("binding").injections.filter(({ type }) => type === "sample")).toHaveLength(6);
  expect(existsSync(file) && readFileSync(file, "utf8")).toContain("preset");
});

test.each([
  ["[[injections]]", "injections, number 1"],
  [
    SAMPLE.replace("50 nM", "50"),
    'injections, number 1, concentration: needs a number and a unit (M, mM, uM, nM, pM, fM), such as "50 nM", not "50"',
  ],
  [SAMPLE.replace("50 nM", "0 nM"), "a sample needs a concentration above 0"],
  [`${SAMPLE}type = "blank"`, "a blank has no concentration, not 50 nM"],
  [`${SAMPLE}type = "calibration"`, "a calibration needs a refractive_index"],
  [SAMPLE.replace("seconds = 200", "seconds = -5"), "seconds"],
  [SAMPLE + SAMPLE.replace("start = 100", "start = 250"), '"antibody" starts at 250 s, before "antibody" ends'],
  ["speed = 3", "speed"],
  ["a = [", "is not valid TOML"],
  ['preset = "bindng"', 'there is no assay "bindng" to begin with'],
])("refuses %j in one line", (text, message) => {
  let refused: unknown;
  try {
    parseAssay(text, "mine.toml");
  } catch (error) {
    refused = error;
  }
  expect(String(refused)).toContain(message);
  expect(String(refused)).toContain("mine.toml");
  expect(refused).toMatchObject({ code: "usage.invalid" });
});
