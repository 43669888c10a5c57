// Light that is uneven over more than a grain of speckle, as laser light is that has passed through optics: a fit takes a part of
// that for its line, and what is left over does not show how much. The error bars must.
import { describe, expect, it } from "vitest";
import { POSITION_COLUMN } from "../../src/measurement/method.ts";
import { measureWhole } from "../analysis/one-roi.ts";
import { normalsOf, SIZE } from "./speckled-rois.ts";
import { expose, follow, SCENE, type Scene, speckleOf, worthOf } from "./tracked-rois.ts";

/** Counts; speckle of 15 % with grains of 8 px. */
const SPECKLED: Scene = { ...SCENE, ground: 20, height: 90, pedestal: 100, speckle: 0.15, grainPx: 8 };
const uneven = (overPx: number): Scene => ({ ...SPECKLED, uneven: { contrast: 0.18, overPx } });

const SCENES = [
  { name: "speckle alone", scene: SPECKLED, joint: 1.15, tracking: 1.15 },
  { name: "uneven over 15 px", scene: uneven(15), joint: 1.2, tracking: 1.2 },
  { name: "uneven over 30 px", scene: uneven(30), joint: 1.7, tracking: 1.3 },
];

const CHIPS = 150;

describe.each(SCENES)("$name", ({ scene, joint, tracking }) => {
  it("error bars of joint are those of its positions", { timeout: 600_000 }, () => {
    const ratios = Array.from({ length: CHIPS }, (_, chip) => {
      const next = normalsOf(8100 + chip);
      const pixels = expose(scene, {}, speckleOf(scene, next), next);
      const { columns, standardError } = measureWhole(pixels, SIZE.width, { method: "joint", jointLine: "gaussian" });
      return ((columns[POSITION_COLUMN.joint] as number) - scene.centre) / (standardError[0] as number);
    });
    const z = Math.sqrt(ratios.reduce((sum, ratio) => sum + ratio ** 2, 0) / CHIPS);
    console.info(`joint: z ${z.toFixed(2)}`);
    expect(z).toBeGreaterThan(0.8);
    expect(z).toBeLessThan(joint);
  });

  it("error bars of tracking are those of its steps", { timeout: 600_000 }, () => {
    const changes = [0.25, 3, 6].map((shiftPx) => ({ shiftPx }));
    const found = follow({
      scene,
      line: "gaussian",
      references: 8,
      realisations: CHIPS,
      changes,
      each: 1,
      seed: 8100,
      darkKnown: true,
    });
    const worths = found.map(worthOf);
    for (const { z, bias, claimed, falseGood } of worths) {
      console.info(
        `tracking: z ${z.toFixed(2)}, bias ${bias.toFixed(3)}, error bar ${claimed.toFixed(3)} px, false good ${falseGood.toFixed(3)}`,
      );
      expect(z).toBeGreaterThan(0.8);
      expect(z).toBeLessThan(tracking);
    }
  });
});
