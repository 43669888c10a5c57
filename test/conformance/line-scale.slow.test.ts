// A shift of known size over bands of every shape, the line chosen by the data: what is measured is its full size. Much
// light, so that what is left is what the shape, learnt under speckle, is wrong by.
import { describe, expect, it } from "vitest";
import { measure } from "../../src/analysis/kernel.ts";
import { ANCHOR_NUMBERS } from "../../src/analysis/kernel-answer.ts";
import { lineOfCode, QUANTITIES } from "../../src/measurement/method.ts";
import { normalsOf, SIZE } from "./speckled-rois.ts";
import { expose, SCENE, type Scene, speckleOf } from "./tracked-rois.ts";

const REALISATIONS = 60;
const STEPS = [0.25, 3] as const;
const LIGHT: Scene = { ...SCENE, electronsPerCount: 2000, readCounts: 0.3 };

const SCENES: readonly { readonly name: string; readonly scene: Scene }[] = [
  { name: "gaussian of sigma 25", scene: LIGHT },
  { name: "gaussian of sigma 14", scene: { ...LIGHT, width: 14 } },
  { name: "lorentzian", scene: { ...LIGHT, shape: "lorentzian", width: 20 } },
  { name: "fano of q 2", scene: { ...LIGHT, shape: "fano", height: 90 } },
  { name: "fano of q -5", scene: { ...LIGHT, shape: "fano", height: 90, q: -5, centre: 95 } },
];

/** Tracks an ROI with the line that its first frame chose. */
function tracker() {
  const anchors = new Float64Array(ANCHOR_NUMBERS);
  const reference = new Uint16Array(SIZE.rows * SIZE.width);
  let lines: Uint8Array = Uint8Array.of(0);
  return {
    line: () => lineOfCode(lines[0]),
    shiftIn(pixels: Uint8Array, grow: boolean): number {
      const answer = measure({
        pixels,
        width: SIZE.width,
        height: SIZE.rows,
        angleDegrees: 0,
        rois: Float64Array.of(0, 0, SIZE.rows, SIZE.width, 0),
        method: "tracking",
        jointLine: "auto",
        lines,
        subRois: 0,
        sampling: "precise",
        bitDepthScaling: "stretch",
        tracking: { anchors, pixels: reference, grow },
      });
      lines = answer.lines ?? lines;
      return answer.columns[QUANTITIES.tracking.indexOf("shift")] as number;
    },
  };
}

describe("a band whose line is chosen by the data", () => {
  it.each(SCENES)("$name: a shift is measured at its full size", { timeout: 600_000 }, ({ name, scene }) => {
    const scales = STEPS.map((): number[] => []);
    let right = 0;
    for (let nth = 0; nth < REALISATIONS; nth++) {
      const next = normalsOf(60_000 + nth);
      const field = speckleOf(scene, next);
      const track = tracker();
      const at = (shiftPx: number, grow: boolean) => track.shiftIn(expose(scene, { shiftPx }, field, next), grow);
      let level = 0;
      for (let frame = 0; frame < 4; frame++) level += at(0, true) / 4;
      for (const [which, step] of STEPS.entries()) scales[which]?.push((at(step, false) - level) / step);
      if (track.line() === scene.shape) right++;
    }
    const of = scales.map((values) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const scatter = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      return { mean, error: scatter / Math.sqrt(values.length) };
    });
    const said = of.map(({ mean, error }, which) => `${STEPS[which]} px: ${mean.toFixed(4)} ± ${error.toFixed(4)}`);
    console.info(`${name}: line right in ${right} of ${REALISATIONS}, scale of ${said.join(", of ")}`);
    expect(right / REALISATIONS).toBeGreaterThanOrEqual(0.98);
    for (const { mean, error } of of) expect(Math.abs(mean - 1)).toBeLessThan(0.005 + 2 * error);
  });
});
