import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Chip } from "../../src/chip/chip.ts";
import { chipExtent, chipTypes, expandChip, gratingHalves, loadChip } from "../../src/chip/layout.ts";
import { packageRoot } from "../../src/system/files.ts";

const reference = join(process.env.PHOREST_REFERENCE ?? join(packageRoot(), "../shared/reference"), "Chip_map.json");

/** One sorted line per grating and label: what a chip is, whatever order its rules give. */
function canonical(chip: Chip): string {
  const line = (kind: string) => (one: { label: string; x: number; y: number; width: number; height: number }) =>
    `${kind} ${one.label} ${one.x} ${one.y} ${one.width} ${one.height}`;
  return [...chip.gratings.map(line("grating")), ...chip.labels.map(line("label"))].sort().join("\n");
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

interface MapEntry {
  label: string;
  "x-size": number;
  "y-size": number;
  label_origin?: [number, number];
  grating_origin?: [number, number];
}

describe("chip layouts", () => {
  it("are those of the four built-in chips", () => {
    expect(chipTypes()).toEqual(["IMEC-I", "IMECII_2", "IMECII_3", "IMECII_4"]);
    expect(chipTypes().map((type) => loadChip(type).gratings.length)).toEqual([10, 322, 27, 15]);
  });

  it("do not change unnoticed", () => {
    const digests = Object.fromEntries(
      chipTypes().map((type) => [type, sha256(canonical(loadChip(type))).slice(0, 16)]),
    );
    expect(digests).toMatchInlineSnapshot(`
      {
        "IMEC-I": "d5e74be3b6781b19",
        "IMECII_2": "3b473155c316e277",
        "IMECII_3": "3fccb9ce539e9d39",
        "IMECII_4": "ca71174e58a26d15",
      }
    `);
  });

  it("reproduce the established chip map to the micrometre", (context) => {
    if (!existsSync(reference)) {
      context.skip(`no chip map at ${reference}; set PHOREST_REFERENCE to compare`);
      return;
    }
    const map = JSON.parse(readFileSync(reference, "utf8")) as {
      chip: { chip_type: string; labels?: MapEntry[]; gratings?: MapEntry[] }[];
    };
    for (const type of chipTypes()) {
      const entry = map.chip.find((one) => one.chip_type === type);
      const box = (kind: string) => (one: MapEntry) => {
        const [x, y] = one.grating_origin ?? one.label_origin ?? [Number.NaN, Number.NaN];
        return `${kind} ${one.label} ${x} ${y} ${one["x-size"]} ${one["y-size"]}`;
      };
      const expected = [...(entry?.gratings ?? []).map(box("grating")), ...(entry?.labels ?? []).map(box("label"))];
      // The map of IMEC-I gives both gratings of a row the same label; ours tell left from right.
      const ours = canonical(loadChip(type)).split("\n");
      const renamed = type === "IMEC-I" ? ours.map((line) => line.replace(/^(grating \d)[LR]/, "$1")) : ours;
      expect(renamed.sort(), type).toEqual(expected.sort());
    }
  });

  it("have distinct labels and gratings that do not touch", () => {
    for (const type of chipTypes()) {
      const { gratings, labels } = loadChip(type);
      expect(new Set(gratings.map((one) => one.label)).size).toBe(gratings.length);
      expect(new Set(labels.map((one) => one.label)).size).toBe(labels.length);
      for (const a of gratings) {
        const touching = gratings.filter(
          (b) => a !== b && Math.abs(a.x - b.x) <= a.width && Math.abs(a.y - b.y) <= a.height,
        );
        expect(touching, `${type} ${a.label}`).toEqual([]);
      }
    }
  });

  it("divide a grating of IMECII_2 into a flipped lower half N and an upper half S", () => {
    const [north, south] = gratingHalves(loadChip("IMECII_2")).filter((half) => half.grating === "040A");
    expect(north).toEqual({
      grating: "040A",
      label: "040A_N",
      x: -2075,
      y: 1182.5,
      width: 250,
      height: 102.5,
      flip: true,
    });
    expect(south).toEqual({
      grating: "040A",
      label: "040A_S",
      x: -2075,
      y: 1080,
      width: 250,
      height: 102.5,
      flip: false,
    });
  });

  it("divide a grating of the other chips into a flipped left half A and a right half B", () => {
    const [left, right] = gratingHalves(loadChip("IMECII_4")).filter((half) => half.grating === "1A");
    expect(left).toEqual({ grating: "1A", label: "1A_A", x: -1600, y: 800, width: 500, height: 400, flip: true });
    expect(right).toEqual({ grating: "1A", label: "1A_B", x: -1100, y: 800, width: 500, height: 400, flip: false });
  });

  it("keep ruler marks off the labels and inside the chip", () => {
    const chip = loadChip("IMECII_2");
    const extent = chipExtent(chip);
    expect(chip.ticks.length).toBeGreaterThan(100);
    for (const tick of chip.ticks) {
      expect(tick.x).toBeGreaterThanOrEqual(extent.x);
      expect(tick.x + tick.width).toBeLessThanOrEqual(extent.x + extent.width);
    }
    // The corner 5--A shows two marks along the top and two down the side.
    const corner = chip.labels.find((label) => label.label === "5--A_corner");
    const inside = chip.ticks.filter((tick) => corner && tick.x >= corner.x && tick.y >= corner.y);
    expect(inside.map(({ x, y }) => [x, y])).toEqual([
      [2261, 2192.5],
      [2261, 2092.5],
      [2092.5, 2255],
      [2192.5, 2255],
    ]);
  });

  it("name what is wrong in a layout file", () => {
    expect(() => loadChip("IMECII_9")).toThrow(/unknown chip type "IMECII_9"/);
    expect(() => expandChip("type = ", "a.toml")).toThrow(/a\.toml is not valid TOML/);
    expect(() => expandChip('type = "x"\nauto_locate_gratings = 3', "a.toml")).toThrow(/a\.toml: auto_locate_gratings/);
  });

  it.each([
    ['label = "{column}{row_letter}"', 'label = "{column}"', /grating label "1" is used more than once/],
    ['label = "{column}{row_letter}"', 'label = "{colum}{row_letter}"', /unknown placeholder \{colum\}/],
    ['text = "{label}"', 'text = "X{row}"', /no outline of the character "X"/],
    ["pitch = [1100, -450]", "pitch = [1100, -150]", /gratings .* overlap/],
    ["rows = 9", "rows = 100000000", /lattice\.rows/],
  ])(
    "refuse a layout whose ROIs would overwrite each other or whose labels cannot be drawn: %s",
    (from, to, problem) => {
      const text = readFileSync(join(packageRoot(), "chips", "IMECII_3.toml"), "utf8");
      expect(text).toContain(from);
      expect(() => expandChip(text.replace(from, to), "a.toml")).toThrow(problem);
    },
  );
});
