// Tables of sensorgrams as instruments and people write them.
import { expect, test } from "vitest";
import type { CurveSet } from "../../../src/assay/kinetics/curve-set.ts";
import { fitCurveSet } from "../../../src/assay/kinetics/fit.ts";
import { modelNamed } from "../../../src/assay/kinetics/models.ts";
import { readTable, type TableOptions } from "../../../src/assay/kinetics/table/read-table.ts";
import { dilutions, simulated } from "./simulated.ts";

const TRUTH = { ka: 1e5, kd: 1e-3, rmax: 100 };
const SET = simulated({ truth: TRUTH, concentrations: dilutions(1e-7, 4), intervalS: 5, noise: 0.1 });
const WINDOWS: TableOptions = { associations: [[0, 300]] };

const nanomolar = (set: CurveSet, at: number) => (set.cycles[at]?.injections[0]?.concentration ?? 0) * 1e9;

interface Line {
  readonly timeS: number;
  readonly response: number;
  readonly nM: number;
  readonly cycle: number;
}

const LINES: readonly Line[] = SET.cycles.flatMap((cycle, at) =>
  Array.from(cycle.timesS, (timeS, i) => ({
    timeS,
    response: cycle.responses[i] as number,
    nM: nanomolar(SET, at),
    cycle: at + 1,
  })),
);

function long(
  header: string,
  line: (one: Line) => readonly (string | number)[],
  separator = ",",
  lines = LINES,
): string {
  return [header, ...lines.map((one) => line(one).join(separator))].join("\n");
}

const USUAL = long("time_s,response,conc (nM),cycle", ({ timeS, response, nM, cycle }) => [timeS, response, nM, cycle]);

async function kdOf(text: string, options: TableOptions): Promise<number> {
  const { sets } = await readTable(text, "binding.csv", options);
  expect(sets).toHaveLength(1);
  const found = fitCurveSet(sets[0] as CurveSet, modelNamed("1:1"));
  return "why" in found ? Number.NaN : (found.KD.value ?? Number.NaN);
}

const comma = (value: number) => String(value).replace(".", ",");

const FORMS: readonly [string, string, TableOptions][] = [
  ["a long table with cycles", USUAL, WINDOWS],
  [
    "without a column of cycles",
    long("Time (s),RU,conc_nM", ({ timeS, response, nM }) => [timeS, response, nM]),
    WINDOWS,
  ],
  [
    "decimal commas, semicolons, a BOM and comments",
    `\uFEFF# instrument: any\n${long("Zeit;Antwort;K", ({ timeS, response, nM }) => [comma(timeS), comma(response), comma(nM)], ";")}`,
    { ...WINDOWS, columns: "time=Zeit,response=Antwort,concentration=K", concentrationUnit: "nM", timeUnit: "s" },
  ],
  [
    "tabs, minutes and µM",
    long(
      "Time (min)\tsignal\tconcentration (µM)",
      ({ timeS, response, nM }) => [timeS / 60, response, nM / 1000],
      "\t",
    ),
    { associations: [[0, 5]] },
  ],
  [
    "unsorted lines",
    long("time_s,response,conc_nM", ({ timeS, response, nM }) => [timeS, response, nM], ",", [
      ...LINES.filter((_line, at) => at % 3 === 2).reverse(),
      ...LINES.filter((_line, at) => at % 3 !== 2).reverse(),
    ]),
    WINDOWS,
  ],
  [
    "a concentration that changes within a cycle",
    long("time_s,response,conc_nM,cycle", ({ timeS, response, nM, cycle }) => [
      timeS,
      response,
      timeS > 0 && timeS < 300 ? nM : 0,
      cycle,
    ]),
    {},
  ],
  [
    "columns of the injection",
    long("time_s,response,conc_nM,cycle,injection_start,injection_end", ({ timeS, response, nM, cycle }) => [
      timeS,
      response,
      nM,
      cycle,
      0,
      300,
    ]),
    {},
  ],
  ["nothing that tells the windows", USUAL, {}],
  [
    "a wide table",
    [
      `Time,${SET.cycles.map((_cycle, at) => `Conc..${nanomolar(SET, at).toFixed(4)}nM.`).join(",")}`,
      ...Array.from(SET.cycles[0]?.timesS ?? [], (timeS, i) =>
        [timeS, ...SET.cycles.map(({ responses }) => responses[i] as number)].join(","),
      ),
    ].join("\n"),
    WINDOWS,
  ],
  [
    "pairs of X and Y with another program's fit",
    [
      `${SET.cycles
        .map((_cycle, at) => `A ${nanomolar(SET, at).toFixed(4)} nM_X\tA ${nanomolar(SET, at).toFixed(4)} nM_Y`)
        .join("\t")}\tFitted 1 nM_X\tFitted 1 nM_Y`,
      ...Array.from(SET.cycles[0]?.timesS ?? [], (timeS, i) =>
        [...SET.cycles.flatMap(({ responses }) => [timeS, responses[i] as number]), timeS, 0].join("\t"),
      ),
    ].join("\n"),
    WINDOWS,
  ],
];

test.each(FORMS)("%s", async (_name, text, options) => {
  expect(Math.abs((await kdOf(text, options)) / 1e-8 - 1)).toBeLessThan(0.02);
});

test("a titration in one cycle, its concentrations by option", async () => {
  const set = simulated({
    truth: TRUTH,
    concentrations: dilutions(1e-7, 3),
    intervalS: 5,
    noise: 0.1,
    singleCycle: true,
  });
  const [cycle] = set.cycles;
  const text = [
    "time,response",
    ...Array.from(cycle?.timesS ?? [], (timeS, i) => `${timeS},${cycle?.responses[i]}`),
  ].join("\n");
  const associations = cycle?.injections.map(({ startS, endS }): [number, number] => [startS, endS]) ?? [];
  const concentrations = cycle?.injections.map(({ concentration }) => concentration * 1e9) ?? [];
  const kd = await kdOf(text, { associations, concentrations, concentrationUnit: "nM" });
  expect(Math.abs(kd / 1e-8 - 1)).toBeLessThan(0.02);
});

test("points without a number, and several of one time, are counted and said", async () => {
  const text = `${USUAL}\nNaN,3,1,1\n12.5,,1,1\n2.5,1,${nanomolar(SET, 0)},1`;
  const { tally, notes } = await readTable(text, "binding.csv", WINDOWS);
  expect(tally).toMatchObject({ missing: 2, duplicates: 1 });
  expect(notes.join("\n")).toMatch(/left out 2 points[\s\S]*averaged 1 point with/);
});

test("blanks are subtracted, and named", async () => {
  const blank = SET.cycles[0]?.timesS ?? new Float64Array(0);
  const shifted = long("time_s,response,conc_nM,cycle", ({ timeS, response, nM, cycle }) => [
    timeS,
    response + 0.01 * timeS,
    nM,
    cycle,
  ]);
  const text = `${shifted}\n${Array.from(blank, (timeS) => `${timeS},${0.01 * timeS},0,9`).join("\n")}`;
  const { sets, notes } = await readTable(text, "binding.csv", WINDOWS);
  expect(notes.join("\n")).toContain("blanks cycle 9");
  expect(sets[0]?.cycles).toHaveLength(4);
  sets[0]?.cycles[0]?.responses.forEach((value, at) => {
    expect(value).toBeCloseTo(SET.cycles[0]?.responses[at] as number, 9);
  });
});

test("a unit that is wrong by a million is noticed", async () => {
  const { sets } = await readTable(USUAL.replace("(nM)", "(mM)"), "binding.csv", WINDOWS);
  expect(fitCurveSet(sets[0] as CurveSet, modelNamed("1:1"))).toMatchObject({
    notes: [expect.stringContaining("check the units")],
  });
});

test.each([
  ["", "no table in this file"],
  ["a,b\n1,2", "line 1 does not name the columns time and response"],
  [USUAL.replace("\n", "\n1,high,3,1\n"), 'line 2: the response "high" is not a number'],
  ["time,response\n1,2\n2,3", "no concentration"],
  [USUAL.replace(/,1$/m, ",1\n5,1,-3,1"), "negative"],
])("what is wrong with a table is one line with a cure: %#", async (text, message) => {
  await expect(readTable(text, "binding.csv", WINDOWS)).rejects.toMatchObject({
    code: "usage.invalid",
    message: expect.stringContaining(message),
    hint: expect.stringMatching(/\w/),
  });
});

const PLACED = ({ timeS, response, nM }: Line) => [timeS, response, nM];

test.each([
  ["response", long("time_s,response,conc_nM,response", (one) => [...PLACED(one), 0])],
  ["time", long("Time (s),response,conc_nM,time_min", (one) => [...PLACED(one), one.timeS / 60])],
  ["concentration", long("time_s,response,conc_nM,Conc_nM", (one) => [...PLACED(one), one.nM])],
] as const)("two columns named %s are refused, and both are named", async (role, text) => {
  const places = { response: "2.*4", time: "1.*4", concentration: "3.*4" }[role];
  await expect(readTable(text, "binding.csv", WINDOWS)).rejects.toThrow(
    new RegExp(`more than one column is named ${role}.*${places.replace(".*", "\\).*column ")}`),
  );
});

test("--columns chooses between a time in two units, and columns that are not used may have one name", async () => {
  const text = long("Time (s),response,conc_nM,time_min,note,note", (one) => [...PLACED(one), one.timeS / 60, "", ""]);
  const kd = await kdOf(text, { ...WINDOWS, columns: "time=Time (s)" });
  expect(Math.abs(kd / 1e-8 - 1)).toBeLessThan(0.05);
});

test.each([
  ["milliseconds read as seconds", "time_s,response,conc_nM", 1000, 1, /apart: check the unit of time/],
  ["hours for seconds", "time_s,response,conc_nM", 1 / 3600, 1, /apart: check the unit of time/],
  ["nM read as M", "time_s,response,conc_M", 1, 1, /concentration is 100 M: check its unit/],
  ["fM for nM", "time_s,response,conc_fM", 1, 0.001, /concentration is 1e-16 M: check its unit/],
  ["the right units", "time_s,response,conc_nM", 1, 1, undefined],
] as const)("units that cannot be right are reported: %s", async (_name, header, time, concentration, said) => {
  const text = long(header, ({ timeS, response, nM }) => [timeS * time, response, nM * concentration]);
  const { notes } = await readTable(text, "binding.csv", { associations: [[0, 300 * time]] });
  const warnings = notes.filter((note) => note.includes("check"));
  expect(warnings).toHaveLength(said === undefined ? 0 : 1);
  if (said !== undefined) expect(warnings[0]).toMatch(said);
});

test("an association faster than diffusion is called implausible, whether it is a number or a bound", async () => {
  const text = long("time_s,response,conc_pM", ({ timeS, response, nM }) => [timeS, response, nM / 1000]);
  const { sets } = await readTable(text, "binding.csv", { ...WINDOWS, concentrationUnit: "fM" });
  const found = fitCurveSet(sets[0] as CurveSet, modelNamed("1:1"));
  expect("notes" in found && found.notes.some((note) => /implausible: check the units/.test(note))).toBe(true);
});
