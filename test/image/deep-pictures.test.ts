// Pictures of more than 8 bits: what joint and tracking say depends on an ROI's light alone, not on the darkest and brightest
// pixel somewhere else, nor on where in 16 bits the samples are.
import { describe, expect, test } from "vitest";
import type { AnalysisSettings } from "../../src/analysis/settings.ts";
import type { Picture } from "../../src/image/picture.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { type Followed, followed, trackingSettings } from "../analysis/followed.ts";
import { normalsOf, SIZE } from "../conformance/speckled-rois.ts";
import { lightOf, SCENE, type Scene, speckleOf } from "../conformance/tracked-rois.ts";

const [WIDTH, HEIGHT] = [SIZE.width + 40, SIZE.rows + 40];
const ROIS = parseRoiManifest(
  formatRoiManifest({
    imageAngle: 0,
    rois: [{ label: "A1", x: 20, y: 20, width: SIZE.width, height: SIZE.rows, flip: false }],
  }),
  "test",
);

/** Light in counts of 12 bits on a pedestal of 100; the picture's surroundings are `around`. */
interface Taken {
  readonly scene: Scene;
  readonly shiftPx: number;
  readonly around: readonly [number, number];
  /** Bits by which the samples are moved up. */
  readonly up: number;
}

function taken({ scene, shiftPx, around, up }: Taken, field: Float64Array, next: () => number): Picture {
  const pixels = Uint16Array.from({ length: WIDTH * HEIGHT }, (_, at) => {
    const [x, row] = [(at % WIDTH) - 20, Math.floor(at / WIDTH) - 20];
    if (x < 0 || x >= SIZE.width || row < 0 || row >= SIZE.rows) return (around[at % 2] as number) << up;
    const light = lightOf(scene, { shiftPx }, x, row - (SIZE.rows - 1) / 2);
    const speckled = light * Math.max(0, 1 + scene.speckle * (field[row * SIZE.width + x] as number));
    return Math.max(0, Math.round(100 + speckled + next() * Math.sqrt(speckled / 2.5 + 4))) << up;
  });
  return { pixels, width: WIDTH, height: HEIGHT, bitDepth: 16 };
}

const BRIGHT: Scene = { ...SCENE, ground: 800, height: 1500 };
const DARK: Scene = { ...SCENE, ground: 5, height: 1500 };
/** The darkest and the brightest pixel around the ROI, frame by frame. */
const RANGES = [
  [290, 3900],
  [320, 3500],
  [305, 3990],
  [330, 3700],
] as const;

interface Circumstances {
  readonly up?: number;
  readonly darkLevel?: number;
  readonly scaling?: AnalysisSettings["bitDepthScaling"];
  readonly ranges?: readonly (readonly [number, number])[];
}

function shifted(
  scene: Scene,
  shiftPx: number,
  { up = 0, darkLevel, scaling, ranges = RANGES }: Circumstances = {},
): Followed[] {
  const next = normalsOf(7);
  const field = speckleOf(scene, next);
  return followed(ROIS, trackingSettings(darkLevel, scaling), 12, (isReference, nth) => {
    const around = ranges[nth % ranges.length] as readonly [number, number];
    return taken({ scene, shiftPx: isReference ? 0 : shiftPx, around, up }, field, next);
  });
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

describe("a shift in pictures of 12 bits", () => {
  test.each([
    ["ranges that change", {}],
    ["samples in the high bits", { up: 4 }],
    ["a fixed scaling", { scaling: "fixed" }],
    ["a known dark level", { darkLevel: 100 }],
  ] as const)("is right with %s", (_, options) => {
    const frames = shifted(BRIGHT, 3, options);
    const error = Math.abs(mean(frames.map(({ shift }) => shift)) - 3);
    // One field of speckle: its part of the error is in what is claimed, and shared by all frames.
    expect(error).toBeLessThan(3 * mean(frames.map(({ claimed }) => claimed)));
    expect(error).toBeLessThan(0.08);
    expect(frames.filter(({ flags }) => flags !== 0)).toEqual([]);
  });

  test("is the same whatever is darkest and brightest elsewhere, and wherever in 16 bits the samples are", () => {
    const steady = shifted(BRIGHT, 3, { ranges: [[100, 4000]] });
    const others = [shifted(BRIGHT, 3), shifted(BRIGHT, 3, { scaling: "fixed" })];
    for (const other of others) {
      other.forEach(({ shift }, frame) => {
        expect(Math.abs(shift - (steady[frame] as Followed).shift)).toBeLessThan(1e-3);
      });
    }
  });

  test("is right on a ground of a few counts, and its error bar too where the dark level is known", () => {
    const unknown = shifted(DARK, 0.25);
    expect(Math.abs(mean(unknown.map(({ shift }) => shift)) - 0.25)).toBeLessThan(0.02);
    const known = shifted(DARK, 0.25, { darkLevel: 100, ranges: [[100, 4000]] });
    const shift = mean(known.map((frame) => frame.shift));
    const scatter = Math.sqrt(mean(known.map((frame) => (frame.shift - shift) ** 2)));
    expect(Math.abs(shift - 0.25)).toBeLessThan(0.02);
    expect(mean(known.map(({ claimed }) => claimed))).toBeLessThan(1.6 * scatter);
    const far = shifted(DARK, 6, { ranges: [[98, 4000]] });
    expect(Math.abs(mean(far.map((frame) => frame.shift)) - 6)).toBeLessThan(0.06);
    expect([...unknown, ...known, ...far].filter(({ flags }) => flags !== 0)).toEqual([]);
  });
});
