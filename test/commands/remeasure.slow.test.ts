// `phorest remeasure` by the real program: the frames of a stopped experiment measured again, and every reader of the result.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { beforeAll, expect, test } from "vitest";
import { command } from "../run/commands.ts";
import { experiment, phorest, QUICK_CONFIG, start } from "../run/program.ts";
import { dying } from "../support/dying.ts";
import { said } from "../support/said.ts";

const FRAMES = 12;

/** An experiment of the simulated chip that is measured and stopped. */
async function newlyMeasured(config = "", frames = FRAMES): Promise<string> {
  const directory = experiment(`${QUICK_CONFIG}${config}`);
  const { code, stderr } = await command(["run", "--frames", String(frames), "--until-idle"], directory);
  expect(code, stderr).toBe(0);
  return directory;
}

let model: string;
beforeAll(async () => {
  model = await newlyMeasured();
});

/** One that was measured and stopped. */
function measured(): string {
  const directory = experiment();
  cpSync(model, directory, { recursive: true, preserveTimestamps: true });
  return directory;
}

interface Listed {
  readonly name: string;
  readonly method: string;
  readonly frames: number;
  readonly failed: number;
  readonly shown_by_default: boolean;
}

async function analysesOf(directory: string): Promise<Listed[]> {
  return JSON.parse((await command(["analyses", "--json"], directory)).stdout) as Listed[];
}

/** All rows of the tables that a run writes, without what a second analysis adds. */
function rowsOfRun(directory: string): string {
  const db = new Database(join(directory, "data", "phorest.sqlite"), { readonly: true });
  try {
    return JSON.stringify([
      db.prepare("SELECT * FROM entry ORDER BY id").all(),
      db.prepare("SELECT * FROM outcome WHERE analysis_id = 1 ORDER BY id").all(),
      db.prepare("SELECT * FROM result WHERE analysis_id = 1 ORDER BY entry_id, roi").all(),
      db.prepare("SELECT * FROM output ORDER BY name").all(),
      db.prepare("SELECT * FROM delivery").all(),
    ]);
  } finally {
    db.close();
  }
}

const pictures = (directory: string) =>
  readdirSync(join(directory, "data"))
    .filter((name) => name.startsWith("image_"))
    .sort();

test("every frame gets a result of the new analysis, the run's rows stay, and every reader shows it by name", async () => {
  const directory = measured();
  const before = rowsOfRun(directory);
  const again = await phorest(["remeasure", "--method", "centre", "--json"], directory);
  expect(again.code, again.stderr).toBe(0);
  // Node.js warns of what keeps more and more listeners.
  expect(again.stderr).not.toContain("Warning");
  expect(JSON.parse(again.stdout)).toMatchObject({
    analysis: "centre",
    frames: FRAMES,
    measured: FRAMES,
    failed: 0,
    gone: 0,
  });
  expect(rowsOfRun(directory)).toBe(before);
  expect(
    (await analysesOf(directory)).map(({ name, frames, shown_by_default }) => [name, frames, shown_by_default]),
  ).toEqual([
    ["gaussian", FRAMES, false],
    ["centre", FRAMES, true],
  ]);
  const lines = async (words: readonly string[]) => {
    const { code, stdout, stderr } = await command(words, directory);
    expect(code, stderr).toBe(0);
    return { lines: stdout.trim().split("\n"), stderr };
  };
  // The default is the newest complete one, and that is said.
  const chosen = await lines(["export", "--format", "csv"]);
  expect(chosen.stderr).toContain('showing analysis "centre"; for another use --analysis "gaussian"');
  for (const method of ["centre", "gaussian"]) {
    const csv = await lines(["export", "--format", "csv", "--analysis", method]);
    const column = csv.lines[0]?.split(",").indexOf("Analysis-method") ?? -1;
    expect([...new Set(csv.lines.slice(1).map((line) => line.split(",")[column]))]).toEqual([method]);
    const records = await lines(["export", "--format", "results-jsonl", "--analysis", method]);
    expect(records.lines).toHaveLength(FRAMES);
    const wide = await lines(["export", "--format", "csv-wide", "--analysis", method]);
    expect(wide.lines.join("\n")).toContain(`# method: ${method} (analysis "${method}"`);
    const report = await lines(["report", "--analysis", method, "--out", method]);
    expect(report.lines[0]).toContain(join(method, "communicating_results.csv"));
    expect(readFileSync(join(directory, method, "report.html"), "utf8")).toContain(`<td>${method}</td>`);
    const csvFile = readFileSync(join(directory, method, "communicating_results.csv"), "utf8")
      .trim()
      .split("\n");
    expect(csvFile.slice(1).every((line) => line.split(",")[2] === method)).toBe(true);
    // The same numbers in both.
    const at = csvFile[0]?.split(",").indexOf("resonance_position_px") ?? -1;
    const sensorgram = await lines(["sensorgram", "--roi", "094A_N", "--analysis", method]);
    const position = sensorgram.lines[0]?.split(",").indexOf("position_px") ?? -1;
    const ofRoi = csvFile.filter((line) => line.includes(",094A_N,")).map((line) => Number(line.split(",")[at]));
    // Rounded to five and to four decimals.
    const rows = sensorgram.lines.filter((line) => line.split(",")[1] === "094A_N");
    const shown = rows.map((line) => Number(line.split(",")[position]));
    expect(shown).toHaveLength(ofRoi.length);
    expect(Math.max(...shown.map((px, frame) => Math.abs(px - (ofRoi[frame] ?? Number.NaN))))).toBeLessThan(1e-4);
  }
  const compared = await lines(["compare", ".#gaussian", ".#centre", "--roi", "094A_N"]);
  expect(compared.lines.slice(0, 2).join("\n")).toMatch(/"gaussian"\)\nB: .*"centre"\)/);
});

test("the same method again gives the same numbers, and a later run passes none of it on", async () => {
  const directory = measured();
  const csv = readFileSync(join(directory, "results", "communicating_results.csv"), "utf8");
  expect((await command(["remeasure", "--method", "gaussian"], directory)).stdout).toContain('analysis "gaussian 2"');
  const positions = async (analysis: string) =>
    (await command(["sensorgram", "--analysis", analysis], directory)).stdout;
  expect(await positions("gaussian 2")).toBe(await positions("gaussian"));
  const run = await command(["run", "--frames", "2", "--until-idle"], directory);
  expect(run.code, run.stderr).toBe(0);
  const after = readFileSync(join(directory, "results", "communicating_results.csv"), "utf8");
  expect(after.startsWith(csv)).toBe(true);
  expect(after.trim().split("\n")).toHaveLength(1 + (FRAMES + 2) * 10);
  // The run's own analysis is the complete one again.
  expect((await analysesOf(directory)).find((one) => one.shown_by_default)?.name).toBe("gaussian");
  // The same command continues with the new frames alone.
  const more = await command(["remeasure", "--method", "gaussian", "--json"], directory);
  expect(JSON.parse(more.stdout)).toMatchObject({ analysis: "gaussian 2", measured: 2, measured_before: FRAMES });
});

test("pictures are taken from here, compressed, or from the share; those that are gone are counted and named", async () => {
  const directory = measured();
  const share = join(directory, "share");
  writeFileSync(join(directory, "config.toml"), `${QUICK_CONFIG}[Paths]\nremote_root_dir = "share"\n`);
  const [compressed, moved, gone] = pictures(directory) as [string, string, string];
  const data = (name: string) => join(directory, "data", name);
  writeFileSync(data(`${compressed}.gz`), gzipSync(readFileSync(data(compressed))));
  rmSync(data(compressed));
  mkdirSync(join(share, "data"), { recursive: true });
  renameSync(data(moved), join(share, "data", moved));
  rmSync(data(gone));
  const db = new Database(join(directory, "data", "phorest.sqlite"));
  db.prepare("UPDATE entry SET image_synced = 1, remote_path = ? WHERE filename = ?").run(`data/${moved}`, moved);
  db.close();
  const { code, stdout, stderr } = await command(["remeasure", "--method", "centre"], directory);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain(`analysis "centre": ${FRAMES - 1} of ${FRAMES} frames measured, 0 failed`);
  expect(stdout).toContain(`1 not measured because the image is gone: ${gone}`);
  // It does not cover every frame, so the run's analysis stays the one that is shown.
  expect((await analysesOf(directory)).find((one) => one.shown_by_default)?.name).toBe("gaussian");
  writeFileSync(data(gone), "no image");
  const broken = await command(["remeasure", "--method", "centre", "--json"], directory);
  expect(broken.code).toBe(3);
  expect(JSON.parse(broken.stdout)).toMatchObject({ measured: 0, failed: 1, measured_before: FRAMES - 1 });
});

test("a killed remeasurement is continued by the same command, and tracking counts from the same first frames", async () => {
  const frames = 30;
  const directory = await newlyMeasured("[Data_Analysis]\nreference_frames = 8\n", frames);
  const words = ["remeasure", "--method", "tracking", "--jobs", "2"];
  const whole = await command([...words, "--name", "whole"], directory);
  expect(whole.code, whole.stderr).toBe(0);
  const part = [...words, "--name", "in parts"];
  const killed = await phorest(part, directory, dying({ text: ": measured in", times: 3 }));
  expect(killed.signal, killed.stderr).toBe("SIGKILL");
  const partly = (await analysesOf(directory)).find(({ name }) => name === "in parts")?.frames ?? 0;
  expect(partly).toBeGreaterThan(0);
  expect(partly).toBeLessThan(frames);
  const rest = await command([...part, "--json"], directory);
  expect(rest.code, rest.stderr).toBe(0);
  expect(JSON.parse(rest.stdout)).toMatchObject({ measured: frames - partly, measured_before: partly, failed: 0 });
  const curves = async (name: string) => (await command(["sensorgram", "--analysis", name], directory)).stdout;
  expect(await curves("in parts")).toBe(await curves("whole"));
});

test("a part of the frames and ROIs under a name of its own, with tracking along", async () => {
  const directory = measured();
  const words = ["remeasure", "--method", "centre", "--also", "tracking", "--every", "4", "--roi", "094*"];
  const { code, stdout, stderr } = await command([...words, "--name", "quick look", "--json"], directory);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ analysis: "quick look", frames: 3, measured: 3 });
  const curves = await command(["sensorgram", "--analysis", "Quick Look", "--tracking"], directory);
  expect(curves.code, curves.stderr).toBe(0);
  const shown = curves.stdout.trim().split("\n").slice(1);
  expect([...new Set(shown.map((line) => line.split(",")[1]))]).toEqual([
    "094A_N",
    "094A_S",
    "094B_N",
    "094B_S",
    "group A",
    "group B",
  ]);
  const listed = await analysesOf(directory);
  expect(listed.map(({ name, method, frames }) => [name, method, frames])).toEqual([
    ["gaussian", "gaussian", FRAMES],
    ["quick look", "centre", 3],
    ["tracking", "tracking", 3],
  ]);
});

test("what cannot be measured again is one line and exit code 2, and adds no analysis", async () => {
  const directory = measured();
  for (const [words, line] of [
    [["remeasure", "--method", "gausian"], "did you mean gaussian"],
    [["remeasure", "--method", "centre", "--jobs", "0"], "--jobs"],
    [["remeasure", "--method", "centre", "--jobs", "2000"], "--jobs"],
    [["remeasure", "--name", "7"], "is not a name for an analysis"],
    [["remeasure", "--method", "centre", "--name", "gaussian"], "analysis 1 (gaussian) has this name"],
    [["remeasure", "--roi", "999*"], '--roi: no ROI is named "999*"'],
    [["remeasure", "--rois", "nowhere.json"], "nowhere.json"],
    [["remeasure", "--from", "2030-01-01"], "no frame from 2030-01-01"],
    [["report", "--analysis", "gausian"], 'did you mean "gaussian"'],
    [["sensorgram", "--analysis", "centre"], "no analysis centre"],
    [["export", "--format", "manifest-json", "--analysis", "gaussian"], "manifest-json holds frames"],
  ] as const) {
    const { code, stderr } = await command(words, directory);
    expect([code, stderr.trim().split("\n").length], `${words.join(" ")}: ${stderr}`).toEqual([2, 1]);
    expect(stderr).toContain(line);
  }
  expect(await analysesOf(directory)).toHaveLength(1);
  const nothing = experiment(QUICK_CONFIG);
  const { code, stderr } = await command(["remeasure", "--method", "centre"], nothing);
  expect([code, existsSync(join(nothing, "data"))], stderr).toEqual([2, false]);
});

test("a method that was changed after everything was measured is said, with the command that measures it", async () => {
  const directory = measured();
  writeFileSync(join(directory, "config.toml"), `${QUICK_CONFIG}[Data_Analysis]\nmethod = "centre"\n`);
  const line = `Data_Analysis.method is centre, but ${FRAMES} frames are measured with gaussian (analysis "gaussian"); \`phorest remeasure\``;
  expect((await command(["report", "--out", "out"], directory)).stderr).toContain(line);
  const run = await command(["run", "--frames", "1", "--until-idle"], directory);
  expect(run.code, run.stderr).toBe(0);
  expect(run.stderr).toContain(line);
  expect((await command(["remeasure"], directory)).stdout).toContain(`${FRAMES + 1} of ${FRAMES + 1} frames measured`);
  expect((await command(["report", "--out", "out"], directory)).stderr).not.toContain("Data_Analysis.method is");
});

test("while a run is active, measuring again is refused", async () => {
  const directory = experiment(QUICK_CONFIG);
  const run = start(["run"], directory);
  await said(run, ": measured in");
  const { code, stderr } = await phorest(["remeasure", "--method", "centre"], directory);
  expect(code).toBe(2);
  expect(stderr).toMatch(/cannot measure again while process \d+ .* runs this experiment/);
  run.child.kill("SIGINT");
  expect((await run.ended).code).toBe(0);
});
