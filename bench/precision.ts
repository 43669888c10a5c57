// How precise and how honest tracking is where the truth is known: per case the Cramér-Rao bound, the scatter, the bias,
// the error bar and the flags. Run: npx tsx bench/precision.ts [--realisations 24] [--only WORD]
import { parseArgs } from "node:util";
import {
  boundPx,
  type Change,
  follow,
  SCENE,
  type Scene,
  type Series,
  worthOf,
} from "../test/conformance/tracked-rois.ts";

const NARROW: Scene = {
  ...SCENE,
  width: 14,
  slope: 0.05,
  ground: 10,
  pedestal: 100,
  electronsPerCount: 20,
  readCounts: 0.3,
  grainPx: 2.6,
};
const DARK: Scene = { ...NARROW, width: 25, ground: 2, pedestal: 0, height: 130 };
const BLACK: Scene = { ...DARK, ground: 0.2 };
const FANO: Scene = { ...SCENE, shape: "fano", height: 90 };
const STEEP: Scene = { ...FANO, q: -5, centre: 95, width: 28, slope: -0.04 };
const LORENTZ: Scene = { ...SCENE, shape: "lorentzian", width: 20 };

interface Case {
  readonly name: string;
  readonly scene: Scene;
  readonly line: Series["line"];
  readonly change: Change;
  readonly decorrelation?: number;
  readonly each?: number;
}

const STEPS = [0.05, 0.25, 1, 3, 6, 15, -25];
const LINES = [
  { name: "gaussian", scene: SCENE, line: "gaussian" },
  { name: "narrow", scene: NARROW, line: "gaussian" },
  { name: "dark", scene: DARK, line: "gaussian" },
  { name: "black", scene: BLACK, line: "gaussian" },
  { name: "fano 2", scene: FANO, line: "fano" },
  { name: "fano -5", scene: STEEP, line: "fano" },
  { name: "lorentzian", scene: LORENTZ, line: "fano" },
] as const;

const CASES: readonly Case[] = [
  ...LINES.flatMap(({ name, scene, line }) =>
    STEPS.map((shiftPx): Case => ({ name: `${name} by ${shiftPx}`, scene, line, change: { shiftPx } })),
  ),
  {
    name: "lamp -13 % on a pedestal",
    scene: { ...SCENE, ground: 10, pedestal: 100 },
    line: "gaussian",
    change: { shiftPx: 0.05, lamp: 0.87 },
  },
  {
    name: "lamp -13 % on a pedestal, fano",
    scene: { ...FANO, ground: 10, pedestal: 100 },
    line: "fano",
    change: { shiftPx: 0.05, lamp: 0.87 },
  },
  { name: "gradient 20 %", scene: SCENE, line: "gaussian", change: { shiftPx: 0.05, gradient: 0.2 } },
  { name: "gradient 5 %", scene: SCENE, line: "gaussian", change: { shiftPx: 0.05, gradient: 0.05 } },
  { name: "gradient 20 %, dark", scene: DARK, line: "gaussian", change: { shiftPx: 0.05, gradient: 0.2 } },
  { name: "q 2 to 3", scene: FANO, line: "fano", change: { shiftPx: 0.05, q: 3 } },
  {
    name: "second band comes",
    scene: SCENE,
    line: "gaussian",
    change: { shiftPx: 0.05, second: { apartPx: 55, height: 40 } },
  },
  {
    name: "speckle of 1000 frames",
    scene: { ...SCENE, grainPx: 0.1 },
    line: "gaussian",
    change: {},
    decorrelation: 1000,
    each: 60,
  },
];

const { values } = parseArgs({
  options: { realisations: { type: "string", default: "24" }, only: { type: "string", default: "" } },
});
const fixed = (value: number, digits = 4, wide = 9) => value.toFixed(digits).padStart(wide);
process.stdout.write(`${"case".padEnd(34)}    bound  scatter    ratio     bias   claimed     z   none\n`);
for (const { name, scene, line, change, decorrelation, each = 3 } of CASES) {
  if (!name.includes(values.only)) continue;
  const aged = decorrelation === undefined ? {} : { decorrelation };
  const errors = follow({
    scene,
    line,
    realisations: Number(values.realisations),
    each,
    change: () => change,
    ...aged,
  });
  const { scatter, bias, z, claimed, missing } = worthOf(errors);
  const bound = boundPx(scene, 16, change.shiftPx);
  process.stdout.write(
    `${name.padEnd(34)}${fixed(bound)}${fixed(scatter)}${fixed(scatter / bound, 2)}${fixed(bias)}${fixed(claimed)}${fixed(z, 2, 7)}${fixed(missing, 2, 7)}\n`,
  );
}
