import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseString } from "fast-csv";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { reportCommand } from "../../../src/commands/report.ts";
import { PlotFeed, type PlotSource } from "../../../src/figures/plot-feed.ts";
import { updateCsv } from "../../../src/outputs/csv/file/append.ts";
import { MarkersFile } from "../../../src/outputs/csv/file/markers.ts";
import { CSV_FILENAME, CSV_OUTPUT, parseCsvState } from "../../../src/outputs/csv/file/state.ts";
import { type Experiment, experiment, START_US } from "./experiment.ts";

let root: string;
let run: Experiment;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "phorest report é "));
  run = experiment(root, 24);
});
afterEach(() => {
  run.manifest.close();
  rmSync(root, { recursive: true, force: true });
});

/** What the communicator and the supervisor do between them. */
async function deliver(): Promise<number> {
  const path = join(root, "results", CSV_FILENAME);
  const state = parseCsvState(run.manifest.outputs.state(CSV_OUTPUT).state);
  const update = await updateCsv(path, state, (cursor, limit) => run.manifest.outcomes.after(cursor, limit));
  run.manifest.outputs.advance(CSV_OUTPUT, update.state.cursor, JSON.stringify(update.state));
  return update.lines;
}

async function report(out?: string, joined = false): Promise<string> {
  const print = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const options = {
      config: join(root, "config.toml"),
      "log-level": undefined,
      logLevel: undefined,
      json: true,
      out,
      joined,
      tz: undefined,
      _: [],
      $0: "",
    };
    await reportCommand.handler(options);
    return print.mock.calls.map(([text]) => String(text)).join("");
  } finally {
    print.mockRestore();
  }
}

test("the CSV follows the manifest and marks its frames transmitted", async () => {
  run.manifest.outputs.configure([CSV_OUTPUT]);
  run.add(5, [2]);
  expect(await deliver()).toBe(4 * 24);
  run.add(3);
  expect(await deliver()).toBe(3 * 24);
  expect(run.manifest.history.counts().transmitted).toBe(8);
  const text = readFileSync(join(root, "results", CSV_FILENAME), "utf8");
  expect(text).toContain("2026-03-04T15:20:00.000000Z,000A_N,gaussian,0,0,0,0,0,21,60,0.01,0.9,,image_0.png");
  expect(text.trimEnd().split("\n")).toHaveLength(1 + 7 * 24);
});

test("a report elsewhere is the file a run has written, and pictures", async () => {
  run.manifest.outputs.configure([CSV_OUTPUT]);
  run.add(5, [2]);
  await deliver();
  const out = join(root, "a talk");
  const { csv, lines, plots } = JSON.parse(await report(out));
  expect({ lines, plots }).toEqual({
    lines: 96,
    plots: ["png", "svg"].map((end) => join(out, `processed_data_plot.${end}`)),
  });
  expect(readFileSync(csv, "utf8")).toBe(readFileSync(join(root, "results", CSV_FILENAME), "utf8"));
  expect(readFileSync(plots[0]).subarray(1, 4).toString()).toBe("PNG");
  expect(readFileSync(plots[1], "utf8")).toContain("4 frames");
});

test("a report in place leaves a file the run goes on with", async () => {
  run.manifest.outputs.configure([CSV_OUTPUT]);
  run.add(5);
  await deliver();
  run.add(2);
  expect(JSON.parse(await report())).toMatchObject({ lines: 7 * 24, keptAside: null });
  run.add(2);
  await deliver();
  const text = readFileSync(join(root, "results", CSV_FILENAME), "utf8");
  expect(text.trimEnd().split("\n")).toHaveLength(1 + 9 * 24);
});

test("before the first frame a report is a header and a plot that says so", async () => {
  const { lines, plots } = JSON.parse(await report(root));
  expect(lines).toBe(0);
  expect(readFileSync(plots[1], "utf8")).toContain("No frame has been measured yet.");
});

test("a report on joined curves says what they are joined over", async () => {
  run.add(3);
  run.findAgain(2);
  run.add(3);
  const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const pages: string[] = [];
  for (const joined of [false, true]) {
    const out = join(root, joined ? "joined" : "apart");
    await report(out, joined);
    pages.push(readFileSync(join(out, "report.html"), "utf8"));
  }
  stderr.mockRestore();
  expect(pages[0]).not.toContain("joined curves");
  expect(pages[1]).toMatch(
    /joined curves.*the chip was found again \(new ROI manifest\); analysis .*gaussian.* before/s,
  );
});

test("the plot takes in what is new, and nothing twice", () => {
  const feed = new PlotFeed(run.manifest, { title: "chip", baselineSeconds: 1800 });
  run.add(3);
  feed.refresh();
  run.add(4, [1]);
  feed.refresh();
  feed.refresh();
  const input = feed.input();
  expect(input).toMatchObject({
    title: "chip",
    method: "gaussian",
    frames: 6,
    spanMs: [START_US / 1000, START_US / 1000 + 60_000],
  });
  expect(input?.series).toHaveLength(24);
  expect([...(input?.series[1]?.values ?? [])].map((v) => Math.round(v * 100) / 100)).toEqual([
    61, 61.01, 61.02, 61.03, 61.05, 61.06,
  ]);
  expect(input?.temperatures.map(({ sensor, values }) => [sensor, values.length])).toEqual([["Room air", 7]]);
  expect(input?.layout?.slice(0, 3).map(({ panel, row, column }) => [panel, row, column])).toEqual([
    ["000A", 0, 0],
    ["000A", 0, 0],
    ["001A", 0, 1],
  ]);
});

test("markers reach the plot, and a file of their own that a spreadsheet takes for words", async () => {
  run.add(2);
  const { markers } = run.manifest;
  markers.add(START_US + 5_000_000, "=buffer, 10 mM", 1);
  const feed = new PlotFeed(run.manifest, { title: "chip", baselineSeconds: 1800 });
  feed.refresh();
  expect(feed.input()?.markers).toEqual([{ timeMs: START_US / 1000 + 5000, text: "=buffer, 10 mM" }]);
  const place = mkdtempSync(join(tmpdir(), "phorest-markers-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const file = new MarkersFile(place);
  const written = await file.update(markers.all());
  const rows: string[][] = [];
  await new Promise((resolve, reject) => {
    parseString(readFileSync(written ?? "", "utf8"))
      .on("data", (row: string[]) => rows.push(row))
      .on("error", reject)
      .on("end", resolve);
  });
  expect(rows).toEqual([
    ["timestamp", "marker"],
    ["2026-03-04T15:20:05.000000Z", "'=buffer, 10 mM"],
  ]);
  expect(await file.update(markers.all())).toBeUndefined();
  expect(await new MarkersFile(place).update([])).toBeUndefined();
});

test("an analysis that has measured nothing yet takes no place in the plot", () => {
  run.add(2);
  const [analysis] = run.manifest.analyses.all();
  if (analysis === undefined) throw new Error("there is no analysis");
  const { method, settings, roiManifestId } = analysis;
  run.manifest.analyses.ensure({ method, settings, roiManifestId, kernelVersion: "2" });
  run.manifest.analyses.ensure({ method: "fano", settings, roiManifestId, kernelVersion: "2" });
  const feed = new PlotFeed(run.manifest, { title: "chip", baselineSeconds: 1800 });
  feed.refresh();
  expect(feed.input()).toMatchObject({ method: "gaussian", frames: 2 });
});

test.each([
  ["new tracking reference", { method: "tracking", kernelVersion: "2" }],
  ["recalibrated", { method: "tracking", roiManifestId: 2 }],
  ["new version of phorest since", { method: "gaussian", before: "gaussian", kernelVersion: "2" }],
  ["other settings since", { method: "tracking", settings: '{"sub":1}' }],
  ["other method since", { method: "fano", name: "fano" }],
] as const)("a plot that begins with a %s says how many frames came before", (reason, change) => {
  const { before: method = "tracking", ...changed } = { before: undefined, ...change };
  const before = {
    analysisId: 1,
    name: method,
    remeasuredAtUs: undefined,
    method,
    settings: "{}",
    kernelVersion: "1",
    roiManifestId: 1,
    labels: ["A"],
    frames: 24,
    alongWith: undefined,
  } as const;
  const after = { ...before, ...changed, analysisId: 2 };
  const framesOf = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => {
      const capturedAtUs = START_US + (from + i) * 1e7;
      const id = from + i + 1;
      return { outcomeId: id, entryId: id, capturedAtUs, position: new Float32Array([1]), flags: new Uint8Array(1) };
    });
  const titleOf = (analyses: PlotSource["analyses"]["measured"]) => {
    const feed = new PlotFeed(
      {
        analyses: { all: () => [...analyses()], measured: analyses, roiManifest: () => undefined },
        curves: {
          after: function* (id, since = 0) {
            if (since === 0) yield* id === 1 ? framesOf(0, 24) : framesOf(24, 30);
          },
          within: function* () {
            yield* [];
          },
          countWithin: () => 0,
        },
        readings: { after: () => [] },
        markers: { events: () => [], moments: () => [], firstInjectionUs: () => undefined, baseline: () => undefined },
        archives: { last: () => 0 },
        results: { framePositions: () => new Map() },
      },
      { title: "chip", baselineSeconds: 1800 },
    );
    feed.refresh();
    return feed.input();
  };
  expect(titleOf(() => [before, after])).toMatchObject({
    title: `chip, ${reason} 2026-03-04T15:24:00.000000Z (24 earlier frames belong to another analysis)`,
    frames: 6,
  });
  expect(titleOf(() => [after])?.title).toBe("chip");
});

test("temperatures are found behind thousands of frames without any", () => {
  const curve = (entryId: number) => {
    const capturedAtUs = START_US + entryId * 1e7;
    return { outcomeId: entryId, entryId, capturedAtUs, position: new Float32Array([1]), flags: new Uint8Array(1) };
  };
  const reading = { entryId: 3500, sensor: "Air", value: 21, unit: "°C", takenAtUs: START_US, error: undefined };
  const analysis = {
    analysisId: 1,
    name: "centre",
    remeasuredAtUs: undefined,
    method: "centre",
    settings: "{}",
    kernelVersion: "1",
    labels: ["A"],
    frames: 3600,
    alongWith: undefined,
  } as const;
  const source: PlotSource = {
    analyses: { all: () => [analysis], measured: () => [analysis], roiManifest: () => undefined },
    curves: {
      after: function* (_id, after = 0) {
        for (let id = Math.max(0, after) + 1; id <= 3600; id += 1) yield curve(id);
      },
      within: function* () {
        yield* [];
      },
      countWithin: () => 0,
    },
    readings: { after: (after, limit) => (after < 3500 && after + limit >= 3500 ? [reading] : []) },
    markers: { events: () => [], moments: () => [], firstInjectionUs: () => undefined, baseline: () => undefined },
    archives: { last: () => 0 },
    results: { framePositions: () => new Map() },
  };
  const feed = new PlotFeed(source, { title: "chip", baselineSeconds: 1800 });
  feed.refresh();
  expect(feed.input()?.temperatures.map(({ sensor }) => sensor)).toEqual(["Air"]);
});

test("ROIs are chosen by label, with * for any letters, and a label that none has is named", () => {
  run.add(2);
  const chosen = (labels: string[]) => {
    const feed = new PlotFeed(run.manifest, { title: "chip", baselineSeconds: 1800, labels });
    feed.refresh();
    return feed.input()?.series.map(({ label }) => label);
  };
  expect(chosen(["003A_N", "01*_s"])).toEqual(["003A_N", "010A_S", "011A_S"]);
  expect(() => chosen(["3?"])).toThrow("Report.plot_rois: no ROI has one of these names");
});
