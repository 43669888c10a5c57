// Cramér-Rao bounds of shifts in simulated series of one ROI.
import { firstOfInverse, grainArea, SIZE } from "./speckled-rois.ts";
import { lightOf, type Scene } from "./tracked-rois.ts";

/**
 * The Cramér-Rao bound (px) of a shift against the mean of `frames` others in the same speckle, by finite differences of
 * the light over shot, read and rounding noise. The shape is known; every row has its own light.
 */
export function boundPx(scene: Scene, frames: number, shiftPx = 0): number {
  const { rows, width } = SIZE;
  let information = 0;
  for (let row = 0; row < rows; row++) {
    const fromMiddle = row - (rows - 1) / 2;
    let [ss, sl, ll] = [0, 0, 0];
    for (let x = 0; x < width; x++) {
      const at = (by: number) => lightOf(scene, { shiftPx: shiftPx + by }, x, fromMiddle);
      const light = at(0);
      const variance = light / scene.electronsPerCount + scene.readCounts ** 2 + 1 / 12;
      const slope = (at(1e-3) - at(-1e-3)) / 2e-3;
      ss += slope ** 2 / variance;
      sl += (slope * light) / variance;
      ll += light ** 2 / variance;
    }
    information += ss - sl ** 2 / ll;
  }
  return Math.sqrt((1 + 1 / frames) / information);
}

/**
 * The same where the shape of the line is only known as well as the speckle of the reference allows: the bound of every
 * shift that does not vanish beside the width. Rows are taken to be alike.
 */
export function boundOfFreeShapePx(scene: Scene, frames: number, shiftPx: number): number {
  const names: (keyof Scene)[] = ["centre", "width", "ground"];
  if (scene.shape === "fano") names.push("q");
  if (scene.shape === "voigt") names.push("share");
  const { speckle, grainPx, uneven = { contrast: 0, overPx: 1 } } = scene;
  const slowVariance = grainArea(grainPx) * speckle ** 2 + grainArea(uneven.overPx) * uneven.contrast ** 2;
  const information = ["shift", ...names].map(() => new Float64Array(names.length + 1));
  const changed = (name: keyof Scene, by: number): Scene => ({ ...scene, [name]: (scene[name] as number) + by });
  const columns = (
    of: (seen: Scene, x: number, shift: number) => number,
    deviation: (x: number) => number,
    extra: (x: number) => number,
  ) => {
    const step = 1e-3;
    const rows: Float64Array[] = [];
    const along = (f: (x: number) => number) =>
      Float64Array.from({ length: SIZE.width }, (_, x) => f(x) / deviation(x));
    rows.push(along((x) => (of(scene, x, shiftPx + step) - of(scene, x, shiftPx - step)) / (2 * step)));
    for (const name of names) {
      rows.push(
        along((x) => (of(changed(name, step), x, shiftPx) - of(changed(name, -step), x, shiftPx)) / (2 * step)),
      );
    }
    const nuisance = along(extra);
    const own = dot(nuisance, nuisance);
    for (const row of rows) {
      const share = dot(row, nuisance) / own;
      row.forEach((value, x) => {
        row[x] = value - share * (nuisance[x] as number);
      });
    }
    rows.forEach((one, k) => {
      rows.forEach((other, j) => {
        (information[k] as Float64Array)[j] = (information[k]?.[j] ?? 0) + SIZE.rows * dot(one, other);
      });
    });
  };
  const light = (seen: Scene, x: number, shift: number) => lightOf(seen, { shiftPx: shift }, x, 0);
  const camera = (counts: number) => counts / scene.electronsPerCount + scene.readCounts ** 2 + 1 / 12;
  // The frame against its reference: logarithms differ by what the shift does to the line, whatever the speckle.
  const counts = (x: number) => light(scene, x, shiftPx);
  const relative = (x: number) => Math.sqrt((1 + 1 / frames) * camera(counts(x))) / counts(x);
  columns(
    (seen, x, shift) => Math.log(light(seen, x, shift) / light(seen, x, 0)),
    relative,
    () => 1,
  );
  // The reference by itself: the line under speckle.
  const before = (x: number) => light(scene, x, 0);
  const speckled = (x: number) => Math.sqrt(slowVariance + camera(before(x)) / before(x) ** 2);
  columns(
    (seen, x) => Math.log(light(seen, x, 0)),
    speckled,
    () => 1,
  );
  return Math.sqrt(firstOfInverse(information));
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}
