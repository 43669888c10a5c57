// communicating_results.csv while a run goes on with other ROIs: one file for each analysis, whatever moment a kill takes.
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { updateCsv } from "../../../src/outputs/csv/file/append.ts";
import { stepCurrentCsv } from "../../../src/outputs/csv/file/current.ts";
import { type CsvState, parseCsvState } from "../../../src/outputs/csv/file/state.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { type Experiment, experiment } from "./experiment.ts";

const CSV = "communicating_results.csv";
const FIRST = "communicating_results_gaussian.csv";

function recording(): { readonly recorded: Experiment; readonly results: string } {
  const root = temporaryDirectory("csv of one analysis");
  const recorded = experiment(root, 4);
  onTestFinished(() => recorded.manifest.close());
  return { recorded, results: join(root, "results") };
}

/** Steps until nothing is left; the state goes through its stored form each time. `lost`: the step whose state is not committed. */
async function deliver(
  { recorded, results }: ReturnType<typeof recording>,
  from?: CsvState,
  lost = -1,
): Promise<{ readonly state: CsvState; readonly steps: number }> {
  let committed = from;
  for (let step = 0; ; step += 1) {
    const update = await stepCurrentCsv(results, recorded.manifest, committed, { outcomesPerStep: 3 });
    expect(update.keptAside).toBeUndefined();
    if (step !== lost) committed = parseCsvState(JSON.stringify(update.state));
    if (update.upToDate && step !== lost) return { state: update.state, steps: step + 1 };
  }
}

function files(results: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(results)
      .sort()
      .map((name) => [name, readFileSync(join(results, name), "utf8")]),
  );
}
/** Numbers of the frames in a file, each once. */
const framesIn = (csv = "") => [...new Set([...csv.matchAll(/image_(\d+)\.png/g)].map(([, number]) => Number(number)))];
const linesIn = (csv = "") => csv.trim().split("\n").length - 1;
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

test("where other ROIs begin, the file gets the name of its analysis and a new one begins; a new version goes on", async () => {
  const run = recording();
  run.recorded.add(4);
  const { state } = await deliver(run);
  const before = files(run.results)[CSV] ?? "";
  run.recorded.measureWith({ kernelVersion: "2" });
  run.recorded.add(3, [1]);
  run.recorded.findAgain(1);
  run.recorded.add(5, [0]);
  const { state: last } = await deliver(run, state);
  const made = files(run.results);
  expect(Object.keys(made)).toEqual([CSV, FIRST]);
  expect(made[FIRST]?.startsWith(before)).toBe(true);
  expect([framesIn(made[FIRST]), linesIn(made[FIRST])]).toEqual([[0, 1, 2, 3, 4, 6], 24]);
  expect([framesIn(made[CSV]), linesIn(made[CSV])]).toEqual([[8, 9, 10, 11], 16]);
  expect(last).toMatchObject({ cursor: 12, analysis: 3 });
  // And again.
  run.recorded.findAgain(0);
  run.recorded.add(2);
  await deliver(run, last);
  expect(framesIn(files(run.results)["communicating_results_gaussian_3.csv"])).toEqual([8, 9, 10, 11]);
  expect(framesIn(files(run.results)[CSV])).toEqual([12, 13]);
});

test("whatever state a kill keeps from being committed, the files are the same", async () => {
  const change = async (lost: number) => {
    const run = recording();
    run.recorded.add(4);
    const { state } = await deliver(run);
    run.recorded.add(1);
    run.recorded.findAgain(1);
    run.recorded.add(7);
    const { steps } = await deliver(run, state, lost);
    return { steps, made: files(run.results) };
  };
  const { steps, made } = await change(-1);
  expect(steps).toBeGreaterThan(2);
  expect(framesIn(made[FIRST])).toEqual(numbers(0, 5));
  expect(framesIn(made[CSV])).toEqual(numbers(5, 12));
  for (let lost = 0; lost < steps; lost += 1) expect((await change(lost)).made, `step ${lost} is lost`).toEqual(made);
});

test("a file that an earlier version began goes on as it is, with the last of its analyses", async () => {
  const run = recording();
  run.recorded.add(3);
  run.recorded.findAgain(1);
  run.recorded.add(3);
  const { manifest } = run.recorded;
  const all = (cursor: number, limit: number) => manifest.outcomes.after(cursor, limit);
  const { state } = await updateCsv(join(run.results, CSV), undefined, all);
  const before = files(run.results)[CSV] ?? "";
  expect(framesIn(before)).toEqual(numbers(0, 6));
  run.recorded.add(2);
  const { state: later } = await deliver(run, state);
  expect(files(run.results)[CSV]?.startsWith(before)).toBe(true);
  expect(framesIn(files(run.results)[CSV])).toEqual(numbers(0, 8));
  // Also where it has to be written again.
  const whole = files(run.results)[CSV];
  writeFileSync(join(run.results, CSV), before.slice(0, -100));
  await deliver(run, later);
  expect(files(run.results)[CSV]).toBe(whole);
  run.recorded.findAgain(2);
  run.recorded.add(2);
  await deliver(run, later);
  const made = files(run.results);
  expect(framesIn(made["communicating_results_gaussian_2.csv"])).toEqual(numbers(0, 8));
  expect(framesIn(made[CSV])).toEqual([8, 9]);
});

test("files that are written again from the beginning, as after a repair, are the same files", async () => {
  const run = recording();
  run.recorded.add(4);
  run.recorded.findAgain(1);
  run.recorded.add(2);
  await deliver(run);
  const made = files(run.results);
  expect(Object.keys(made)).toEqual([CSV, FIRST]);
  renameSync(join(run.results, CSV), join(run.results, "aside.csv"));
  await deliver(run);
  expect(files(run.results)).toEqual({ ...made, "aside.csv": made[CSV] });
});

test("a finished file that somebody changes, moves or whose name is taken costs nothing", async () => {
  const run = recording();
  run.recorded.add(4);
  const { state } = await deliver(run);
  run.recorded.findAgain(1);
  run.recorded.add(2);
  const { manifest } = run.recorded;
  const naming = await stepCurrentCsv(run.results, manifest, state);
  expect(naming.state.finishedAs).toBe(FIRST);
  writeFileSync(join(run.results, FIRST), "mine\n");
  renameSync(join(run.results, CSV), join(run.results, "moved.csv"));
  await deliver(run, naming.state);
  const made = files(run.results);
  expect(made[FIRST]).toBe("mine\n");
  expect(framesIn(made["communicating_results_gaussian-1.csv"])).toEqual(numbers(0, 4));
  expect(framesIn(made[CSV])).toEqual([4, 5]);
});
