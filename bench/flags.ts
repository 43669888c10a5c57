// Measures the reliability of the flags: how often each flag is set for simulated ROIs with known defects, by method.
// "good" means no flag at all. Run: npx tsx bench/flags.ts [--rois 500] [--json]

import { analysePicture } from "../src/analysis/resonance.ts";
import { FLAGS, type Flag, flagNames, type Method } from "../src/measurement/method.ts";
import { parseRoiManifest } from "../src/measurement/roi.ts";
import { mixSeeds, randomStream } from "../src/simulator/noise.ts";
import {
  exposeRoi,
  type Line,
  lightAt,
  NOISE,
  normalsOf,
  SIZE,
  speckleField,
} from "../test/conformance/speckled-rois.ts";

type Light = (x: number, row: number) => number;
type Random = () => number;

/** A case and its expected result: "good" must have no flag, "doubtful" must have one, "either" may have one. */
interface Case {
  readonly name: string;
  readonly should: "good" | "doubtful" | "either";
  readonly light: (random: Random) => Light;
}

const METHODS_HERE: readonly Method[] = ["gaussian", "fano", "joint"];
const FIELDS = 64;

const between = (random: Random, low: number, high: number) => low + (high - low) * random();

/** Returns a band like those of real chips. */
function bandOf(random: Random, change: Partial<Line> = {}): Line {
  const q = (random() < 0.5 ? -1 : 1) * between(random, 3, 9);
  return {
    kind: "fano",
    centre: SIZE.width * between(random, 0.3, 0.7),
    width: between(random, 18, 34),
    slope: between(random, -0.05, 0.05),
    q,
    height: between(random, 80, 100),
    base: between(random, 95, 110),
    ...change,
  };
}

const light =
  (line: Line): Light =>
  (x, row) =>
    lightAt(line, x, row);

const CASES: readonly Case[] = [
  { name: "good band", should: "good", light: (random) => light(bandOf(random)) },
  { name: "faint band (20 counts)", should: "either", light: (random) => light(bandOf(random, { height: 20 })) },
  {
    name: "dust on a good band",
    should: "either",
    light: (random) => {
      const under = light(bandOf(random));
      const [x0, y0, radius] = [SIZE.width * random(), SIZE.rows * (random() - 0.5), between(random, 3, 10)];
      return (x, row) => under(x, row) * (Math.hypot(x - x0, row - y0) < radius ? 0.3 : 1);
    },
  },
  {
    name: "dip",
    should: "good",
    light: (random) => light(bandOf(random, { height: -between(random, 60, 80), base: 190 })),
  },
  { name: "no resonance", should: "doubtful", light: (random) => light(bandOf(random, { height: 0, base: 130 })) },
  {
    name: "no resonance, slope of light",
    should: "doubtful",
    light: (random) => {
      const fall = between(random, -0.3, 0.3);
      return (x) => 130 + fall * (x - SIZE.width / 2);
    },
  },
  {
    name: "saturated",
    should: "doubtful",
    light: (random) => light(bandOf(random, { height: between(random, 140, 200), base: 120 })),
  },
  {
    name: "resonance at the edge",
    should: "doubtful",
    light: (random) => light(bandOf(random, { centre: SIZE.width * (random() < 0.5 ? 0.03 : 0.97) })),
  },
  {
    name: "resonance outside",
    should: "doubtful",
    light: (random) => light(bandOf(random, { centre: SIZE.width * (random() < 0.5 ? -0.15 : 1.15) })),
  },
  {
    name: "two peaks, 60 px apart",
    should: "doubtful",
    light: (random) => {
      const line = bandOf(random, { centre: 60, width: between(random, 12, 18), base: 100 });
      const other = { ...line, centre: 120, height: line.height * between(random, 0.6, 1) };
      return (x, row) => lightAt(line, x, row) + lightAt(other, x, row) - other.base;
    },
  },
  {
    name: "good symmetric band",
    should: "good",
    light: (random) => light(bandOf(random, { kind: random() < 0.5 ? "gaussian" : "lorentzian" })),
  },
];

interface Trial {
  readonly case: string;
  readonly should: Case["should"];
  readonly method: Method;
  readonly rois: number;
  /** Share of the ROIs with each flag, and with none. */
  readonly shares: Readonly<Record<Flag | "good", number>>;
}

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const rois = option("--rois", 500);
const manifest = parseRoiManifest(
  JSON.stringify({ ROI_A: { label: "A", flip: false, coords: [0, 0], size: [SIZE.rows, SIZE.width] }, image_angle: 0 }),
  "bench",
);
// Speckle is dear to make: a stock of fields serves all ROIs, each with its own noise of the camera.
const fields = Array.from({ length: FIELDS }, (_, nth) =>
  speckleField(SIZE.rows, SIZE.width, NOISE.grainPx, normalsOf(mixSeeds(77, nth))),
);
const trials: Trial[] = [];
for (const [number, { name, should, light: make }] of CASES.entries()) {
  const counts = METHODS_HERE.map(() => new Map<Flag | "good", number>());
  for (let nth = 0; nth < rois; nth++) {
    const random = randomStream(mixSeeds(number + 1, nth));
    const field = fields[Math.floor(random() * FIELDS)] as Float64Array;
    const pixels = exposeRoi(make(random), field, NOISE, normalsOf(mixSeeds(number + 101, nth)));
    METHODS_HERE.forEach((method, index) => {
      const result = analysePicture({ pixels, width: SIZE.width, height: SIZE.rows, bitDepth: 8 }, manifest, {
        method,
        jointLine: "auto",
        subRois: 0,
        sampling: "precise",
        bitDepthScaling: "stretch",
        debug: false,
      });
      const names = flagNames(result.flags[0] ?? 0);
      for (const flag of names.length === 0 ? (["good"] as const) : names) {
        counts[index]?.set(flag, (counts[index]?.get(flag) ?? 0) + 1);
      }
    });
  }
  METHODS_HERE.forEach((method, index) => {
    const share = (flag: Flag | "good") => (counts[index]?.get(flag) ?? 0) / rois;
    const shares = {
      good: share("good"),
      saturated: share("saturated"),
      at_edge: share("at_edge"),
      low_contrast: share("low_contrast"),
      not_converged: share("not_converged"),
      jumped: share("jumped"),
      fallback: share("fallback"),
      shape_changed: share("shape_changed"),
    };
    trials.push({ case: name, should, method, rois, shares });
  });
}
if (!process.argv.includes("--json")) {
  const others = ["jumped", "fallback", "shape_changed"];
  const flags = (Object.keys(FLAGS) as Flag[]).filter((flag) => !others.includes(flag));
  const percent = (share: number) => (100 * share).toFixed(1).padStart(6);
  process.stdout.write(`share of ${rois} ROIs, %\n${"case".padEnd(30)} method     good ${flags.join(" ")}\n`);
  for (const { case: name, method, shares } of trials) {
    const columns = flags.map((flag) => percent(shares[flag]).padStart(flag.length));
    process.stdout.write(`${name.padEnd(30)} ${method.padEnd(9)}${percent(shares.good)} ${columns.join(" ")}\n`);
  }
}
process.stdout.write(`${JSON.stringify({ trials })}\n`);
