// CSV files that a spreadsheet opens: texts of other people that look like formulas are texts, and are read back unchanged.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseString } from "fast-csv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import { MANIFEST_FILENAME, Manifest } from "../../../src/manifest/manifest.ts";
import { encodeStatistics } from "../../../src/manifest/statistics-codec.ts";
import { QUANTITIES, STATISTICS } from "../../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../../../src/measurement/roi.ts";
import { CSV_FILENAME } from "../../../src/outputs/csv/file/state.ts";
import { plainText, safeText } from "../../../src/outputs/csv/file/text.ts";
import { curvesCsv } from "../../../src/web/curves-csv.ts";
import { Experiment } from "../../../src/web/experiment.ts";
import { command as phorest } from "../../run/commands.ts";

const HOSTILE = [
  "=1+2",
  "=cmd|' /C calc'!A0",
  '=HYPERLINK("http://x.example","y")',
  "+1+2",
  "-2+3",
  "-5",
  "@SUM(A1)",
  "\uff1d1+2",
  "'=1",
  "''@x",
];
const ORDINARY = ["052A_N", "5'-end", "'quoted'", "a=b", "a,b", 'say "hi"', "1-2", "Gitter µ"];
/** As many as the page gives at a time. */
const LABELS = [...HOSTILE, ...ORDINARY].slice(0, 16);
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
/** A number, a time: what the program itself writes. */
const OWN = /^(-?\d+(\.\d+)?(e-?\d+)?|\d{4}-\d\d-\d\dT[\d:.]+Z)$/;
const MARKER = "@buffer; 10 mM";
const FILENAME = (frame: number) => `-x=${frame}.png`;
const FRAMES = 6;

async function rowsOf(text: string): Promise<string[][]> {
  const rows: string[][] = [];
  await new Promise((resolve, reject) => {
    parseString(text)
      .on("data", (row: string[]) => rows.push(row))
      .on("error", reject)
      .on("end", resolve);
  });
  return rows;
}

describe("a text in a CSV file", () => {
  test.each(HOSTILE)("%j does not begin a formula and is read back unchanged", (text) => {
    expect(safeText(text)).not.toMatch(FORMULA);
    expect(plainText(safeText(text))).toBe(text);
  });

  test.each([...ORDINARY, "", "'"])("%j is written as it is and read back unchanged", (text) => {
    expect(safeText(text)).toBe(text);
    expect(plainText(text)).toBe(text);
  });

  test.each(["\t=1", "\r=1", "\n=1"])("white space before a formula counts as one: %j", (text) => {
    expect(safeText(text)).toBe(`'${text}`);
    expect(plainText(safeText(text))).toBe(text);
  });
});

describe("every CSV of an experiment whose labels, file names and markers look like formulas", () => {
  let root: string;
  const written = new Map<string, string[][]>();

  beforeAll(async () => {
    root = measured();
    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await phorest(args, root);
      expect(code, stderr).toBe(0);
      return stdout;
    };
    await run("report");
    const file = (name: string) => readFileSync(join(root, "results", name), "utf8");
    const { config } = loadConfig(undefined, root);
    const manifestFile = join(root, "data", MANIFEST_FILENAME);
    const shown = Experiment.open({ config, origins: {}, token: "", manifestFile }, () => undefined);
    let page = "";
    const query = {
      wanted: ["*"],
      pairs: false,
      references: undefined,
      fromUs: undefined,
      toUs: undefined,
      columns: 500,
    };
    for await (const part of curvesCsv(shown, shown.shown({}), query)) page += part;
    await shown.close();
    const texts = {
      "communicating_results.csv": file(CSV_FILENAME),
      "noise_and_drift.csv": file("noise_and_drift.csv"),
      "markers.csv": file("markers.csv"),
      export: await run("export", "--format", "csv"),
      sensorgram: await run("sensorgram"),
      page,
    };
    for (const [name, text] of Object.entries(texts)) written.set(name, await rowsOf(text));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** Shifts fall, so that there are negative numbers. */
  function measured(): string {
    const directory = mkdtempSync(join(tmpdir(), "phorest-csv-"));
    const data = join(directory, "data");
    mkdirSync(data);
    const manifest = Manifest.open({ file: join(data, MANIFEST_FILENAME) });
    const rois = LABELS.map((label, at) => ({ label, flip: false, y: 40 * at, x: 5, height: 30, width: 181 }));
    const roiManifestId = manifest.analyses.ensureRoiManifest(
      parseRoiManifest(formatRoiManifest({ imageAngle: 0, rois }), "here"),
    );
    const analysisId = manifest.analyses.ensure({
      method: "gaussian",
      settings: "{}",
      roiManifestId,
      kernelVersion: "1",
    });
    manifest.outputs.configure(["csv"]);
    const perRoi = QUANTITIES.gaussian.length * STATISTICS.length;
    for (let frame = 0; frame < FRAMES; frame += 1) {
      const nowUs = Date.UTC(2026, 2, 4, 15, 0, frame) * 1000;
      manifest.entries.add({ capturedAtUs: nowUs, filename: FILENAME(frame) });
      const [claim] = manifest.entries.claimPending(1, nowUs);
      if (claim === undefined) throw new Error("nothing to claim");
      const each = (value: number) => Float64Array.from(rois, () => value);
      manifest.complete(
        claim,
        analysisId,
        {
          position: each(90 - frame - (frame % 2) / 8),
          standardError: each(0.01),
          quality: each(0.9),
          flags: new Uint8Array(rois.length),
          statistics: encodeStatistics(new Float64Array(rois.length * perRoi).fill(-3), perRoi),
          brightness: 1,
          contrast: 1,
        },
        nowUs,
      );
    }
    manifest.markers.add(Date.UTC(2026, 2, 4, 15, 0, 2) * 1000, MARKER, 1);
    manifest.close();
    return directory;
  }

  const tables = ["communicating_results.csv", "noise_and_drift.csv", "markers.csv", "export", "sensorgram", "page"];

  test.each(tables)("%s: no cell begins a formula; numbers stay numbers", (name) => {
    const rows = written.get(name) ?? [];
    expect(rows.length).toBeGreaterThan(1);
    for (const cell of rows.flat()) if (FORMULA.test(cell)) expect(cell).toMatch(OWN);
    const negative = rows.flat().filter((cell) => /^-\d/.test(cell));
    if (name !== "markers.csv") expect(negative.length).toBeGreaterThan(0);
  });

  test.each([
    ["communicating_results.csv", "ROI-label"],
    ["export", "ROI-label"],
    ["noise_and_drift.csv", "label"],
    ["sensorgram", "label"],
    ["page", "label"],
  ])("%s: labels are read back unchanged", (name, column) => {
    const [header = [], ...rows] = written.get(name) ?? [];
    const at = header.indexOf(column);
    const labels = rows.map((row) => plainText(row[at] ?? "")).filter((label) => !label.startsWith("group "));
    expect(new Set(labels)).toEqual(new Set(LABELS));
  });

  test("file names and markers are read back unchanged", () => {
    const column = (name: string, wanted: string): string[] => {
      const [header = [], ...rows] = written.get(name) ?? [];
      return rows.map((row) => plainText(row[header.indexOf(wanted)] ?? "")).filter((text) => text !== "");
    };
    const names = Array.from({ length: FRAMES }, (_, frame) => FILENAME(frame));
    expect(new Set(column("communicating_results.csv", "image_filename"))).toEqual(new Set(names));
    for (const name of ["markers.csv", "sensorgram", "page"]) {
      expect(new Set(column(name, "marker"))).toEqual(new Set([MARKER]));
    }
  });
});
