// Tests the precision and the error bars of tracking with known truth. For each case: the Cramér-Rao bound with known shape and
// with the shape distorted by speckle, scatter (also relative to the latter), bias, error bar, root mean square of error over
// error bar, and the shares of frames without a value, with a flag, and wrong by more than five error bars without a flag.
// Run: npx tsx bench/precision.ts [--realisations 24] [--seed 50000] [--only WORD]
import { parseArgs } from "node:util";
import { boundOfFreeShapePx, boundPx } from "../test/conformance/shift-bounds.ts";
import { type Change, follow, SCENE, type Scene, type Series, worthOf } from "../test/conformance/tracked-rois.ts";

const CAMERA = { slope: 0.05, electronsPerCount: 20, readCounts: 0.3, grainPx: 2.6 } as const;
const NARROW: Scene = { ...SCENE, ...CAMERA, width: 14, ground: 10, pedestal: 100 };
const DARK: Scene = { ...SCENE, ...CAMERA, ground: 2, height: 130 };
const BLACK: Scene = { ...DARK, ground: 0.2 };
const HIGH: Scene = { ...SCENE, ground: 60, pedestal: 60 };
const UNEVEN: Scene = {
  ...SCENE,
  ground: 20,
  height: 90,
  pedestal: 100,
  speckle: 0.15,
  grainPx: 8,
  electronsPerCount: 20,
};
const over = (overPx: number): Scene => ({ ...UNEVEN, uneven: { contrast: 0.18, overPx } });
const FANO: Scene = { ...SCENE, shape: "fano", height: 90 };
const STEEP: Scene = { ...FANO, q: -5, centre: 95, width: 28, slope: -0.04 };
const LORENTZ: Scene = { ...SCENE, shape: "lorentzian", width: 20 };
const VOIGT: Scene = { ...SCENE, shape: "voigt", width: 24 };

/** Frames with these changes against one reference. */
interface Group extends Pick<Series, "scene" | "line" | "darkKnown" | "before" | "decorrelation"> {
  readonly name: string;
  readonly changes: readonly (Change & { readonly name: string })[];
  readonly each?: number;
}

const step = (shiftPx: number) => ({ name: `by ${shiftPx}`, shiftPx });
const STEPS = [0.05, 0.25, 1, 3, 6, 15, 40, -25].map(step);
const GRADIENTS = [0.003, 0.01, 0.05, 0.2].map((gradient) => ({
  name: `gradient ${100 * gradient} %`,
  shiftPx: 0.05,
  gradient,
}));
const LAMP = [{ name: "lamp -13 %", shiftPx: 0.05, lamp: 0.87 }];
const FAINT = { apartPx: 55, height: 4 };
const SECOND = { apartPx: 55, height: 40 };
const COMING = [
  { name: "faint second band comes", shiftPx: 0.05, second: FAINT },
  { name: "second band comes", shiftPx: 0.05, second: SECOND },
];
const STAYING = [0.05, 3, 10].map((shiftPx) => ({ ...step(shiftPx), second: SECOND }));

const GROUPS: readonly Group[] = [
  { name: "gaussian", scene: SCENE, line: "gaussian", changes: [...STEPS, ...GRADIENTS, ...COMING] },
  { name: "narrow", scene: NARROW, line: "gaussian", changes: [...STEPS, ...LAMP] },
  { name: "narrow, dark known", scene: NARROW, line: "gaussian", changes: STEPS, darkKnown: true },
  { name: "dark", scene: DARK, line: "gaussian", changes: [...STEPS, ...GRADIENTS, ...COMING] },
  { name: "black", scene: BLACK, line: "gaussian", changes: STEPS },
  { name: "fano 2", scene: FANO, line: "fano", changes: [...STEPS, ...COMING] },
  { name: "fano -5", scene: STEEP, line: "fano", changes: STEPS },
  { name: "lorentzian", scene: LORENTZ, line: "fano", changes: STEPS },
  { name: "uneven over 15 px", scene: over(15), line: "gaussian", changes: STEPS, darkKnown: true },
  { name: "uneven over 30 px", scene: over(30), line: "gaussian", changes: STEPS, darkKnown: true },
  {
    name: "fano, uneven over 30 px",
    scene: { ...over(30), shape: "fano", q: 4 },
    line: "fano",
    changes: STEPS,
    darkKnown: true,
  },
  { name: "voigt", scene: VOIGT, line: "voigt", changes: STEPS },
  {
    name: "fano on a pedestal",
    scene: { ...FANO, ground: 10, pedestal: 100 },
    line: "fano",
    changes: [...LAMP, step(0.25), step(3)],
  },
  { name: "dark known", scene: SCENE, line: "gaussian", changes: [step(0.05), ...GRADIENTS], darkKnown: true },
  { name: "pedestal known", scene: HIGH, line: "gaussian", changes: [step(3), ...GRADIENTS], darkKnown: true },
  { name: "pedestal unknown", scene: HIGH, line: "gaussian", changes: [step(3), ...GRADIENTS] },
  { name: "dark ground known", scene: DARK, line: "gaussian", changes: GRADIENTS, darkKnown: true },
  { name: "fano, dark known", scene: FANO, line: "fano", changes: [step(0.05), ...GRADIENTS], darkKnown: true },
  {
    name: "q of 2",
    scene: FANO,
    line: "fano",
    changes: [2.2, 3].map((q) => ({ name: `becomes ${q}`, shiftPx: 0.05, q })),
  },
  { name: "beside another band", scene: SCENE, line: "gaussian", changes: STAYING, before: { second: SECOND } },
  {
    name: "speckle of 1000 frames",
    scene: { ...SCENE, grainPx: 0.1 },
    line: "gaussian",
    changes: [{ name: "", shiftPx: 0 }],
    decorrelation: 1000,
    each: 60,
  },
];

const { values } = parseArgs({
  options: {
    realisations: { type: "string", default: "24" },
    seed: { type: "string", default: "50000" },
    only: { type: "string", default: "" },
  },
});
const fixed = (value: number, digits = 4, wide = 9) => value.toFixed(digits).padStart(wide);
const HEAD = "    bound     free  scatter   /free     bias  claimed      z   none  flags  false";
process.stdout.write(`${"case".padEnd(44)}${HEAD}\n`);
for (const { name, changes, each = 3, ...series } of GROUPS) {
  if (!name.includes(values.only)) continue;
  const all = follow({
    ...series,
    realisations: Number(values.realisations),
    seed: Number(values.seed),
    each,
    changes,
  });
  changes.forEach((change, i) => {
    const worth = worthOf(all[i] as (typeof all)[number]);
    const bound = boundPx(series.scene, 16, change.shiftPx);
    const free = boundOfFreeShapePx(series.scene, 16, change.shiftPx ?? 0);
    const numbers = [
      ...[bound, free, worth.scatter].map((value) => fixed(value)),
      fixed(worth.scatter / free, 2, 8),
      ...[worth.bias, worth.claimed].map((value) => fixed(value)),
      ...[worth.z, worth.missing, worth.flagged].map((value) => fixed(value, 2, 7)),
      fixed(worth.falseGood, 3, 7),
    ];
    process.stdout.write(`${`${name} ${change.name}`.padEnd(44)}${numbers.join("")}\n`);
  });
}
