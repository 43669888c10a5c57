// Measures a fixed picture and prints the result as JSON, so that the parent can run it under different vector units.
import { measure } from "../../../src/analysis/kernel.ts";
import { ANCHOR_NUMBERS } from "../../../src/analysis/kernel-answer.ts";
import { vectorUnit } from "../../../src/analysis/native-kernel.ts";
import { fano, normals, picture16 } from "../simulated-rows.ts";

const next = normals(5);
const [width, height] = [200, 180];
const pixels = picture16(width, height, (x, y) => fano(x, 800, 4, 70 + y / 9, 20, 9000) + 900 * next());
const rois = Float64Array.of(10, 10, 77, 171, 0, 95, 12, 61, 90, 1);
const fits = (["gaussian", "fano", "joint"] as const).map((method) => {
  const { status, columns, standardError } = measure({
    pixels,
    width,
    height,
    angleDegrees: 0.7,
    rois,
    method,
    subRois: 0,
    sampling: "precise",
    bitDepthScaling: "fixed",
  });
  return { status: [...status], columns: [...columns], standardError: [...standardError] };
});

/** The same places, moved by so many px, with noise of their own. */
const moved = (px: number) =>
  picture16(width, height, (x, y) => fano(x, 800, 4, 70 + px + y / 9, 20, 9000) + 300 * next());
const anchors = new Float64Array(2 * ANCHOR_NUMBERS);
const reference = new Uint16Array(77 * 171 + 61 * 90);
const tracked = [0, 0, 0.3, 4].map((px, frame) => {
  const tracking = { anchors, pixels: reference, grow: frame < 2 };
  const picture = { pixels: moved(px), width, height, angleDegrees: 0.7, rois };
  const how = { method: "tracking", subRois: 0, sampling: "precise", bitDepthScaling: "fixed" } as const;
  const { status, columns, standardError } = measure({ ...picture, ...how, tracking });
  return { status: [...status], columns: [...columns], standardError: [...standardError] };
});
const answers = [...fits, ...tracked];
process.stdout.write(JSON.stringify({ version: vectorUnit(), answers }));
