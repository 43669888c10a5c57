// The one real photograph of a chip there is, with gaps between gratings measured in it by another program. It is not in the
// repository: PHOREST_REAL names its directory, else ../shared/real beside the repository.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { describe, expect, it } from "vitest";
import { calibratePicture } from "../../src/calibration/calibrate.ts";
import { LabelPatterns } from "../../src/calibration/label-search.ts";
import { fromAligned, type Point, toPicture } from "../../src/calibration/pose.ts";
import { chipTypes, gratingHalves, loadChip } from "../../src/chip/layout.ts";
import type { Picture } from "../../src/image/picture.ts";
import { packageRoot } from "../../src/system/files.ts";

const directory = process.env.PHOREST_REAL ?? join(packageRoot(), "../shared/real");
const file = join(directory, "chip-photograph.png");
const missing = !existsSync(file);
const SIZE = { width: 929, height: 705 };

interface Gap {
  readonly axis: "x" | "y";
  readonly chip_um: readonly [number, number];
  readonly px: number;
}

/** One way of showing the photograph: the picture, and where a place of the photograph is in it. */
interface Variant {
  readonly name: string;
  readonly change: (picture: Sharp) => Sharp;
  /** The place of the photograph that is shown at a place of the picture. */
  readonly back: (at: Point, size: { readonly width: number; readonly height: number }) => Point;
  readonly orientation: string;
}

const same = (at: Point) => at;
const USUAL = "flipped top to bottom";

/** A turn by `degrees` clockwise about the middle; the picture grows to hold all of it. */
function turned(degrees: number): Pick<Variant, "change" | "back"> {
  const radians = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return {
    change: (picture) => picture.rotate(degrees, { background: "#000000" }),
    back: ({ x, y }, { width, height }) => {
      const [u, v] = [x - width / 2, y - height / 2];
      return { x: SIZE.width / 2 + cos * u + sin * v, y: SIZE.height / 2 - sin * u + cos * v };
    },
  };
}

function enlarged(by: number): Pick<Variant, "change" | "back"> {
  return {
    change: (picture) => picture.resize(by * SIZE.width, by * SIZE.height),
    back: ({ x, y }) => ({ x: x / by, y: y / by }),
  };
}

const half = Math.floor(SIZE.width / 2);
const VARIANTS: readonly Variant[] = [
  { name: "as it is", change: (picture) => picture, back: same, orientation: USUAL },
  { name: "twice as large", ...enlarged(2), orientation: USUAL },
  { name: "three times as large", ...enlarged(3), orientation: USUAL },
  {
    name: "mirrored top to bottom",
    change: (picture) => picture.flip(),
    back: ({ x, y }) => ({ x, y: SIZE.height - y }),
    orientation: "upright",
  },
  {
    name: "mirrored left to right",
    change: (picture) => picture.flop(),
    back: ({ x, y }) => ({ x: SIZE.width - x, y }),
    orientation: "turned by 180°",
  },
  { name: "turned by 90°", ...turned(90), orientation: `${USUAL}, then turned by 90° clockwise` },
  { name: "turned by 180°", ...turned(180), orientation: "flipped left to right" },
  { name: "turned by 7°", ...turned(7), orientation: USUAL },
  {
    name: "left half",
    change: (picture) => picture.extract({ left: 0, top: 0, width: half, height: SIZE.height }),
    back: same,
    orientation: USUAL,
  },
  {
    name: "right half",
    change: (picture) => picture.extract({ left: half, top: 0, width: SIZE.width - half, height: SIZE.height }),
    back: ({ x, y }) => ({ x: x + half, y }),
    orientation: USUAL,
  },
  { name: "darker", change: (picture) => picture.linear(0.5, 0), back: same, orientation: USUAL },
  { name: "brighter", change: (picture) => picture.linear(2, 10), back: same, orientation: USUAL },
  { name: "gamma 0.5", change: byGamma(0.5), back: same, orientation: USUAL },
  { name: "gamma 2", change: byGamma(2), back: same, orientation: USUAL },
];

/** Values through a curve, by a table: sharp's own gamma is that of a screen. */
function byGamma(gamma: number): (picture: Sharp) => Sharp {
  return () => {
    const { pixels } = original;
    const curved = Uint8Array.from(pixels, (value) => Math.round(255 * ((value as number) / 255) ** gamma));
    return sharp(curved, { raw: { ...SIZE, channels: 1 } });
  };
}

const original = missing
  ? { pixels: new Uint8Array() }
  : { pixels: await sharp(file).toColourspace("b-w").raw().toBuffer() };

async function pictureOf({ change }: Variant): Promise<Picture> {
  const { data, info } = await change(sharp(file)).toColourspace("b-w").raw().toBuffer({ resolveWithObject: true });
  const every = info.channels;
  const pixels =
    every === 1
      ? new Uint8Array(data)
      : Uint8Array.from({ length: data.length / every }, (_, i) => data[i * every] as number);
  return { pixels, width: info.width, height: info.height, bitDepth: 8 };
}

describe.skipIf(missing)(`the real photograph${missing ? ` (not at ${file}; set PHOREST_REAL)` : ""}`, () => {
  const gaps: Gap[] = missing ? [] : JSON.parse(readFileSync(join(directory, "chip-photograph.gaps.json"), "utf8"));
  const all = chipTypes().map(loadChip);

  it.each(VARIANTS)("is calibrated right: $name", async (variant) => {
    const picture = await pictureOf(variant);
    const found = calibratePicture(picture, variant.name, all, new LabelPatterns(), { type: "auto" });
    if ("doubt" in found) throw new Error(found.doubt.reason);
    const { summary, layout, located } = found.described;
    expect(summary.chip_type).toBe("IMECII_2");
    expect(summary.orientation).toBe(variant.orientation);
    const errors = gaps.flatMap(({ axis, chip_um: [x, y], px }) => {
      const at = toPicture(located.pose, { x, y });
      if (at.x < 0 || at.y < 0 || at.x > picture.width || at.y > picture.height) return [];
      return [Math.abs(variant.back(at, picture)[axis] - px)];
    });
    errors.sort((a, b) => a - b);
    expect(errors.length).toBeGreaterThan(0.4 * gaps.length);
    expect(errors[Math.floor(0.5 * errors.length)]).toBeLessThan(0.3);
    expect(errors[Math.floor(0.95 * errors.length)]).toBeLessThan(0.75);
    // Every ROI lies where its half of its grating is: rounding to whole px, and nothing else, comes on top.
    const halves = new Map(gratingHalves(located.chip).map((one) => [one.label, one]));
    for (const { label, x, y, width, height } of layout.rois) {
      const half = halves.get(label);
      if (half === undefined) throw new Error(`no half ${label}`);
      const other = summary.mirrored && layout.halvesExchanged ? half.height : 0;
      const middle = { x: half.x + half.width / 2, y: half.y + half.height / 2 + (half.flip ? -other : other) };
      const [want, got] = [
        toPicture(located.pose, middle),
        fromAligned(layout.imageAngle, picture, { x: x + width / 2, y: y + height / 2 }),
      ];
      expect(Math.hypot(want.x - got.x, want.y - got.y), label).toBeLessThan(1);
    }
  });

  it("says which labels the boxes drawn into it hide", async () => {
    const [plain] = VARIANTS;
    if (plain === undefined) throw new Error("no variant");
    const search = calibratePicture(await pictureOf(plain), "photograph", [loadChip("IMECII_2")], new LabelPatterns(), {
      type: "auto",
    });
    if ("doubt" in search) throw new Error(search.doubt.reason);
    expect(search.described.summary.labels_covered).toEqual(["B-Left", "C-Left", "D-Left", "E-Left"]);
  });
});
