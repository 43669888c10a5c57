// Labels and gratings of real optics and a real print do not agree with one pose to a fraction of a pixel: light that fills gratings
// less than their boxes, a label layer beside the gratings' one, a lens, a picture that was enlarged, boxes drawn over labels.
import { describe, expect, it } from "vitest";
import { LabelPatterns } from "../../src/calibration/label-search.ts";
import { type Located, locateChip } from "../../src/calibration/locate.ts";
import { type Point, type Pose, toPicture } from "../../src/calibration/pose.ts";
import { describeCalibration, orientationOf } from "../../src/calibration/report.ts";
import { View } from "../../src/calibration/view.ts";
import type { Chip } from "../../src/chip/chip.ts";
import { chipTypes, loadChip } from "../../src/chip/layout.ts";
import type { Picture } from "../../src/image/picture.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { throughLens } from "./photographs.ts";
import { cornerError, reorient } from "./pictures.ts";

const chips = chipTypes().map(loadChip);
const imecii2 = loadChip("IMECII_2");
const patterns = new LabelPatterns();
const SIZE = { width: 929, height: 705 };
const SCALE = 0.1436;
/** The chip's middle in the middle of the picture. */
const WINDOW = { x: -464.5 / SCALE, y: -352.5 / SCALE };
const POSE: Pose = { angleDegrees: 0, pxPerUm: SCALE, mirrored: false, x: 464.5, y: 352.5 };

/** The chip printed otherwise than drawn: gratings lower by `inset` at both ends, narrower by `narrow`, labels moved by `shift`, µm. */
function printed(inset: number, narrow: number, shift: Point): Chip {
  const moved = <T extends Point>(one: T): T => ({ ...one, x: one.x + shift.x, y: one.y + shift.y });
  return {
    ...imecii2,
    gratings: imecii2.gratings.map((one) => ({
      ...one,
      x: one.x + narrow,
      width: one.width - 2 * narrow,
      y: one.y + inset,
      height: one.height - 2 * inset,
    })),
    labels: imecii2.labels.map(moved),
    ticks: imecii2.ticks.map(moved),
  };
}

function shown(chip: Chip): Picture {
  return createSimulator({ chip, ...SIZE, pxPerUm: SCALE, angleDegrees: 0, window: WINDOW, seed: 3 }).render(0, 0);
}

/** The picture through a lens that moves a corner by the share `bend` of its distance from the middle. */
function bentBy(picture: Picture, bend: number): { picture: Picture; bent: (point: Point) => Point } {
  const light = Float32Array.from(picture.pixels);
  const [seen, bent] = throughLens(light, picture, { x: 440, y: 380 }, bend);
  return { picture: { ...picture, pixels: Uint8Array.from(seen, (value) => Math.round(value)) }, bent };
}

function found(picture: Picture): Located {
  const search = locateChip(picture, chips, patterns);
  if ("doubt" in search) throw new Error(search.doubt.reason);
  expect(search.found.chip.type).toBe("IMECII_2");
  return search.found;
}

describe("a chip that is printed and shown otherwise than drawn", () => {
  it.each([
    ["gratings lower than their boxes, labels shifted, a cushion", 10, 4, { x: 4, y: -3 }, 0.006],
    ["the same through a barrel, labels shifted the other way", 8, 3, { x: -3, y: 5 }, -0.006],
    ["as drawn, through a cushion", 0, 0, { x: 0, y: 0 }, 0.006],
  ])("is laid on its gratings: %s", (_, inset, narrow, shift, bend) => {
    const { picture, bent } = bentBy(shown(printed(inset, narrow, shift)), bend);
    const located = found(picture);
    expect(cornerError({ picture, chip: imecii2, pose: POSE, bent, description: "" }, located.pose)).toBeLessThan(0.5);
    const [insetY = 0, , shiftX = 0, shiftY = 0] = located.deviations;
    expect(insetY).toBeCloseTo(inset * SCALE, 0);
    expect(Math.abs(shiftX - shift.x * SCALE)).toBeLessThan(0.25);
    expect(Math.abs(shiftY - shift.y * SCALE)).toBeLessThan(0.25);
  });

  it.each([
    ["IMECII_2", 1.09],
    ["IMECII_3", 1.03],
    ["IMECII_3", 1.06],
    ["IMEC-I", 1.03],
  ])(
    "is not taken for one of a larger pitch, whose gratings are as much too narrow as too low: %s × %d",
    (type, by) => {
      const chip = loadChip(type);
      const apart = <T extends Point>(one: T): T => ({ ...one, x: one.x * by, y: one.y * by });
      const wider = { ...chip, gratings: chip.gratings.map(apart), labels: chip.labels.map(apart), ticks: [] };
      const [size, pxPerUm] = type === "IMECII_2" ? [SIZE, SCALE] : [{ width: 1280, height: 972 }, 0.18];
      const window = { x: -size.width / 2 / pxPerUm, y: -size.height / 2 / pxPerUm };
      const picture = createSimulator({ chip: wider, ...size, pxPerUm, angleDegrees: 0.4, window, seed: 22 }).render(
        0,
        0,
      );
      const search = locateChip(picture, chips, patterns);
      expect(search).toHaveProperty("doubt");
    },
  );

  it("is laid as well where the picture was enlarged", () => {
    const { picture, bent } = bentBy(shown(printed(10, 4, { x: 4, y: -3 })), 0.006);
    const by = 3;
    const located = found(enlarged(picture, by));
    const pose = { ...POSE, pxPerUm: by * SCALE, x: by * POSE.x, y: by * POSE.y };
    const bentThere = ({ x, y }: Point) => {
      const at = bent({ x: x / by, y: y / by });
      return { x: by * at.x, y: by * at.y };
    };
    const shot = { picture: enlarged(picture, by), chip: imecii2, pose, bent: bentThere, description: "" };
    expect(cornerError(shot, located.pose) / by).toBeLessThan(0.5);
  });
});

/** The picture with `by` times as many pixels across and down, values between the old ones. */
function enlarged(picture: Picture, by: number): Picture {
  const [width, height] = [by * picture.width, by * picture.height];
  const at = (x: number, y: number) =>
    picture.pixels[
      Math.max(0, Math.min(picture.height - 1, y)) * picture.width + Math.max(0, Math.min(picture.width - 1, x))
    ] as number;
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [((i % width) + 0.5) / by - 0.5, (Math.floor(i / width) + 0.5) / by - 0.5];
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const upper = at(left, top) * (1 - x + left) + at(left + 1, top) * (x - left);
    const lower = at(left, top + 1) * (1 - x + left) + at(left + 1, top + 1) * (x - left);
    return Math.round(upper * (1 - y + top) + lower * (y - top));
  });
  return { ...picture, pixels, width, height };
}

describe("labels under boxes drawn into the picture", () => {
  it("are named, do not count as missing, and do not move the chip", () => {
    const picture = shown(imecii2);
    const hidden = imecii2.labels.filter(({ label }) => /-(Left|Bottom)$/.test(label));
    for (const label of hidden) drawBox(picture, label);
    const located = found(picture);
    expect([...located.covered].sort()).toEqual(hidden.map(({ label }) => label).sort());
    expect(cornerError({ picture, chip: imecii2, pose: POSE, description: "" }, located.pose)).toBeLessThan(0.3);
    const { summary } = describeCalibration(new View(picture), patterns, located);
    expect(summary.labels_covered).toHaveLength(hidden.length);
    expect(summary.notes.join("\n")).toMatch(/labels .*B-Left.* are covered/);
  });
});

/** A white box, filled but for a pixel, where the established system marks a label. */
function drawBox({ pixels, width }: Picture, label: { x: number; y: number; width: number; height: number }): void {
  const from = toPicture(POSE, label);
  const to = toPicture(POSE, { x: label.x + label.width, y: label.y + label.height });
  for (let y = Math.floor(from.y) - 1; y <= to.y + 1; y++) {
    pixels.fill(255, y * width + Math.floor(from.x) - 1, y * width + Math.ceil(to.x) + 1);
  }
}

describe("the orientation", () => {
  it.each([
    [0, false, "flipped top to bottom"],
    [1, false, "flipped top to bottom, then turned by 90° clockwise"],
    [2, false, "flipped left to right"],
    [3, false, "flipped top to bottom, then turned by 90° counterclockwise"],
    [0, true, "upright"],
    [2, true, "turned by 180°"],
    [1, true, "turned by 90° counterclockwise"],
  ])(
    "of a usual picture turned by %i quarters, mirrored %s, is said against readable labels: %s",
    (quarters, mirrored, words) => {
      const { pose } = reorient(shown(imecii2), POSE, quarters, mirrored);
      expect(orientationOf(pose)).toBe(words);
    },
  );
});

describe("a picture with few gratings", () => {
  it("of an IMECII_4 as the simulator shows it by default is enough: two gratings wholly in view, with their labels", () => {
    const simulator = createSimulator({ chipType: "IMECII_4" });
    const picture = simulator.render(0, 0);
    const search = locateChip(picture, chips, patterns);
    if ("doubt" in search) throw new Error(search.doubt.reason);
    const described = describeCalibration(new View(picture), patterns, search.found);
    const places = (rois: readonly { label: string; x: number; y: number }[]) =>
      new Map(rois.map(({ label, x, y }) => [label, { x, y }]));
    const ours = places(described.layout.rois);
    const truth = places(simulator.roiManifest().rois);
    expect([...ours.keys()].sort()).toEqual([...truth.keys()].sort());
    for (const [label, { x, y }] of truth) {
      expect(Math.abs((ours.get(label)?.x ?? 0) - x), label).toBeLessThanOrEqual(1);
      expect(Math.abs((ours.get(label)?.y ?? 0) - y), label).toBeLessThanOrEqual(1);
    }
  });
});
