import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import yargs from "yargs";
import { sensorgramCommand } from "../../../src/commands/sensorgram.ts";
import { Failure } from "../../../src/failure/failure.ts";
import { MANIFEST_FILENAME, Manifest } from "../../../src/manifest/manifest.ts";
import { encodeStatistics } from "../../../src/manifest/statistics-codec.ts";
import { FLAGS } from "../../../src/measurement/method.ts";
import { formatRoiManifest, parseRoiManifest } from "../../../src/measurement/roi.ts";
import { normal, randomStream } from "../../../src/simulator/noise.ts";
import { experiment as directory } from "../../run/program.ts";

const START_US = Date.UTC(2026, 2, 4, 15) * 1000;
const FRAMES = 120;
const NOISE = 0.02;
/** Two gratings that bind, one that does not; the chip creeps to the right and warms up. */
const LABELS = ["010A_N", "010A_S", "011B_N", "011B_S", "130A_N", "130A_S"];
const bound = (second: number) => (second < 60 ? 0 : 2);
const warming = (second: number) => second / 100;
const creeping = (second: number) => second / 50;

/** A measured experiment, one frame a second; frame 20 of 010A_S is far off and flagged. */
function measured(config = ""): string {
  const root = directory(config);
  const manifest = Manifest.open({ file: join(root, MANIFEST_FILENAME) });
  const rois = LABELS.map((label, i) => ({
    label,
    flip: label.endsWith("N"),
    y: 40 * i,
    x: 5,
    height: 30,
    width: 181,
  }));
  const parsed = parseRoiManifest(formatRoiManifest({ imageAngle: 0, rois }), "the test");
  const roiManifestId = manifest.analyses.ensureRoiManifest(parsed);
  const analysisId = manifest.analyses.ensure({
    method: "gaussian",
    settings: "{}",
    roiManifestId,
    kernelVersion: "1",
  });
  const random = randomStream(3);
  for (let second = 0; second < FRAMES; second++) {
    const nowUs = START_US + second * 1e6;
    manifest.entries.add({ capturedAtUs: nowUs, filename: `${second}.png`, filepath: root });
    const position = Float64Array.from(rois, ({ label, flip }) => {
      const shift = warming(second) + (label.startsWith("130") ? 0 : bound(second));
      return 90 + shift + (flip ? -1 : 1) * creeping(second) + NOISE * normal(random);
    });
    const flags = new Uint8Array(rois.length);
    if (second === 20) {
      flags[1] = FLAGS.jumped;
      position[1] = 170;
    }
    const [claim] = manifest.entries.claimPending(1, nowUs);
    if (claim === undefined) throw new Error("the frame just added is not pending");
    const each = new Float64Array(rois.length).fill(0.5);
    const statistics = encodeStatistics(new Float64Array(rois.length * 40), 40);
    manifest.complete(
      claim,
      analysisId,
      { position, standardError: each, quality: each, flags, statistics, brightness: 1, contrast: 1 },
      nowUs,
    );
  }
  manifest.close();
  writeFileSync(join(root, "config.toml"), `${config}\n[Paths]\ndata_dir = "."\n`);
  return root;
}

async function sensorgram(root: string, ...words: string[]): Promise<string> {
  let printed = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk: unknown, ...rest: unknown[]) => {
    printed += String(chunk);
    const written = rest.at(-1);
    if (typeof written === "function") written();
    return true;
  });
  try {
    await yargs(["sensorgram", ...words, "--config", join(root, "config.toml")])
      .option("config", { type: "string" })
      .option("log-level", { choices: ["error", "warn", "info", "debug"] as const })
      .option("json", { type: "boolean", default: false })
      .option("tz", { type: "string" })
      .command(sensorgramCommand)
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Failure("usage.invalid", message);
      })
      .parseAsync();
  } finally {
    spy.mockRestore();
  }
  return printed;
}

/** Lines of a CSV by column name. */
function rowsOf(csv: string): Record<string, string>[] {
  const [header = "", ...lines] = csv.trimEnd().split("\n");
  const names = header.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((text, at) => [names[at], text])));
}

const rootMeanSquare = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe("phorest sensorgram", () => {
  it("writes a marker at the first frame at or after it, and beside the curves in JSON", async () => {
    const root = measured();
    const manifest = Manifest.open({ file: join(root, MANIFEST_FILENAME) });
    manifest.markers.add(START_US + 41_500_000, "antibody", 1);
    manifest.markers.add(START_US + 500_000_000, "not yet", 1);
    manifest.close();
    const lines = (await sensorgram(root, "--roi", "010A_*")).trim().split("\n");
    expect(lines[0]).toMatch(/,flags,marker,result_px,result_standard_error_px,elapsed_s$/);
    expect(lines.filter((line) => line.includes(",antibody,"))).toEqual(
      [0, 1, 2].map((curve) => lines[43 + curve * FRAMES]),
    );
    expect(lines.filter((line) => line.includes("not yet"))).toEqual([]);
    const [curve] = (await sensorgram(root, "--roi", "010A_N", "--json")).split("\n");
    const { markers } = JSON.parse(curve ?? "") as { markers: unknown };
    expect(markers).toEqual([
      { timestamp: "2026-03-04T15:00:41.500000Z", text: "antibody" },
      { timestamp: "2026-03-04T15:08:20.000000Z", text: "not yet" },
    ]);
  });

  it("prints each ROI over time: raw, shift from the baseline, flags; what was not asked for is empty", async () => {
    const rows = rowsOf(await sensorgram(measured(), "--roi", "010A_*", "--baseline", "0..50"));
    // Two ROIs, and the mean of their group.
    expect(rows).toHaveLength(3 * FRAMES);
    expect(rows.at(-1)).toMatchObject({ label: "group A", position_px: "", standard_error_px: "" });
    expect(rows[FRAMES + 20]).toMatchObject({
      timestamp: "2026-03-04T15:00:20.000000Z",
      label: "010A_S",
      position_px: "170",
      standard_error_px: "0.5",
      referenced_px: "",
      riu: "",
      flags: "jumped",
    });
    // Over the baseline it rises by warming and creeping together: its median is that of second 24.5.
    const shift = Number(rows[FRAMES + 100]?.shift_px);
    expect(shift).toBeCloseTo(2 + (100 - 24.5) * (1 / 100 + 1 / 50), 1);
    expect(Number(rows[FRAMES + 20]?.shift_px)).toBeGreaterThan(70);
  });

  it("takes a label in any letter case, and names the nearest for one that there is not", async () => {
    const root = measured();
    expect(await sensorgram(root, "--roi", "010a_n")).toBe(await sensorgram(root, "--roi", "010A_N"));
    const refused = await sensorgram(root, "--roi", "ROI_010A_N").catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "usage.invalid", hint: "did you mean 010A_N?" });
  });

  it("counts from the baseline that was chosen on the page, unless another is asked for", async () => {
    const root = measured();
    const manifest = Manifest.open({ file: join(root, MANIFEST_FILENAME) });
    manifest.markers.setBaseline({ fromUs: START_US, toUs: START_US + 50e6 }, 1);
    manifest.close();
    const chosen = await sensorgram(root, "--roi", "010A_*");
    expect(chosen).toBe(await sensorgram(root, "--roi", "010A_*", "--baseline", "0..50"));
    expect(chosen).not.toBe(await sensorgram(root, "--roi", "010A_*", "--baseline", "0..20"));
  });

  it("with pairs and references leaves the binding alone: chip movement and warming are gone, and apart", async () => {
    const config = '[Analysis]\nreference_rois = "130A*"\nsensitivity_px_per_riu = 1000\n';
    const rows = rowsOf(await sensorgram(measured(config), "--pairs", "--baseline", "0..60"));
    const grating = rows.filter(({ label }) => label === "010A");
    const wrong = grating.flatMap((row, second) => (row.flags === "" ? Number(row.referenced_px) - bound(second) : []));
    // Half a sum has 1/√2 of the noise, and so has its reference.
    expect(rootMeanSquare(wrong)).toBeLessThan(NOISE * 1.25);
    const moved = grating.flatMap((row, second) =>
      row.flags === "" ? Number(row.movement_px) - creeping(second - 29.5) : [],
    );
    expect(rootMeanSquare(moved)).toBeLessThan(NOISE);
    expect(Number(grating[100]?.riu)).toBeCloseTo(Number(grating[100]?.referenced_px) / 1000, 7);
    // The only reference cannot be compared with itself.
    expect(
      rows.filter(({ label }) => label === "130A").every((row) => row.referenced_px === "" && row.shift_px !== ""),
    ).toBe(true);
  });

  it("sums up noise, drift and limit of detection per ROI and group; flagged frames have no say and are counted", async () => {
    const options = ["--reference", "130A_*", "--baseline", "2026-03-04T15:00:00Z..2026-03-04T15:01:00Z"];
    const rows = JSON.parse(await sensorgram(measured(), ...options, "--summary", "--json"));
    const of = (label: string) => rows.find((row: { label: string }) => row.label === label);
    expect(of("010A_S")).toMatchObject({ kind: "roi", points: 59, excluded: 1 });
    expect(of("010A_N")).toMatchObject({ kind: "roi", points: 60, excluded: 0 });
    expect(of("130A_N").kind).toBe("reference");
    // Its own noise and that of the mean of two references.
    expect(of("011B_N").noise_px / (NOISE * Math.sqrt(1.5))).toBeGreaterThan(0.6);
    expect(of("011B_N").noise_px / (NOISE * Math.sqrt(1.5))).toBeLessThan(1.5);
    expect(of("011B_N").detection_limit_px).toBeCloseTo(3 * of("011B_N").noise_px, 12);
    expect(Math.abs(of("011B_S").drift_px_per_hour - 72)).toBeLessThan(5 * of("011B_S").drift_standard_error);
    expect(of("A")).toMatchObject({ kind: "group", members: 2 });
    expect(Math.abs(of("A").drift_px_per_hour)).toBeLessThan(5 * of("A").drift_standard_error);
  });

  it("makes a table for people, the named groups last", async () => {
    const root = measured('[Analysis]\nbaseline_seconds = 60\ngroups = { all = ["*"], North = ["*_N"] }\n');
    const lines = (await sensorgram(root, "--summary")).trimEnd().split("\n");
    expect(lines[0]).toMatch(/^label +kind +of +frames +left out +noise px +drift px\/h +\+\/- +LOD px +LOD RIU$/);
    expect(lines[2]).toMatch(/^010A_S +roi +1 +59 +1 +0\.0/);
    expect(lines.slice(-2).map((line) => line.split(/ +/).slice(0, 3))).toEqual([
      ["all", "group", "6"],
      ["North", "group", "3"],
    ]);
  });

  it("writes JSON lines, smooth curves and a file that is whole when it appears", async () => {
    const root = measured();
    const out = join(root, "curves.jsonl");
    expect(await sensorgram(root, "--json", "--smooth", "9", "--out", out)).toBe("");
    const [first, second] = readFileSync(out, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({ label: "010A_N", reference: false, riu: null });
    expect(second.flags[20]).toEqual(["jumped"]);
    expect(Math.abs(second.smoothed_px[20] - (second.shift_px[19] + second.shift_px[21]) / 2)).toBeLessThan(0.1);
  });

  it("takes a blank injection off an injection", async () => {
    const rows = rowsOf(await sensorgram(measured(), "--roi", "010A_N", "--blank", "20..40", "--injection", "60"));
    expect(rows[10]?.double_referenced_px).toBe(rows[10]?.shift_px);
    // Warming and creeping go on in the blank as everywhere; its zero is the median of the eight frames before it.
    const slope = warming(1) - creeping(1);
    const jump = Number(rows[70]?.double_referenced_px) - Number(rows[59]?.double_referenced_px);
    expect(jump).toBeCloseTo(2 + slope * (70 - 59) - slope * (30 - 15.5), 1);
    expect(rows[90]?.double_referenced_px).toBe("");
  });

  it.each([
    ["a label that no ROI has", ["--roi", "nobody"], /no ROI is named "nobody"/],
    ["a reference that no ROI is", ["--reference", "nobody"], /--reference: no ROI is named "nobody"/],
    ["a window without an end", ["--baseline", "12"], /--baseline needs FROM\.\.TO, not "12"/],
    ["a window that ends before it begins", ["--baseline", "5..2"], /--baseline needs FROM before TO/],
    ["a time that is none", ["--baseline", "noon..night"], /--baseline needs a date or time/],
    ["too short a smooth curve", ["--smooth", "1"], /--smooth needs at least 3 frames/],
    ["an analysis that is not there", ["--analysis", "7"], /no analysis 7/],
  ])("refuses %s in one line", async (_what, words, message) => {
    await expect(sensorgram(measured(), ...words)).rejects.toMatchObject({
      code: "usage.invalid",
      message: expect.stringMatching(message),
    });
  });

  it("says so when nothing has been measured", async () => {
    const root = directory('[Paths]\ndata_dir = "."\n');
    Manifest.open({ file: join(root, MANIFEST_FILENAME) }).close();
    await expect(sensorgram(root)).rejects.toMatchObject({ message: "no frame has been measured yet" });
  });
});
