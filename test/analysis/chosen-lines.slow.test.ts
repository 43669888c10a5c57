import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeLines, growLines, linesComplete, namesOfLines } from "../../src/analysis/chosen-lines.ts";
import { shapeOf } from "../../src/analysis/line-shape.ts";
import { ReferenceSequencer } from "../../src/analysis/reference-sequencer.ts";
import { methodSettings } from "../../src/analysis/settings.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { LINES, type Line } from "../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../../src/measurement/roi.ts";
import { experiment, phorest } from "../run/program.ts";
import { TIME_TO_STOP } from "../support/time-to-stop.ts";
import { normals } from "./simulated-rows.ts";

const codes = (...lines: (Line | undefined)[]) =>
  Uint8Array.from(lines, (line) => (line === undefined ? 0 : 1 + LINES.indexOf(line)));

describe("the chosen lines", () => {
  it("are those of each ROI's first sound frame", () => {
    const first = growLines(undefined, codes("gaussian", "fano", "voigt"), (roi) => roi !== 1);
    expect(namesOfLines(first)).toEqual(["gaussian", undefined, "voigt"]);
    expect(linesComplete(first)).toBe(false);
    const second = growLines(first, codes("fano", "lorentzian", "fano"), () => true);
    expect(namesOfLines(second)).toEqual(["gaussian", "lorentzian", "voigt"]);
    expect(linesComplete(second)).toBe(true);
    expect(namesOfLines(first)).toEqual(["gaussian", undefined, "voigt"]);
  });

  it("become that of most ROIs where none is sound for long, and at the latest when the choosing is over", () => {
    const found = codes("gaussian", "fano", "fano", "lorentzian");
    const sound = (roi: number) => roi !== 0;
    let lines = growLines(undefined, found, sound);
    for (let frame = 2; frame < 16; frame++) {
      expect(linesComplete(lines)).toBe(false);
      lines = growLines(lines, found, sound);
    }
    const last = ["fano", "fano", "fano", "lorentzian"];
    expect(namesOfLines(growLines(lines, found, sound))).toEqual(last);
    expect(namesOfLines(growLines(undefined, found, sound, true))).toEqual(last);
    expect(namesOfLines(growLines(undefined, found, () => false, true))).toEqual(Array(4).fill("gaussian"));
  });

  it("are the same after they were stored, and bytes that cannot be lines are refused", () => {
    const lines = growLines(undefined, codes("gaussian", "voigt"), () => true);
    expect(decodeLines(Buffer.from(lines))).toEqual(lines);
    const common = { sampling: "precise", bitDepthScaling: "stretch", debug: false } as const;
    const settings = {
      ...methodSettings("joint", {
        subRois: 1,
        jointLine: "auto",
        fanoSign: "canonical",
        referenceFrames: 16,
        darkLevel: undefined,
      }),
      ...common,
    };
    const made = { lines: { joint: Buffer.from(lines) } };
    expect(new ReferenceSequencer({ settings, measuresDrift: false, made }).needsOrder).toBe(false);
    expect(new ReferenceSequencer({ settings, measuresDrift: false }).needsOrder).toBe(true);
    expect(() => decodeLines(Uint8Array.of(1, LINES.length + 1))).toThrow(RangeError);
    expect(() => decodeLines(new Uint8Array(0))).toThrow(RangeError);
  });
});

const [WIDTH, ROWS] = [181, 40];
const LABELS = ["001A_N", "001A_S", "002A_N"];
const manifest = parseRoiManifest(
  JSON.stringify({
    ...Object.fromEntries(
      LABELS.map((label, roi) => [
        `ROI_${label}`,
        { label, flip: false, coords: [roi * ROWS, 0], size: [ROWS, WIDTH] },
      ]),
    ),
    image_angle: 0,
  }),
  "the test",
);

/** A picture of one ROI per line; `undefined` for one that is cut off by the camera. */
async function picture(lines: readonly (Line | undefined)[], seed: number): Promise<Uint8Array> {
  const next = normals(seed);
  const pixels = new Uint8Array(WIDTH * ROWS * lines.length);
  lines.forEach((line, roi) => {
    const shape = shapeOf(line ?? "gaussian", { centre: 90 + 0.1 * seed, width: 20, asymmetry: 3, share: 0.5 });
    const peak = line === "fano" ? 10 : 1;
    for (let y = 0; y < ROWS; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const value = 40 + ((line === undefined ? 400 : 100) * shape(x)) / peak + 2 * next();
        pixels[(roi * ROWS + y) * WIDTH + x] = Math.max(0, Math.min(255, Math.round(value)));
      }
    }
  });
  return await encodePicture({ pixels, width: WIDTH, height: ROWS * lines.length, bitDepth: 8 }, "png");
}

/** The third ROI is cut off at first, and all lights change in the end. */
const SERIES: readonly (readonly (Line | undefined)[])[] = [
  ["gaussian", "lorentzian", undefined],
  ["gaussian", "lorentzian", "fano"],
  ["gaussian", "lorentzian", "fano"],
  ["lorentzian", "fano", "gaussian"],
];

async function writeSeries(directory: string, series = SERIES): Promise<void> {
  for (const [nth, lines] of series.entries()) {
    const name = `image_20260304_1500${String(nth).padStart(2, "0")}_000000_cam0.png`;
    writeFileSync(join(directory, name), await picture(lines, nth + 1));
  }
}

const config = (analysis: string) =>
  `[Web]\nenabled = false\n[Report]\nplot = false\n[Services]\nenable_camera = true\n[Camera]\ncamera_type = "file_importer"\n[Data_Analysis]\nreference_frames = 2\n${analysis}\n${TIME_TO_STOP}`;

async function directoryOf(analysis: string): Promise<string> {
  const directory = experiment(config(analysis));
  mkdirSync(join(directory, "data"));
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, "generated_files/ROI_manifest.json"), formatRoiManifest(manifest));
  await writeSeries(join(directory, "data"));
  return directory;
}

function stored(directory: string) {
  const opened = Manifest.open({ file: join(directory, "data", MANIFEST_FILENAME), readonly: true });
  try {
    return opened.analyses.all().map((analysis) => ({
      method: analysis.method,
      lines: opened.references.linesOf(analysis),
      positions: LABELS.map((_, roi) => opened.results.sensorgram({ analysisId: analysis.analysisId, roi }).position),
    }));
  } finally {
    opened.close();
  }
}

async function run(directory: string): Promise<void> {
  const { code, stderr } = await phorest(["run", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
}

describe("a run with joint_line auto", () => {
  it.each(['method = "joint"', 'method = "tracking"', 'method = "joint"\nalso = ["tracking"]'])(
    "by %s keeps each ROI's line over restarts, for any number of threads",
    async (method) => {
      const auto = `${method}\njoint_line = "auto"`;
      const [one, three] = [await directoryOf(`${auto}\nworkers = 1`), await directoryOf(`${auto}\nworkers = 3`)];
      await run(one);
      await run(three);
      const before = stored(one);
      expect(before.map(({ lines }) => lines)).toEqual(before.map(() => ["gaussian", "lorentzian", "fano"]));
      expect(stored(three)).toEqual(before);
      // More frames after a restart, of other light: the lines and the analysis stay.
      const name = "image_20260304_150100_000000_cam0.png";
      writeFileSync(join(one, "data", name), await picture(["fano", "gaussian", "lorentzian"], 9));
      await run(one);
      const after = stored(one);
      expect(after.map(({ lines }) => lines)).toEqual(before.map(({ lines }) => lines));
      expect(after.map(({ positions }) => positions[0]?.length)).toEqual(before.map(() => SERIES.length + 1));
      const table = await phorest(["sensorgram", "--summary", "--json", "--baseline", "0..5"], one);
      const shown = JSON.parse(table.stdout).map(({ line }: { line: string | null }) => line);
      expect(shown.slice(0, LABELS.length)).toEqual(before[0]?.lines);
    },
  );

  it("measures with a configured line as it did before there was a choice", async () => {
    const directory = await directoryOf('method = "joint"\njoint_line = "fano"');
    await run(directory);
    expect(stored(directory).map(({ lines }) => lines)).toEqual([["fano", "fano", "fano"]]);
  });
});

describe("phorest analyse with the line auto", () => {
  async function linesBy(directory: string, ...args: string[]): Promise<string[][]> {
    const out = join(directory, `${args.join("-")}.jsonl`);
    const command = [
      "analyse",
      join(directory, "data"),
      "--rois",
      join(directory, "generated_files/ROI_manifest.json"),
    ];
    const { code, stderr } = await phorest([...command, "--joint-line", "auto", "--jsonl", out, ...args], directory);
    expect(code, stderr).toBe(0);
    const records = readFileSync(out, "utf8").trim().split("\n");
    return records.map((record) => JSON.parse(record).resonances.map(({ line }: { line: string }) => line));
  }

  it.each(["joint", "tracking"])("holds what the first pictures of a series chose, by %s", async (method) => {
    const directory = await directoryOf("");
    const held = ["gaussian", "lorentzian", "fano"];
    const [alone, together] = [
      await linesBy(directory, "--method", method, "--jobs", "1"),
      await linesBy(directory, "--method", method, "--jobs", "3"),
    ];
    // The picture in which the third ROI is cut off is measured before its line is known.
    expect(alone.map((lines) => lines.slice(0, 2))).toEqual(SERIES.map(() => held.slice(0, 2)));
    expect(alone.slice(1)).toEqual(SERIES.slice(1).map(() => held));
    expect(together).toEqual(alone);
  });
});
