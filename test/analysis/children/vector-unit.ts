// Measures a fixed picture and prints the result as JSON, so that the parent can run it under different vector units.
import { measure, vectorUnit } from "../../../src/analysis/kernel.ts";
import { fano, normals, picture16 } from "../simulated-rows.ts";

const next = normals(5);
const [width, height] = [200, 180];
const pixels = picture16(width, height, (x, y) => fano(x, 800, 4, 70 + y / 9, 20, 9000) + 900 * next());
const answers = (["gaussian", "fano", "joint"] as const).map((method) => {
  const { status, columns, standardError } = measure({
    pixels,
    width,
    height,
    angleDegrees: 0.7,
    rois: Float64Array.of(10, 10, 77, 171, 0, 95, 12, 61, 90, 1),
    method,
    subRois: 0,
    sampling: "precise",
    bitDepthScaling: "fixed",
  });
  return { status: [...status], columns: [...columns], standardError: [...standardError] };
});
process.stdout.write(JSON.stringify({ version: vectorUnit(), answers }));
