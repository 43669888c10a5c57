// Draws the pictures of docs/kernel.md with the current simulation and kernel: a row with its fit and the
// residuals, and the precision of each estimator next to the Cramér–Rao bound. Run: npx tsx bench/figures.ts
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { measure } from "../src/analysis/kernel.ts";
import { ROW } from "../src/analysis/kernel-answer.ts";
import { COLOURS, STYLE } from "../src/figures/figure-style.ts";
import { renderVegaLite } from "../src/figures/render.ts";
import { type JointLine, type Method, POSITION_COLUMN, QUANTITIES } from "../src/measurement/method.ts";
import { medianOf } from "../src/measurement/statistics.ts";
import { packageRoot, writeDurably } from "../src/system/files.ts";
import {
  cramerRaoPx,
  exposeRoi,
  type Line,
  lightAt,
  NOISE,
  normalsOf,
  SIZE,
  speckleField,
} from "../test/conformance/speckled-rois.ts";

/** A line shape that rows are also fitted with. */
type RowLine = Line & { readonly kind: "gaussian" | "fano" };

const GAUSSIAN: RowLine = { kind: "gaussian", centre: 90, width: 25, slope: 0.03, q: 0, height: 100, base: 110 };
const FANO: RowLine = { kind: "fano", centre: 90, width: 25, slope: 0.03, q: 2, height: 90, base: 110 };
const LINES = [
  { line: GAUSSIAN, title: "Gaussian line" },
  { line: FANO, title: "Fano line, q = 2" },
];
const REALISATIONS = 120;
const SHIFT_PX = 0.1;
const LIGHT = [5, 10, 20, 50, 100, 200];

function measured(pixels: Uint8Array, method: Method, jointLine: JointLine) {
  return measure({
    pixels,
    width: SIZE.width,
    height: SIZE.rows,
    angleDegrees: 0,
    rois: Float64Array.of(0, 0, SIZE.rows, SIZE.width, 0),
    method,
    jointLine,
    subRois: 0,
    sampling: "precise",
    bitDepthScaling: "stretch",
  });
}

function positionOf(pixels: Uint8Array, method: "rows" | "joint", { kind }: RowLine): number {
  const used: Method = method === "rows" ? kind : "joint";
  const { columns, status } = measured(pixels, used, kind);
  const width = QUANTITIES[used].length;
  const positions = [...status.keys()]
    .filter((row) => status[row] === ROW.ok)
    .map((row) => columns[row * width + POSITION_COLUMN[used]] as number);
  return medianOf(Float64Array.from(positions));
}

/** Returns the fitted curve of a row at the pixels. */
function fitted(kind: RowLine["kind"], values: readonly number[]): number[] {
  return Array.from({ length: SIZE.width }, (_, x) => {
    const value = (name: string) => values[QUANTITIES[kind].indexOf(name)] as number;
    if (kind === "gaussian") {
      return value("amplitude") * Math.exp(-((x - value("mu")) ** 2) / (2 * value("sigma") ** 2)) + value("offset");
    }
    const u = x - value("resonance");
    const gamma = value("gamma");
    return (value("amplitude") * (value("assymetry") * gamma + u) ** 2) / (gamma ** 2 + u ** 2) + value("offset");
  });
}

/** Draws one row of each kind: samples, fit, residual. */
function rowFigure(): TopLevelSpec {
  const row = 30;
  const samples = LINES.flatMap(({ line, title }) => {
    const next = normalsOf(3);
    const field = speckleField(SIZE.rows, SIZE.width, NOISE.grainPx, next);
    const pixels = exposeRoi((x, at) => lightAt(line, x, at), field, NOISE, next);
    const { columns } = measured(pixels, line.kind, line.kind);
    const width = QUANTITIES[line.kind].length;
    const fit = fitted(line.kind, Array.from(columns.subarray(row * width, (row + 1) * width)));
    return fit.map((value, x) => ({ title, x, fit: value, sample: pixels[row * SIZE.width + x] as number }));
  });
  const x = { field: "x", type: "quantitative", title: "px", scale: { nice: false } } as const;
  const column = { width: 380 };
  const panel = (title: string) => ({
    data: { values: samples.filter((sample) => sample.title === title) },
    vconcat: [
      {
        ...column,
        height: 180,
        title,
        layer: [
          {
            mark: { type: "point", filled: true, size: 9, color: "#888888" },
            encoding: { x: { ...x, title: null }, y: { field: "sample", type: "quantitative", title: "counts" } },
          },
          {
            mark: { type: "line", color: COLOURS[0], strokeWidth: 2 },
            encoding: { x: { ...x, title: null }, y: { field: "fit", type: "quantitative" } },
          },
        ],
      },
      {
        ...column,
        height: 80,
        transform: [{ calculate: "datum.sample - datum.fit", as: "residual" }],
        mark: { type: "bar", color: COLOURS[0], size: 1.5 },
        encoding: { x, y: { field: "residual", type: "quantitative", title: "residual" } },
      },
    ],
  });
  return { config: STYLE, hconcat: LINES.map(({ title }) => panel(title)) } as TopLevelSpec;
}

const rms = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

/** Returns the error of a shift between two frames with the same speckle pattern, px, over realisations, for each estimator. */
function shiftErrors(line: RowLine, electronsPerCount: number) {
  const noise = { ...NOISE, electronsPerCount };
  const moved = { ...line, centre: line.centre + SHIFT_PX };
  const errors = { rows: [] as number[], joint: [] as number[] };
  for (let nth = 0; nth < REALISATIONS; nth++) {
    const next = normalsOf(40_000 + nth);
    const field = speckleField(SIZE.rows, SIZE.width, NOISE.grainPx, next);
    const [before, after] = [line, moved].map((at) => exposeRoi((x, row) => lightAt(at, x, row), field, noise, next));
    for (const method of ["rows", "joint"] as const) {
      const shift =
        positionOf(after as Uint8Array, method, line) - positionOf(before as Uint8Array, method, line) - SHIFT_PX;
      errors[method].push(shift);
    }
  }
  return errors;
}

function precisionFigure(): TopLevelSpec {
  const values = LINES.flatMap(({ line, title }) =>
    LIGHT.flatMap((electrons) => {
      const errors = shiftErrors(line, electrons);
      // The speckle is the same in both frames, so only the noise of camera and photons remains, twice.
      const bound = Math.SQRT2 * cramerRaoPx(line, { ...NOISE, speckle: 0, electronsPerCount: electrons });
      return [
        { title, electrons, of: "median of row fits", px: rms(errors.rows) },
        { title, electrons, of: "joint fit", px: rms(errors.joint) },
        { title, electrons, of: "Cramér–Rao bound", px: bound },
      ];
    }),
  );
  return {
    config: STYLE,
    data: { values },
    facet: { column: { field: "title", type: "nominal", title: null } },
    spec: {
      width: 360,
      height: 240,
      mark: { type: "line", point: true, strokeWidth: 2 },
      encoding: {
        x: { field: "electrons", type: "quantitative", scale: { type: "log" }, title: "electrons per count" },
        y: {
          field: "px",
          type: "quantitative",
          scale: { type: "log" },
          title: `error of a shift of ${SHIFT_PX} px, px`,
        },
        color: { field: "of", type: "nominal", title: null, scale: { range: [...COLOURS] } },
        strokeDash: { field: "of", type: "nominal", title: null },
      },
    },
  } as TopLevelSpec;
}

for (const [name, spec] of [
  ["kernel-row", rowFigure()],
  ["kernel-precision", precisionFigure()],
] as const) {
  const { png } = await renderVegaLite(spec);
  const file = join(packageRoot(), "docs", "images", `${name}.png`);
  await writeDurably(file, png);
  process.stdout.write(`${file}\n`);
}
