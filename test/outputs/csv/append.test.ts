import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Outcome } from "../../../src/manifest/outcomes.ts";
import { updateCsv } from "../../../src/outputs/csv/file/append.ts";
import { type CsvState, type CsvUpdate, parseCsvState } from "../../../src/outputs/csv/file/state.ts";
import { outcome, reader } from "./outcomes.ts";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "phorest csv é "));
  path = join(directory, "communicating_results.csv");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const many = (count: number, wanted = {}) => Array.from({ length: count }, (_x, i) => outcome(i + 1, wanted));

/** Steps until nothing is left, committing after each. */
async function deliver(outcomes: readonly Outcome[], state?: CsvState, outcomesPerStep = 3): Promise<CsvUpdate> {
  for (let recorded = state; ; ) {
    const update = await updateCsv(path, recorded, reader(outcomes), { outcomesPerStep });
    if (update.upToDate) return update;
    recorded = update.state;
  }
}

/** What the file must hold: written in one go, elsewhere. */
async function expected(outcomes: readonly Outcome[]): Promise<string> {
  const whole = join(directory, "whole");
  await updateCsv(whole, undefined, reader(outcomes));
  const text = readFileSync(whole, "utf8");
  rmSync(whole);
  return text;
}

const text = () => readFileSync(path, "utf8");
const others = () => readdirSync(directory).filter((name) => name !== "communicating_results.csv");

test("a first file holds the header and a line per ROI and measured frame", async () => {
  const outcomes = [...many(4), outcome(5, { failed: true }), outcome(6)];
  const { lines, rewritten } = await deliver(outcomes);
  expect({ lines, rewritten }).toEqual({ lines: 10, rewritten: "new" });
  expect(text().split("\n")).toHaveLength(1 + 10 + 1);
  expect(text()).not.toContain("image_5.png");
});

test("new frames are appended, and what is there is not written again", async () => {
  const { state } = await deliver(many(4));
  const update = await deliver(many(9), state);
  expect(update.rewritten).toBeUndefined();
  expect(text()).toBe(await expected(many(9)));
  const again = await deliver(many(9), update.state);
  expect({ lines: again.lines, state: again.state }).toEqual({ lines: 0, state: update.state });
});

test("a kill between the append and the commit leads to no gap and no repeat", async () => {
  const { state } = await deliver(many(4));
  await updateCsv(path, state, reader(many(9)), { outcomesPerStep: 3 }); // its state is lost with the process
  const update = await deliver(many(9), state);
  expect(update.keptAside).toBeUndefined();
  expect(text()).toBe(await expected(many(9)));
});

test("a line torn by a power cut is completed", async () => {
  const { state } = await deliver(many(4));
  const before = text().length;
  await updateCsv(path, state, reader(many(7)), { outcomesPerStep: 3 });
  for (const torn of [1, 20, 90]) {
    truncateSync(path, before + torn);
    await updateCsv(path, state, reader(many(7)), { outcomesPerStep: 3 });
    expect(text()).toBe(await expected(many(7)));
  }
  expect(others()).toEqual([]);
});

test.each<[string, (whole: string) => string]>([
  ["a value near the end", (whole) => whole.replace(/gaussian(?!.*gaussian)/s, "Gaussian")],
  ["the header", (whole) => whole.replace("ROI-label", "ROI")],
  ["fewer lines and one changed", (whole) => whole.slice(0, whole.length / 2).replace("gaussian", "Gaussian")],
  ["a remark at the end", (whole) => `${whole}# looks good\n`],
])("a file changed by somebody (%s) is kept aside and written anew", async (_what, change) => {
  const { state } = await deliver(many(4));
  const changed = change(text());
  writeFileSync(path, changed);
  const update = await deliver(many(6), state);
  expect(text()).toBe(await expected(many(6)));
  expect(update).toMatchObject({
    rewritten: "edited",
    keptAside: join(directory, "communicating_results.edited-1.csv"),
  });
  expect(readFileSync(update.keptAside ?? "", "utf8")).toBe(changed);
});

test.each([0, 100, 500])("a file cut off after %i bytes is written anew; there is nothing to keep", async (bytes) => {
  const { state } = await deliver(many(4));
  truncateSync(path, bytes);
  const update = await deliver(many(6), state);
  expect(text()).toBe(await expected(many(6)));
  expect(update).toMatchObject({ rewritten: "incomplete", keptAside: undefined });
});

test("every changed file is kept under a name of its own", async () => {
  const first = await deliver(many(2));
  writeFileSync(path, "mine\n");
  const second = await deliver(many(2), first.state);
  writeFileSync(path, "mine again\n");
  await deliver(many(2), second.state);
  expect(others().sort()).toEqual(["communicating_results.edited-1.csv", "communicating_results.edited-2.csv"]);
});

test("a kill before anything was measured leaves nothing to keep aside", async () => {
  await deliver(many(0)); // its state is lost with the process
  expect(text()).toMatch(/^timestamp,.*\n$/);
  const update = await deliver(many(2));
  expect(text()).toBe(await expected(many(2)));
  expect(update).toMatchObject({ rewritten: "incomplete", keptAside: undefined });
  expect(others()).toEqual([]);
});

test("a file that was removed is written anew", async () => {
  const { state } = await deliver(many(4));
  rmSync(path);
  const update = await deliver(many(5), state);
  expect(update.rewritten).toBe("missing");
  expect(text()).toBe(await expected(many(5)));
});

test("a kill between a rewrite and its commit leaves nothing to keep aside", async () => {
  const { state } = await deliver(many(3));
  writeFileSync(path, "mine\n");
  await deliver(many(5), state); // its state is lost with the process
  const update = await deliver(many(6), state);
  expect(text()).toBe(await expected(many(6)));
  expect(update.keptAside).toBeUndefined();
  expect(others()).toEqual(["communicating_results.edited-1.csv"]);
});

test("another method or sensor widens the columns of the whole file, keeping nothing aside", async () => {
  const { state } = await deliver(many(4));
  const outcomes = [...many(4), outcome(5, { method: "fano", celsius: { Air: 21 } })];
  const update = await deliver(outcomes, state);
  expect(update).toMatchObject({ rewritten: "columns", keptAside: undefined });
  const [header, first] = text().split("\n");
  expect(header).toContain("error,assymetry,resonance,gamma,temperature_air,resonance_position_px");
  expect(first?.split(",")).toHaveLength(header?.split(",").length ?? 0);
  expect(text().split("\n")).toHaveLength(1 + 10 + 1);
});

test("a failing disk or an abort leaves the file as it was and no temporary one", async () => {
  const { state } = await deliver(many(4));
  const before = text();
  writeFileSync(path, `${before}x`);
  const stopped = AbortSignal.abort(new Error("stopping"));
  await expect(updateCsv(path, state, reader(many(9)), { signal: stopped })).rejects.toThrow("stopping");
  expect(text()).toBe(`${before}x`);
  expect(others()).toEqual([]);
});

test("written anew on request, an intact file is replaced and a changed one kept", async () => {
  const { state } = await deliver(many(4));
  const ask = () => updateCsv(path, state, reader(many(6)), { rewrite: true });
  expect(await ask()).toMatchObject({ rewritten: "asked", lines: 12, keptAside: undefined });
  appendFileSync(path, "mine\n");
  expect(await ask()).toMatchObject({
    rewritten: "edited",
    lines: 12,
    keptAside: join(directory, "communicating_results.edited-1.csv"),
  });
});

test("text that would break a line is quoted", async () => {
  await deliver(many(1, { labels: ['a,"b"\nc'] }));
  expect(text()).toContain('"a,""b""\nc"');
  expect(existsSync(path)).toBe(true);
});

test("a state that cannot be read counts as none", async () => {
  const { state } = await deliver(many(1));
  expect(parseCsvState(JSON.stringify(state))).toEqual(state);
  for (const bad of [undefined, "", "{", "null", '{"cursor":-1}']) expect(parseCsvState(bad)).toBeUndefined();
});

test("frames measured last and archived first: the file written anew keeps the place that was reached", async () => {
  const { state } = await deliver(many(8));
  const live = many(8).filter(({ outcomeId }) => outcomeId < 6);
  const archived = await updateCsv(path, state, reader(live), { archive: 1 });
  expect(archived).toMatchObject({ rewritten: "archived", keptAside: undefined, state: { cursor: 8, archive: 1 } });
  expect(text()).toBe(await expected(live));
  const later = [...live, outcome(9)];
  const next = await updateCsv(path, archived.state, reader(later), { archive: 1 });
  expect(next).toMatchObject({ rewritten: undefined, keptAside: undefined, state: { cursor: 9 } });
  expect(text()).toBe(await expected(later));
});
