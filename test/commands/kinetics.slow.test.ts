// `phorest kinetics`, `map KD` and the report on an experiment whose truth the test knows, and what cannot be fitted.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { KineticsView } from "../../src/assay/kinetics/experiment/view.ts";
import { REFERENCES, storeBinding, TRUTH } from "../assay/kinetics/stored.ts";
import { experiment } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let root: string;
beforeAll(() => {
  root = temporaryDirectory("phorest-kinetics-");
  storeBinding(root, { concentrations: [0, 1e-8, 3e-8, 1e-7, 3e-7] });
  const list = REFERENCES.map((label) => `"${label}"`).join(", ");
  appendFileSync(join(root, "config.toml"), `[Analysis]\nreference_rois = [${list}]\n`);
});

const ask = (...words: string[]) => phorest(words, root);

test("rates of an experiment as table, JSON, CSV and figures", async () => {
  const figures = ["--figure", "fit.svg", "--iso-affinity", "iso.svg", "--csv", "rates.csv"];
  const { code, stdout, stderr } = await ask("kinetics", "--model", "1:1", "--pooled", ...figures);
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining("the blank of cycle 1 is subtracted from cycle 2, 3, 4, 5"),
  ]);
  expect(stdout).toMatch(/002A +1:1 +(9\d{4}|1\.0\d+e\+5|10\d{4})\S* ± /);
  expect(stdout).toMatch(/\nA +4 +mean/);
  expect(stdout).toMatch(/\nA +4 +pooled/);
  const json = JSON.parse((await ask("kinetics", "--model", "1:1", "--pooled", "--json")).stdout) as KineticsView;
  expect(json.curves.map(({ curve }) => curve)).toEqual(["002A", "003A", "004A", "005A"]);
  const [group] = json.groups;
  for (const [rate, truth] of [
    ["ka", TRUTH.ka],
    ["kd", TRUTH.kd],
  ] as const) {
    expect(Math.abs((group?.[rate].value ?? 0) / truth - 1)).toBeLessThan(0.02);
    expect(Math.abs((group?.pooled?.[rate].value ?? 0) / truth - 1)).toBeLessThan(0.02);
    expect(group?.[rate].differs).toBe(false);
  }
  expect(readFileSync(join(root, "rates.csv"), "utf8").trim().split("\n")).toHaveLength(5);
  const overlay = readFileSync(join(root, "fit.svg"), "utf8");
  for (const word of [">002A: 1:1<", ">Residual (px)<", ">cycle 2, 10 nM<", ">Time (s)<"])
    expect(overlay).toContain(word);
  const affinity = readFileSync(join(root, "iso.svg"), "utf8");
  for (const word of [">kd (1/s)<", ">ka (1/(M s))<", ">002A<", ">10 nM<"]) expect(affinity).toContain(word);
});

test("a record is repeated to the last digit, after a change of the injections too, and says when the data are others", async () => {
  expect((await ask("kinetics", "--roi", "002A", "--pooled", "--json", "record.json")).code).toBe(0);
  expect(await ask("injections", "edit", "5", "--concentration", "400 nM")).toMatchObject({ code: 0 });
  expect(await ask("kinetics", "--repeat", "record.json")).toMatchObject({
    code: 0,
    stdout: "record.json: repeated; every number is the same to the last digit\n",
  });
  expect(await ask("injections", "edit", "5", "--concentration", "300 nM")).toMatchObject({ code: 0 });
  const record = JSON.parse(readFileSync(join(root, "record.json"), "utf8")) as {
    plan: { delayS: number; samples: { toUs: number }[] };
  };
  const [first] = record.plan.samples;
  if (first !== undefined) first.toUs -= 60e6;
  writeFileSync(join(root, "other.json"), JSON.stringify(record));
  const { code, stderr } = await ask("kinetics", "--repeat", "other.json");
  expect([code, stderr]).toEqual([3, expect.stringContaining("the data are not the same")]);
});

test("KD on the chip, and everything in the report", async () => {
  const { code, stdout, stderr } = await ask("map", "KD", "--model", "1:1", "--out", "kd.svg", "--json");
  expect(code, stderr).toBe(0);
  const { values } = JSON.parse(stdout) as { values: { value: number }[] };
  for (const { value } of values) expect(Math.abs(value / (TRUTH.kd / TRUTH.ka) - 1)).toBeLessThan(0.05);
  expect(readFileSync(join(root, "kd.svg"), "utf8")).toContain("Affinity KD (nM)");
  const report = await ask("report", "--out", "report");
  expect(report.code, report.stderr).toBe(0);
  const page = readFileSync(join(root, "report", "report.html"), "utf8");
  for (const text of [
    "Kinetics of antibody: curves and fits",
    "Affinity on the chip",
    "Rates of the gratings",
    "The blank of cycle 1 is subtracted from cycle 2, 3, 4, 5.",
    "SHA-256 of the fitted data",
    "injection 5: 300 nM",
  ]) {
    expect(page).toContain(text);
  }
  for (const name of ["kinetics.csv", "kinetics.svg", "iso_affinity.png", "map_KD.svg"]) {
    expect(existsSync(join(root, "report", name)), name).toBe(true);
  }
  const again = await ask("kinetics", "--repeat", "report/kinetics.json");
  expect([again.code, again.stdout], again.stderr).toEqual([0, expect.stringContaining("every number is the same")]);
});

test("what cannot be fitted is one line, exit code 2", async () => {
  const empty = temporaryDirectory();
  const { manifest, add } = experiment(empty, 4);
  add(30);
  manifest.close();
  const wrong: [string, string[], string][] = [
    [root, ["kinetics", "--model", "1:2"], "--model 1:2: there is no such model"],
    [root, ["kinetics", "--roi", "000A"], "all of these ROIs are references"],
    [root, ["kinetics", "--solution", "antibdy"], 'did you mean "antibody"?'],
    [root, ["kinetics", "--group", "Z"], 'there is no group "Z"'],
    [root, ["kinetics", "--delay", "5000"], "5000 s is not a valid delay"],
    [root, ["kinetics", "--columns", "time=t"], "--columns is for a table of another instrument"],
    [root, ["kinetics", "--repeat", "config.toml"], "--repeat config.toml: it is not JSON"],
    [root, ["kinetics", "--figure", "fit.jpg"], "the name must end with .png or .svg"],
    [root, ["kinetics", "--table", "none.csv", "--roi", "002A"], "--roi is for an experiment"],
    [root, ["map", "KD", "--solution", "BSA"], 'no sample of "BSA" was injected'],
    [empty, ["kinetics"], "there are no injections"],
  ];
  for (const [directory, words, line] of wrong) {
    const { code, stderr } = await phorest(words, directory);
    expect([code, stderr.trim().split("\n").length], words.join(" ")).toEqual([2, 1]);
    expect(stderr).toContain(line);
  }
});

test("a table of which no curve can be fitted leaves files as they are, and exits with 3", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "few.csv"), "time_s,response,conc_nM\n0,0,10\n1,1,10\n");
  writeFileSync(join(directory, "rates.csv"), "of yesterday\n");
  const files = ["--csv", "rates.csv", "--figure", "fit.svg"];
  const few = await phorest(["kinetics", "--table", "few.csv", "--association", "0..1", ...files], directory);
  expect([few.code, few.stderr]).toEqual([
    3,
    expect.stringMatching(/not fitted: \d points cannot.*\n.*not written\n$/),
  ]);
  expect(readFileSync(join(directory, "rates.csv"), "utf8")).toBe("of yesterday\n");
  expect(existsSync(join(directory, "fit.svg"))).toBe(false);
});
