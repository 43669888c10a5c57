// One experiment, every number, every view: what two views say of the same thing agrees to the last digit that each prints.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { curveReading } from "../../src/commands/joined-curves.ts";
import { loadConfig } from "../../src/config/config.ts";
import { PlotFeed } from "../../src/figures/plot-feed.ts";
import type { Analysis } from "../../src/manifest/analyses.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import type { Outcome } from "../../src/manifest/outcomes.ts";
import { FLAGS } from "../../src/measurement/method.ts";
import { Baselines } from "../../src/outputs/opcua/baseline.ts";
import { curvesCsv } from "../../src/web/curves-csv.ts";
import { Experiment } from "../../src/web/experiment.ts";
import type { CurvesView } from "../../src/web/views.ts";
import { experiment, START_US } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { normal } from "../support/normal.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const FRAMES = 60;
const STEP = 30;
const ROIS = 8;
const LABEL = "000A_N";
const GROUP = "group A";
const BASELINE = "2026-03-04 15:20:00 to 15:25:00 UTC, ends before a step";
const CONFIG = `[Analysis]
baseline_seconds = 400
reference_rois = ["003A*"]
sensitivity_px_per_riu = 100
`;

/** What is said of a number, and how many digits stand behind its point. */
interface Said {
  readonly value: number;
  readonly digits: number;
}
const digitsOf =
  (digits: number) =>
  (value: unknown): Said => ({ value: Number(value), digits });
const whole = digitsOf(0);
const three = digitsOf(3);
const four = digitsOf(4);
const five = digitsOf(5);
const six = digitsOf(6);
const exact = digitsOf(9);

interface JsonCurve {
  readonly shift_px: number[];
  readonly referenced_px: number[];
  readonly standard_error_px: number[];
  readonly shift_standard_error_px: number[];
  readonly flags: string[][];
}
interface JsonRow {
  readonly label: string;
  readonly noise_px: number;
  readonly noise_standard_error_px: number;
  readonly drift_px_per_hour: number;
  readonly detection_limit_px: number;
  readonly points: number;
  readonly excluded: number;
}

/** By view, by quantity. */
const said = new Map<string, Map<string, Said>>();
/** Full precision, from `phorest sensorgram --json`. */
const truth = new Map<string, number>();
/** By view: what it says of the baseline. */
const baselines = new Map<string, string>();

function say(view: string, numbers: Readonly<Record<string, Said>>): void {
  said.set(view, new Map([...(said.get(view) ?? []), ...Object.entries(numbers)]));
}

beforeAll(async () => {
  const root = temporaryDirectory("one-truth");
  const random = normal(11);
  const noise = Array.from({ length: ROIS * FRAMES }, () => 0.01 * random());
  const position = (roi: number, frame: number) =>
    60 + roi + (noise[roi * FRAMES + frame] ?? 0) + (frame >= STEP && roi < 6 ? 0.7 : 0) + 0.0001 * frame;
  const flags = (roi: number, frame: number) => (roi === 0 && [7, FRAMES - 2].includes(frame) ? FLAGS.at_edge : 0);
  const recorded = experiment(root, ROIS, position, 0.03, flags);
  writeFileSync(join(root, "config.toml"), CONFIG);
  recorded.add(FRAMES);
  recorded.manifest.markers.add(START_US + 45 * 10e6, "wash", 1);
  recorded.manifest.close();
  const curve = await curves(root);
  await summaries(root);
  await report(root);
  await exported(root);
  await compared(root, curve);
  await inProcess(root);
  await joinedViews();
});

/** The same where a new version of phorest goes on in the middle: what is said of the whole curve, if asked to join it. */
async function joinedViews(): Promise<void> {
  const root = temporaryDirectory("one-truth-joined");
  const random = normal(12);
  const noise = Array.from({ length: ROIS * FRAMES }, () => 0.01 * random());
  const recorded = experiment(root, ROIS, (roi, frame) => 60 + roi + (noise[roi * FRAMES + frame] ?? 0));
  writeFileSync(join(root, "config.toml"), "[Analysis]\nbaseline_seconds = 400\n");
  recorded.add(STEP);
  recorded.measureWith({ kernelVersion: "2" });
  recorded.add(FRAMES - STEP);
  recorded.manifest.close();
  for (const [how, ...words] of [["alone"], ["joined", "--joined"]] as const) {
    const json = await run(root, "sensorgram", "--json", "--roi", LABEL, ...words);
    const { shift_px } = JSON.parse(json.split("\n")[0] ?? "") as JsonCurve;
    truth.set(`${how}: frames`, shift_px.length);
    truth.set(`${how}: shift`, shift_px.at(-1) ?? Number.NaN);
    const [row] = JSON.parse(
      await run(root, "sensorgram", "--summary", "--json", "--roi", LABEL, ...words),
    ) as JsonRow[];
    truth.set(`${how}: noise`, row?.noise_px ?? Number.NaN);
    const wide = (await run(root, "export", "--format", "csv-wide", "--no-pairs", "--roi", LABEL, ...words))
      .trim()
      .split("\n");
    const lines = wide.filter((line) => /^\d/.test(line));
    say("export csv-wide", {
      [`${how}: frames`]: whole(lines.length),
      [`${how}: shift`]: five(lines.at(-1)?.split(",")[2]),
    });
    await run(root, "figure", "curves", "--roi", LABEL, "--out", "f.svg", "--csv", "f.csv", ...words);
    const drawn = readFileSync(join(root, "f.csv"), "utf8").trim().split("\n").slice(1);
    say("figure", { [`${how}: frames`]: whole(drawn.length), [`${how}: shift`]: four(drawn.at(-1)?.split(",")[3]) });
    const table = await run(root, "compare", ".", ".", "--roi", LABEL, ...words);
    const cells = (table.split("\n").find((line) => line.startsWith(LABEL)) ?? "").split(/ +/);
    say("compare", { [`${how}: noise`]: four(cells[4]) });
    mkdirSync(join(root, how));
    await run(root, "report", "--out", how, ...words);
    const [head = "", ...rows] = readFileSync(join(root, how, "noise_and_drift.csv"), "utf8").split("\n");
    const found = rows.find((line) => line.startsWith(LABEL))?.split(",") ?? [];
    say("report", { [`${how}: noise`]: six(found[head.split(",").indexOf("noise_px")]) });
    await pageAndPlot(root, how);
  }
}

async function pageAndPlot(root: string, how: "alone" | "joined"): Promise<void> {
  const { config } = loadConfig(undefined, root);
  const { baseline_seconds } = config.Analysis;
  const manifestFile = join(root, "data", MANIFEST_FILENAME);
  const manifest = Manifest.open({ file: manifestFile, readonly: true });
  const page = Experiment.open({ config, origins: {}, token: "", manifestFile }, () => undefined);
  try {
    const analysis = manifest.analyses.inForce() as Analysis;
    const { source } = curveReading(manifest, analysis, how === "joined");
    const feed = new PlotFeed(source, { title: "", baselineSeconds: baseline_seconds });
    feed.refresh();
    const input = feed.input();
    const series = input?.series.find(({ label }) => label === LABEL);
    say("overview plot", {
      [`${how}: frames`]: whole(input?.frames),
      // The curves of plots are kept in single precision.
      [`${how}: shift`]: four((series?.values.at(-1) ?? 0) - (series?.baselinePx ?? 0)),
    });
    const query = {
      references: undefined,
      fromUs: undefined,
      toUs: undefined,
      wanted: [LABEL],
      pairs: false,
      columns: 800,
    };
    const view = (await page.curves({ joined: how === "joined" }, query)) as CurvesView;
    const [curve] = view.curves;
    say("page", {
      [`${how}: frames`]: whole(view.frames),
      [`${how}: shift`]: four(curve?.values.at(-1)),
      [`${how}: noise`]: exact(curve?.noise),
    });
  } finally {
    await page.close();
    manifest.close();
  }
}

async function run(root: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await phorest(words, root);
  expect(code, `${words.join(" ")}: ${stderr}`).toBe(0);
  return stdout;
}

async function curves(root: string): Promise<JsonCurve> {
  const json = await run(root, "sensorgram", "--json", "--roi", LABEL);
  const curve = JSON.parse(json.split("\n")[0] ?? "") as JsonCurve;
  const last = (values: number[]) => values.at(-1) ?? Number.NaN;
  truth.set("shift", last(curve.shift_px));
  truth.set("referenced", last(curve.referenced_px));
  truth.set("standard error", last(curve.standard_error_px));
  truth.set("shift standard error", last(curve.shift_standard_error_px));
  truth.set("flagged", curve.flags.filter((names) => names.length > 0).length);
  const csv = await run(root, "sensorgram");
  truth.set("referenced of the group", Number(lastLine(csv, GROUP)("referenced_px")));
  say("sensorgram", curveNumbers(csv));
  return curve;
}

async function summaries(root: string): Promise<void> {
  const rows = JSON.parse(await run(root, "sensorgram", "--summary", "--json")) as JsonRow[];
  const row = (label: string) => rows.find((one) => one.label === label) as JsonRow;
  truth.set("noise", row(LABEL).noise_px);
  truth.set("noise standard error", row(LABEL).noise_standard_error_px);
  truth.set("drift", row(LABEL).drift_px_per_hour);
  truth.set("LOD", row(LABEL).detection_limit_px);
  truth.set("frames", row(LABEL).points);
  truth.set("left out", row(LABEL).excluded);
  truth.set("noise of the group", row("A").noise_px);
  truth.set("LOD of the group", row("A").detection_limit_px);
  const table = await run(root, "sensorgram", "--summary");
  const cells = (label: string) =>
    (table.split("\n").find((line) => line.startsWith(label)) ?? "").replaceAll(" ±", "±").split(/ +/);
  const [, , , frames, leftOut, noise = "", drift, , lod = ""] = cells(LABEL);
  const [, , , , , groupNoise = "", , , groupLod = ""] = cells("A ");
  say("sensorgram --summary", {
    frames: whole(frames),
    "left out": whole(leftOut),
    noise: four(noise.split("±")[0]),
    "noise standard error": four(noise.split("±")[1]),
    drift: three(drift),
    LOD: four(lod.split("±")[0]),
    "noise of the group": four(groupNoise.split("±")[0]),
    "LOD of the group": four(groupLod.split("±")[0]),
  });
  baselines.set("baseline", (await run(root, "baseline")).split("\n")[0] ?? "");
}

async function report(root: string): Promise<void> {
  mkdirSync(join(root, "talk"));
  await run(root, "report", "--out", "talk");
  const html = readFileSync(join(root, "talk", "report.html"), "utf8");
  const row = /<tr><td>000A_N<\/td>(.*?)<\/tr>/.exec(html)?.[1] ?? "";
  const [, frames, leftOut, noise = "", drift = "", lod = ""] = [...row.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(
    ([, text]) => text,
  );
  const group = /<tr><td>group A \(mean of \d+\)<\/td>(.*?)<\/tr>/.exec(html)?.[1] ?? "";
  const [, , , groupNoise = "", , groupLod = ""] = [...group.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, text]) => text);
  say("report.html", {
    "noise of the group": five(groupNoise.split(" ± ")[0]),
    "LOD of the group": five(groupLod.split(" ± ")[0]),
    frames: whole(frames),
    "left out": whole(leftOut),
    noise: five(noise.split(" ± ")[0]),
    "noise standard error": five(noise.split(" ± ")[1]),
    drift: four(drift.split(" ± ")[0]),
    LOD: five(lod.split(" ± ")[0]),
  });
  baselines.set("report.html", /Measured in the baseline \((.*?)\)\./.exec(html)?.[1] ?? "");
  const [head = "", ...lines] = readFileSync(join(root, "talk", "noise_and_drift.csv"), "utf8").split("\n");
  const cells = lines.find((line) => line.startsWith(LABEL))?.split(",") ?? [];
  const cell = (name: string) => cells[head.split(",").indexOf(name)];
  say("noise_and_drift.csv", {
    frames: whole(cell("frames")),
    "left out": whole(cell("left_out")),
    noise: six(cell("noise_px")),
    "noise standard error": six(cell("noise_standard_error_px")),
    drift: five(cell("drift_px_per_hour")),
    LOD: six(cell("detection_limit_px")),
  });
}

async function exported(root: string): Promise<void> {
  for (const [quantity, name] of [
    ["shift", "shift"],
    ["referenced", "referenced"],
    ["standard_error", "standard error"],
  ] as const) {
    const lines = (await run(root, "export", "--format", "csv-wide", "--no-pairs", "--quantity", quantity))
      .trim()
      .split("\n");
    const head = lines.find((line) => line.startsWith("time_s")) ?? "";
    say("export csv-wide", { [name]: five(lines.at(-1)?.split(",")[head.split(",").indexOf(LABEL)]) });
    baselines.set("export csv-wide", lines.find((line) => line.startsWith("# baseline")) ?? "");
  }
}

async function compared(root: string, { referenced_px, flags }: JsonCurve): Promise<void> {
  const table = await run(root, "compare", ".", ".");
  const words = (table.split("\n").find((line) => line.startsWith(LABEL)) ?? "").split(/ +/);
  const final = referenced_px.slice(-6).filter((_px, at) => flags.at(at - 6)?.length === 0);
  truth.set("final shift", final.sort((a, b) => a - b)[Math.floor(final.length / 2)] ?? Number.NaN);
  say("compare", { "final shift": four(words[1]), noise: four(words[4]), drift: three(words[6]), LOD: four(words[8]) });
}

/** Cells of the last line of a curve by the names of their columns. */
function lastLine(csv: string, label: string): (column: string) => string {
  const [head = "", ...lines] = csv.trim().split("\n");
  const cells = lines.findLast((line) => line.split(",")[1] === label)?.split(",") ?? [];
  return (column) => cells[head.split(",").indexOf(column)] ?? "";
}

function curveNumbers(csv: string): Record<string, Said> {
  const [roi, group] = [lastLine(csv, LABEL), lastLine(csv, GROUP)];
  const isFlagged = (line: string) => line.split(",")[1] === LABEL && line.includes("at_edge");
  return {
    shift: five(roi("shift_px")),
    referenced: five(roi("referenced_px")),
    "standard error": five(roi("standard_error_px")),
    "shift standard error": five(roi("shift_standard_error_px")),
    "referenced of the group": five(group("referenced_px")),
    flagged: whole(csv.split("\n").filter(isFlagged).length),
  };
}

async function inProcess(root: string): Promise<void> {
  const { config } = loadConfig(undefined, root);
  const { baseline_seconds } = config.Analysis;
  const manifestFile = join(root, "data", MANIFEST_FILENAME);
  const manifest = Manifest.open({ file: manifestFile, readonly: true });
  const page = Experiment.open({ config, origins: {}, token: "", manifestFile }, () => undefined);
  try {
    const feed = new PlotFeed(manifest, { title: "", baselineSeconds: baseline_seconds });
    feed.refresh();
    const input = feed.input();
    const series = input?.series.find(({ label }) => label === LABEL);
    // The curves of plots are kept in single precision.
    say("overview plot", { shift: four((series?.values.at(-1) ?? 0) - (series?.baselinePx ?? 0)) });
    baselines.set("overview plot", input?.baseline ?? "");
    await pageNumbers(page);
    const last = manifest.outcomes.after(FRAMES - 1, 1)[0] as Outcome;
    const shift = new Baselines(manifest, baseline_seconds).shiftOf(last);
    say("OPC UA", { shift: exact(shift?.px[0]), "shift standard error": exact(shift?.errors[0]) });
  } finally {
    await page.close();
    manifest.close();
  }
}

async function pageNumbers(page: Experiment): Promise<void> {
  const open = { references: undefined, fromUs: undefined, toUs: undefined };
  const query = { ...open, wanted: [LABEL, "group:A"], pairs: false, columns: 800 };
  const view = (await page.curves({}, query)) as CurvesView;
  const [roi, group] = view.curves;
  say("page", {
    referenced: four(roi?.values.at(-1)),
    noise: exact(roi?.noise),
    "noise standard error": exact(roi?.noiseError),
    drift: exact(roi?.driftPerHour),
    LOD: exact(roi?.detectionLimit),
    "noise of the group": exact(group?.noise),
    "LOD of the group": exact(group?.detectionLimit),
    "referenced of the group": four(group?.values.at(-1)),
  });
  const { from, to, why } = view.baseline;
  const time = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
  baselines.set("page", `${time(from)} to ${time(to).slice(11)} UTC, ${why}`);
  const chip = page.chip()?.rois.find(({ label }) => label === LABEL);
  say("chip", {
    shift: exact(chip?.shift),
    "shift standard error": exact(chip?.shiftError),
    "standard error": exact(chip?.standardError),
  });
  let csv = "";
  for await (const part of curvesCsv(page, page.shown({}), query)) csv += part;
  say("page CSV", curveNumbers(csv));
}

/** By quantity the views that say it. */
const TABLE: readonly (readonly [quantity: string, views: readonly string[]])[] = [
  ["shift", ["sensorgram", "page CSV", "export csv-wide", "overview plot", "chip", "OPC UA"]],
  ["referenced", ["sensorgram", "page CSV", "export csv-wide", "page"]],
  ["final shift", ["compare"]],
  ["standard error", ["sensorgram", "page CSV", "export csv-wide", "chip"]],
  ["shift standard error", ["sensorgram", "page CSV", "chip", "OPC UA"]],
  ["noise", ["sensorgram --summary", "report.html", "noise_and_drift.csv", "page", "compare"]],
  ["noise standard error", ["sensorgram --summary", "report.html", "noise_and_drift.csv", "page"]],
  ["drift", ["sensorgram --summary", "report.html", "noise_and_drift.csv", "page", "compare"]],
  ["LOD", ["sensorgram --summary", "report.html", "noise_and_drift.csv", "page", "compare"]],
  ["frames", ["sensorgram --summary", "report.html", "noise_and_drift.csv"]],
  ["left out", ["sensorgram --summary", "report.html", "noise_and_drift.csv"]],
  ["flagged", ["sensorgram", "page CSV"]],
  ["referenced of the group", ["sensorgram", "page CSV", "page"]],
  ["noise of the group", ["sensorgram --summary", "page"]],
  ["LOD of the group", ["sensorgram --summary", "page"]],
  ...["alone", "joined"].flatMap((how): [string, string[]][] => [
    [`${how}: frames`, ["export csv-wide", "figure", "overview plot", "page"]],
    [`${how}: shift`, ["export csv-wide", "figure", "overview plot", "page"]],
    [`${how}: noise`, ["report", "compare", "page"]],
  ]),
];

test("the two ways are told apart", () => {
  expect([truth.get("alone: frames"), truth.get("joined: frames")]).toEqual([FRAMES - STEP, FRAMES]);
});

test.each(TABLE.flatMap(([quantity, views]) => views.map((view) => [quantity, view] as const)))(
  "%s as said by %s",
  (quantity, view) => {
    const { value, digits } = said.get(view)?.get(quantity) ?? { value: Number.NaN, digits: 0 };
    expect(truth.get(quantity)).not.toBeNaN();
    expect(value.toFixed(digits)).toBe(truth.get(quantity)?.toFixed(digits));
  },
);

test.each(["baseline", "report.html", "overview plot", "page"])("the baseline as said by %s", (view) => {
  expect(baselines.get(view)).toBe(BASELINE);
});

test("the baseline in a file is in UTC, to the microsecond", () => {
  expect(baselines.get("export csv-wide")).toBe(
    "# baseline: 2026-03-04T15:20:00.000000Z to 2026-03-04T15:25:00.000000Z, ends before a step",
  );
});
