// Tests which line is chosen for bands of known shape, and the effect of a wrong one on shifts; the tables of docs/kernel.md,
// "Which line". Run: npx tsx bench/lines.ts [--realisations 60] [--only WORD]
import { parseArgs } from "node:util";
import { ANCHOR_NUMBERS, ROW } from "../src/analysis/kernel-answer.ts";
import { shapeOf } from "../src/analysis/line-shape.ts";
import { LINES, type Line, lineOfCode, POSITION_COLUMN, QUANTITIES } from "../src/measurement/method.ts";
import { measureWhole } from "../test/analysis/one-roi.ts";
import { normalsOf, speckleField } from "../test/conformance/speckled-rois.ts";

interface Condition {
  readonly name: string;
  readonly rows: number;
  readonly width: number;
  /** px: sigma of a Gaussian, gamma of the others. */
  readonly band: number;
  readonly height: number;
  readonly ground: number;
  readonly pedestal: number;
  readonly speckle: number;
  readonly electronsPerCount: number;
}

const USUAL: Condition = {
  ...{ name: "usual", rows: 74, width: 181, band: 25 },
  ...{ height: 100, ground: 110, pedestal: 0, speckle: 0.12, electronsPerCount: 50 },
};
const CONDITIONS: readonly Condition[] = [
  USUAL,
  { ...USUAL, name: "dark ground", ground: 2, height: 130, electronsPerCount: 20 },
  { ...USUAL, name: "narrow on a pedestal", band: 14, ground: 10, pedestal: 100, electronsPerCount: 20 },
  { ...USUAL, name: "64 megapixels", rows: 144, width: 353, band: 45 },
  { ...USUAL, name: "45 x 176", rows: 45, width: 176, ground: 10, pedestal: 100 },
  { ...USUAL, name: "speckle 20 %", speckle: 0.2 },
  { ...USUAL, name: "wide (35 px)", band: 35 },
  { ...USUAL, name: "faint (40 counts)", height: 40 },
];

interface Truth {
  readonly name: string;
  readonly line: Line;
  readonly q?: number;
}
const TRUTHS: readonly Truth[] = [
  { name: "gaussian", line: "gaussian" },
  { name: "lorentzian", line: "lorentzian" },
  { name: "fano, q 2", line: "fano", q: 2 },
  { name: "fano, q -5", line: "fano", q: -5 },
  { name: "fano, q 10", line: "fano", q: 10 },
  { name: "fano, q 20", line: "fano", q: 20 },
  { name: "voigt, half", line: "voigt" },
];

/** Returns the light of a band with height 1. */
function bandOf({ line, q = Number.NaN }: Truth, centre: number, width: number): (x: number) => number {
  const shape = shapeOf(line, { centre, width, asymmetry: q, share: 0.5 });
  return line === "fano" ? (x) => shape(x) / (1 + q * q) : shape;
}

function chosen(condition: Condition, truth: Truth, nth: number): string {
  const { rows, width, height, ground, pedestal, speckle, electronsPerCount } = condition;
  const next = normalsOf(5000 + nth);
  const field = speckleField(rows, width, 2.5, next);
  const band = bandOf(truth, width / 2 + 3 * next(), condition.band);
  const pixels = Uint8Array.from(field, (grain, at) => {
    const [row, x] = [Math.floor(at / width), at % width];
    const light = (ground + height * band(x - 0.04 * (row - rows / 2))) * Math.max(0, 1 + speckle * grain);
    return Math.max(0, Math.min(255, Math.round(pedestal + light + next() * Math.sqrt(light / electronsPerCount + 1))));
  });
  const { status, lines } = measureWhole(pixels, width, { method: "joint", jointLine: "auto" });
  return status[0] === ROW.ok ? (lineOfCode(lines?.[0]) ?? "none") : "none";
}

/** Returns a band without noise in 16 bits. */
function clean(truth: Truth, width: number, centre: number, band: number): Uint16Array {
  const light = bandOf(truth, centre, band);
  return Uint16Array.from({ length: 8 * width }, (_, at) => Math.round(257 * (110 + 100 * light(at % width))));
}

/** Returns the change of a Gaussian's mu per px of movement of the band. */
function rowSlope(q: number, band: number, width: number): number {
  const at = (shift: number) => {
    const pixels = clean({ name: "", line: "fano", q }, width, width / 2 + shift, band);
    const middle = 4 * QUANTITIES.gaussian.length + POSITION_COLUMN.gaussian;
    return measureWhole(pixels, width, { method: "gaussian" }).columns[middle] as number;
  };
  return (at(1) - at(-1)) / 2;
}

/** Returns the change of tracking's shift, with a fixed line, per px of movement of the band. */
function trackedSlope(truth: Truth, line: Line, band: number, shift: number): number {
  const width = 181;
  const tracking = { anchors: new Float64Array(ANCHOR_NUMBERS), pixels: new Uint16Array(8 * width), grow: true };
  const at = (by: number, grow: boolean) =>
    measureWhole(clean(truth, width, 90 + by, band), width, {
      method: "tracking",
      jointLine: line,
      tracking: { ...tracking, grow },
    }).columns[QUANTITIES.tracking.indexOf("shift")] as number;
  at(0, true);
  return at(shift, false) / shift;
}

const { values } = parseArgs({
  options: { realisations: { type: "string", default: "60" }, only: { type: "string", default: "" } },
});
const say = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);

say(["condition", "truth", ...LINES, "none"]);
for (const condition of CONDITIONS.filter(({ name }) => name.includes(values.only))) {
  for (const truth of TRUTHS) {
    const names = Array.from({ length: Number(values.realisations) }, (_, nth) => chosen(condition, truth, nth));
    const share = (line: string) => ((100 * names.filter((one) => one === line).length) / names.length).toFixed(1);
    say([condition.name, truth.name, ...[...LINES, "none"].map(share)]);
  }
}
const GAMMAS = [10, 15, 20, 25, 30, 40];
for (const width of [181, 353]) {
  say([`gaussian rows over a fano band, ${width} px`, ...GAMMAS.map((gamma) => `gamma ${gamma}`)]);
  for (const q of [20, 10, 5, 3, 2, 1.5])
    say([`q ${q}`, ...GAMMAS.map((gamma) => rowSlope(q, gamma, width).toFixed(2))]);
}
say(["tracking by 0.25 px, by 3 px", ...LINES]);
for (const truth of TRUTHS) {
  for (const band of truth.line === "gaussian" ? [25, 14] : [25]) {
    const slopes = LINES.map((line) =>
      [0.25, 3].map((by) => trackedSlope(truth, line, band, by).toFixed(3)).join(", "),
    );
    say([`${truth.name}, ${band} px`, ...slopes]);
  }
}
