// One run, every view of it: while it runs, what two views say of the same frame agrees to the last digit that each prints. The
// run is quiet meanwhile: its folder gets no more files. The last files come in another order than they were captured, and one of
// them is damaged. At the end, the OPC UA server is gone and a frame waits for it.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { captureFileName } from "../../src/image/capture-name.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { isoFromUs } from "../../src/system/iso-time.ts";
import type { ChipView, CurvesView, StateView } from "../../src/web/views.ts";
import { toml } from "../outputs/opcua/deliver.ts";
import { Plant } from "../outputs/opcua/plant.ts";
import { command } from "../run/commands.ts";
import { fileExperiment, simulator } from "../run/file-source.ts";
import { DESKTOP, HAS_CHROMIUM, launch, openPage, turnTo } from "../web/browser.ts";
import { Running } from "../web/running.ts";

const LABEL = simulator.roiManifest().rois[3]?.label ?? "";
const START_US = Date.UTC(2026, 2, 4, 15, 10) * 1000;
/** Seconds of capture, in the order of arrival: after the first ones, an earlier frame comes after the newest. */
const FIRST = [0, 20, 40, 60, 80, 100, 120, 140, 160, 180];
const [NEWEST, LATE, DAMAGED, IN_OUTAGE] = [200, 190, 55, 210];
const MEASURED = FIRST.length + 2;
const NODES = ["position", "standard_error", "shift", "shift_standard_error", "quality", "filename"];
const OPC_UA = "the OPC UA server";
const PATIENCE = { timeout: 100_000, interval: 100 };

const fileOf = (seconds: number) => captureFileName(START_US + seconds * 1e6, 0);

/** By view, by quantity: the text that it shows. */
const said = new Map<string, Map<string, string>>();

function say(view: string, quantities: Readonly<Record<string, unknown>>): void {
  const texts = Object.entries(quantities).map(([quantity, value]) => [quantity, String(value)] as const);
  said.set(view, new Map([...(said.get(view) ?? []), ...texts]));
}

/** By quantity: its value in full precision, from `phorest sensorgram --json`, or the text that all views must show. */
const truth = new Map<string, number | string>([
  ["measured", MEASURED],
  ["failed", 1],
  ["alarms", 1],
  ["images", MEASURED + 1],
  ["last frame", fileOf(NEWEST)],
  ["last time", isoFromUs(START_US + NEWEST * 1e6)],
  ["baseline", "15:10:00 to 15:11:40 UTC"],
  ["waiting in an outage", 1],
]);

const VIEWS_OF: Readonly<Record<string, readonly string[]>> = {
  measured: [
    "API",
    "curves API",
    "page: now",
    "page: sensorgrams",
    "status",
    "status --json",
    "health",
    "metrics",
    "plot",
  ],
  failed: ["API", "page: now", "status", "status --json", "health", "metrics"],
  alarms: ["API", "page: now", "status", "status --json", "health", "metrics"],
  images: ["API", "page: now", "page: experiment", "status", "status --json", "health", "metrics"],
  "last frame": ["API", "status", "status --json", "health", "OPC UA"],
  "last time": [
    "API",
    "page: now",
    "page: chip",
    "status --json",
    "health",
    "metrics",
    "plot",
    "chip API",
    "curves API",
  ],
  baseline: ["page: sensorgrams", "plot", "baseline"],
  position: ["chip API", "page: chip", "status", "status --json", "live CSV", "sensorgram", "OPC UA"],
  standard_error: ["chip API", "page: chip", "live CSV", "sensorgram", "OPC UA"],
  shift: ["chip API", "curves API", "page: chip", "page: sensorgrams", "sensorgram", "OPC UA"],
  shift_standard_error: ["chip API", "page: chip", "page: sensorgrams", "sensorgram", "OPC UA"],
  quality: ["chip API", "page: chip", "live CSV", "OPC UA"],
  noise: ["curves API", "page: chip", "page: sensorgrams", "sensorgram --summary"],
  drift: ["curves API", "page: sensorgrams", "sensorgram --summary"],
  LOD: ["curves API", "page: sensorgrams", "sensorgram --summary"],
  "waiting in an outage": ["API", "page: now", "page: experiment", "status", "status --json", "metrics"],
};

describe.skipIf(!HAS_CHROMIUM)("the views of a run", () => {
  beforeAll(async () => {
    const directory = fileExperiment("folder");
    const nodes = NODES.map((name) => ({ name, type: name === "filename" ? "String" : "Double" }));
    const plant = await Plant.start({ pki: join(directory, "pki"), nodes });
    for (const seconds of FIRST) await give(directory, seconds);
    const running = await Running.start(directory, configOf(directory, plant), FIRST.length);
    const browser = await launch();
    try {
      for (const seconds of [NEWEST, LATE, DAMAGED]) await giveAndWait(directory, running, seconds);
      await vi.waitFor(async () => {
        expect((await stateOf(running)).counts?.transmitted).toBe(MEASURED + 1);
        expect(plotted(directory)).toContain(`${MEASURED} frames`);
      }, PATIENCE);
      const { page, errors } = await openPage(browser, running.address, DESKTOP);
      await reference(directory);
      await api(running);
      await commands(directory);
      await files(directory);
      const values = Object.entries(await plant.values()).map(([name, { value }]) => [name, value] as const);
      say("OPC UA", { ...Object.fromEntries(values), "last frame": Object.fromEntries(values).filename });
      await seen(page);
      await plant.kill();
      await giveAndWait(directory, running, IN_OUTAGE);
      await outage(directory, running, page);
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      await running.stop();
      await plant.kill();
    }
  });

  test.each(Object.entries(VIEWS_OF).flatMap(([quantity, views]) => views.map((view) => [quantity, view] as const)))(
    "%s as said by %s",
    (quantity, view) => {
      const found = truth.get(quantity);
      const text = said.get(view)?.get(quantity);
      if (typeof found === "string") return expect(text).toBe(found);
      const digits = /\.(\d+)$/.exec(text ?? "")?.[1]?.length ?? 0;
      // A whole number would agree with anything near it.
      expect(digits > 0, text).toBe(!Number.isInteger(found));
      expect(Number(text).toFixed(Math.min(digits, 9))).toBe(found?.toFixed(Math.min(digits, 9)));
    },
  );
});

function configOf(directory: string, plant: Plant): string {
  const nodes = NODES.map((value) => ({ node_id: `ns=2;s=${value}`, value, roi: LABEL }));
  const config = readFileSync(join(directory, "config.toml"), "utf8")
    .replace("[Web]\nenabled = false", "[Web]\nport = 0")
    .replace("plot = false", "plot_interval_seconds = 1");
  return `${config}${toml(plant.endpointUrl, nodes)}[Analysis]\nbaseline_seconds = 100\n`;
}

/** Puts a finished file into the folder. */
async function give(directory: string, seconds: number): Promise<void> {
  const file = await encodePicture(simulator.render(seconds, seconds), "png");
  const name = fileOf(seconds);
  writeFileSync(join(directory, name), seconds === DAMAGED ? file.subarray(0, file.length / 2) : file);
  renameSync(join(directory, name), join(directory, "incoming", name));
}

const stateOf = (running: Running) => running.read<StateView>("/api/state");

async function giveAndWait(directory: string, running: Running, seconds: number): Promise<void> {
  const done = ({ counts }: StateView) => (counts?.processed ?? 0) + (counts?.failed ?? 0);
  const before = done(await stateOf(running));
  await give(directory, seconds);
  await vi.waitFor(async () => expect(done(await stateOf(running))).toBe(before + 1), PATIENCE);
}

/** The texts of the plot that the run drew. */
function plotted(directory: string): string {
  const svg = readFileSync(join(directory, "results", "processed_data_plot.svg"), "utf8");
  return [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text]) => text).join("\n");
}

async function run(directory: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await command(words, directory);
  expect(code, `${words.join(" ")}: ${stderr}`).toBe(0);
  return stdout;
}

async function reference(directory: string): Promise<void> {
  const json = await run(directory, "sensorgram", "--json", "--roi", LABEL);
  const curve = JSON.parse(json.split("\n")[0] ?? "") as Record<string, number[]>;
  const columns = { position: "position_px", shift: "shift_px", shift_standard_error: "shift_standard_error_px" };
  for (const [quantity, column] of Object.entries({ ...columns, standard_error: "standard_error_px" })) {
    truth.set(quantity, curve[column]?.at(-1) ?? Number.NaN);
  }
  const summary = await run(directory, "sensorgram", "--summary", "--json", "--roi", LABEL);
  const [row] = JSON.parse(summary) as Record<string, number>[];
  truth.set("noise", row?.noise_px ?? Number.NaN);
  truth.set("drift", row?.drift_px_per_hour ?? Number.NaN);
  truth.set("LOD", row?.detection_limit_px ?? Number.NaN);
}

async function api(running: Running): Promise<void> {
  const { counts, lastFrame, alarms } = await stateOf(running);
  say("API", {
    measured: counts?.processed,
    failed: counts?.failed,
    images: counts?.localImages,
    alarms: alarms.length,
  });
  say("API", { "last frame": lastFrame?.filename, "last time": lastFrame?.capturedAt });
  const chip = await running.read<ChipView>("/api/chip");
  const roi = chip.rois.find(({ label }) => label === LABEL);
  truth.set("quality", roi?.quality ?? Number.NaN);
  const { position, standardError, shift, shiftError, quality } = roi ?? {};
  say("chip API", { position, standard_error: standardError, shift, shift_standard_error: shiftError, quality });
  say("chip API", { "last time": isoFromUs(chip.capturedAt * 1000) });
  const { frames, span, curves } = await running.read<CurvesView>(`/api/curves?roi=${LABEL}`);
  // The values of curves are sent in single precision.
  say("curves API", { measured: frames, shift: curves[0]?.values.at(-1)?.toFixed(6), noise: curves[0]?.noise });
  say("curves API", {
    drift: curves[0]?.driftPerHour,
    LOD: curves[0]?.detectionLimit,
    "last time": isoFromUs(span[1] * 1000),
  });
  const metrics = await (await running.answer("/metrics")).text();
  const metric = (name: string) => new RegExp(`^phorest_${name} (.*)$`, "m").exec(metrics)?.[1];
  say("metrics", { measured: metric('frames{status="processed"}'), failed: metric('frames{status="failed"}') });
  say("metrics", { images: metric("images_local"), alarms: metric("alarms") });
  say("metrics", { "last time": isoFromUs(Number(metric("last_frame_timestamp_seconds")) * 1e6) });
}

async function commands(directory: string): Promise<void> {
  const json = await run(directory, "status", "--json", "--roi", LABEL);
  const health = await run(directory, "health", "--json");
  for (const [view, text] of [
    ["status --json", json],
    ["health", health],
  ] as const) {
    const {
      counts,
      lastFrame,
      alarms,
      results = [],
    } = JSON.parse(text) as StateView & {
      results?: { position_px: number }[];
    };
    say(view, { measured: counts?.processed, failed: counts?.failed, images: counts?.localImages });
    say(view, { alarms: alarms.length, "last frame": lastFrame?.filename, "last time": lastFrame?.capturedAt });
    say(view, { position: results[0]?.position_px });
  }
  const status = await run(directory, "status", "--roi", LABEL);
  const [, measured, failed] = /(\d+) measured, \d+ waiting, (\d+) failed/.exec(status) ?? [];
  say("status", {
    measured,
    failed,
    alarms: status.match(/^ALARM/gm)?.length,
    images: /(\d+) images here/.exec(status)?.[1],
  });
  say("status", { "last frame": /last frame +(\S+)/.exec(status)?.[1], position: /_\w +(\S+) px/.exec(status)?.[1] });
  say("sensorgram --summary", summaryOf(await run(directory, "sensorgram", "--summary", "--roi", LABEL)));
  say("baseline", { baseline: windowIn(await run(directory, "baseline")) });
  const columns = columnsOf(
    await run(directory, "sensorgram", "--roi", LABEL),
    LABEL,
    isoFromUs(START_US + NEWEST * 1e6),
  );
  say("sensorgram", { position: columns("position_px"), standard_error: columns("standard_error_px") });
  say("sensorgram", { shift: columns("shift_px"), shift_standard_error: columns("shift_standard_error_px") });
}

const windowIn = (text: string) => /\d\d:\d\d:\d\d to \d\d:\d\d:\d\d UTC/.exec(text)?.[0];

function summaryOf(table: string) {
  const line = table.split("\n").find((one) => one.startsWith(LABEL)) ?? "";
  const [, , , , , noise, drift, , lod] = line.replaceAll(" ±", "±").split(/ +/);
  return { noise: noise?.split("±")[0], drift, LOD: lod?.split("±")[0] };
}

/** The cells of the line with these two texts, by the names of their columns. */
function columnsOf(csv: string, ...texts: readonly string[]): (column: string) => string | undefined {
  const [head = "", ...lines] = csv.split("\n");
  const cells = lines.find((line) => texts.every((text) => line.includes(text)))?.split(",") ?? [];
  return (column) => cells[head.split(",").indexOf(column)];
}

async function files(directory: string): Promise<void> {
  const csv = readFileSync(join(directory, "results", "communicating_results.csv"), "utf8");
  const column = columnsOf(csv, `,${LABEL},`, fileOf(NEWEST));
  say("live CSV", { position: column("resonance_position_px"), standard_error: column("standard_error_px") });
  say("live CSV", { quality: column("quality") });
  const plot = plotted(directory);
  const last = /last (\S+) (\S+) UTC/.exec(plot);
  say("plot", { measured: /(\d+) frames/.exec(plot)?.[1], "last time": `${last?.[1]}T${last?.[2]}.000000Z` });
  say("plot", { baseline: windowIn(plot) });
}

/** What the page shows next to a name. */
const shown = async (page: Page, name: string) =>
  (await page.locator(`dt:text-is('${name}') + dd`).innerText()).replaceAll("\u2212", "-");

/** "24.99 ± 0.17 px": the value and its error. */
const valueIn = (text: string) => text.split(" ")[0];
const errorIn = (text: string) => text.split(" ")[2];

async function seen(page: Page): Promise<void> {
  await turnTo(page, "now");
  const main = page.locator("main");
  const measured = (await shown(page, "measured")).split(" ")[0];
  say("page: now", { measured, failed: await shown(page, "failed"), alarms: await page.getByRole("alert").count() });
  say("page: now", { images: /(\d+) images on/.exec(await main.innerText())?.[1] });
  say("page: now", { "last time": `2026-03-04T${(await shown(page, "last capture")).slice(0, 8)}.000000Z` });
  await turnTo(page, "sensorgrams");
  await page.getByLabel(/^combine the halves/).uncheck();
  await page.getByLabel(/^ROI names/).fill(LABEL);
  await page.getByLabel(/^ROI names/).press("Enter");
  const row = page.getByRole("row", { name: new RegExp(`^${LABEL}`) });
  await row.waitFor();
  const cells = (await row.getByRole("cell").allInnerTexts()).map((text) => text.replaceAll("\u2212", "-"));
  const [, shift = "", noise = "", drift = "", lod = ""] = cells;
  say("page: sensorgrams", { shift: valueIn(shift), shift_standard_error: errorIn(shift), noise: valueIn(noise) });
  say("page: sensorgrams", { drift: valueIn(drift), LOD: valueIn(lod) });
  const below = await main.innerText();
  say("page: sensorgrams", { measured: /(\d+) frames\. Baseline/.exec(below)?.[1], baseline: windowIn(below) });
  await turnTo(page, "chip");
  await page.locator(`[data-label="${LABEL}"]`).dispatchEvent("click");
  await page.getByRole("img", { name: `Sensorgram of ${LABEL}` }).waitFor();
  const position = await shown(page, "position");
  const ofShift = await shown(page, "shift");
  say("page: chip", {
    position: valueIn(position),
    standard_error: errorIn(position),
    quality: await shown(page, "quality"),
  });
  say("page: chip", { shift: valueIn(ofShift), shift_standard_error: errorIn(ofShift) });
  say("page: chip", { noise: valueIn(await shown(page, "noise")) });
  const head = await page.getByRole("heading", { name: /ROIs/ }).innerText();
  say("page: chip", { "last time": `2026-03-04T${/\d\d:\d\d:\d\d/.exec(head)?.[0]}.000000Z` });
  await turnTo(page, "experiment");
  say("page: experiment", { images: (await shown(page, "images on this computer")).split(",")[0] });
}

/** A frame that is in the CSV, and waits for the OPC UA server. */
async function outage(directory: string, running: Running, page: Page): Promise<void> {
  const quantity = "waiting in an outage";
  await vi.waitFor(async () => {
    const { outputs } = await stateOf(running);
    expect(outputs.map(({ waiting }) => waiting)).toEqual([0, 1]);
  }, PATIENCE);
  const { outputs } = await stateOf(running);
  say("API", { [quantity]: outputs.find(({ name }) => name === OPC_UA)?.waiting });
  const status = await run(directory, "status");
  say("status", { [quantity]: new RegExp(`(\\d+) waiting for ${OPC_UA}`).exec(status)?.[1] });
  const json = JSON.parse(await run(directory, "status", "--json")) as StateView;
  say("status --json", { [quantity]: json.outputs.find(({ name }) => name === "opcua")?.waiting });
  const metrics = await (await running.answer("/metrics")).text();
  say("metrics", { [quantity]: /^phorest_output_waiting_frames\{output="opcua"\} (\d+)$/m.exec(metrics)?.[1] });
  for (const view of ["experiment", "now"] as const) {
    await turnTo(page, view);
    say(`page: ${view}`, { [quantity]: await shown(page, `waiting for ${OPC_UA}`) });
  }
}
