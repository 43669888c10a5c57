// Files that a person hands in and that are wrong in unfriendly ways: endless nesting, texts of megabytes, numbers beyond all
// numbers, characters that command a terminal. Each costs one readable line and the exit code of wrong usage.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readChipMap } from "../../src/chip/chip-map.ts";
import { readChipFile } from "../../src/chip/layout.ts";
import { loadConfig } from "../../src/config/config.ts";
import { loadFeatureLocations } from "../../src/config/features.ts";
import { Failure, failureLine } from "../../src/failure/failure.ts";
import { readEntries } from "../../src/manifest/established-metadata.ts";
import { parseResultLine } from "../../src/manifest/established-result.ts";
import { Findings } from "../../src/manifest/import-findings.ts";
import { parseRoiManifest } from "../../src/measurement/roi.ts";
import { experiment, phorest, QUICK_CONFIG } from "./program.ts";

const MEGABYTES = 10_000_000;
const long = "x".repeat(MEGABYTES);
const digits = "9".repeat(400);
const deep = (opening: string, closing: string, inner = "") =>
  `${opening.repeat(200_000)}${inner}${closing.repeat(200_000)}`;
const NESTED = deep("[", "]");
const OBJECTS = deep('{"a":', "}", "1");
const TERMINAL = "\u001b]0;owned\u0007\n\u0000\u009b31m\u202e";

/** One line that a person can read, whatever was quoted in it. */
function expectReadable(line: string): void {
  expect(line.length).toBeLessThan(1500);
  expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(line).not.toMatch(/RangeError|TypeError|SyntaxError|undefined|\bat .*:\d+:\d+/);
}

/** The failure of `read`, which must be an expected one of that code. */
function refusal(read: () => unknown, code: string): string {
  try {
    read();
  } catch (error) {
    const line = failureLine(error);
    expect(error, line.slice(0, 500)).toBeInstanceOf(Failure);
    expect((error as Failure).code).toBe(code);
    for (const one of line.split("\n")) expectReadable(one);
    return line;
  }
  throw new Error("it was accepted");
}

const roi = { label: "1A_N", flip: true, coords: [10, 10], size: [20, 40] };
const manifest = (entry: string, more = "") => `{"image_angle": 0, "ROI_a": ${entry}${more}}`;
const withRoi = (change: object) => manifest(JSON.stringify({ ...roi, ...change }));
const numbers = (field: string, value: string) =>
  manifest(JSON.stringify(roi).replace(new RegExp(`"${field}":\\[[^\\]]*\\]`), `"${field}":[${value}]`));

/** So many ROIs of so many rows each. */
function withRows(rois: number, rows: number): string {
  const entries = Array.from({ length: rois }, (_, at) => [`ROI_${at}`, { ...roi, label: `${at}`, size: [rows, 1] }]);
  return JSON.stringify({ image_angle: 0, ...Object.fromEntries(entries) });
}

const ROI_MANIFESTS: [string, string, RegExp][] = [
  ["200,000 arrays in each other", NESTED, /nested/],
  ["200,000 objects in each other", OBJECTS, /nested/],
  ["an ROI that is nested", manifest(NESTED), /nested/],
  ["a label that is nested", manifest(JSON.stringify(roi).replace('"1A_N"', NESTED)), /nested/],
  ["a label of 10 MB", withRoi({ label: long }), /label: a name has at most 100 characters, this one has 10000000/],
  ["a key of 10 MB", `{"image_angle": 0, "ROI_${long}": {}}`, /label/],
  ["an angle of 10 MB", `{"image_angle": "${long}", "ROI_a": ${JSON.stringify(roi)}}`, /image_angle/],
  ["an angle of 1e999", `{"image_angle": 1e999, "ROI_a": ${JSON.stringify(roi)}}`, /image_angle.*Infinity/],
  ["coordinates of 1e999", numbers("coords", "1e999, 0"), /coords.*Infinity/],
  ["coordinates of 400 digits", numbers("coords", `${digits}, 0`), /coords/],
  ["coordinates of 1e300", numbers("coords", "1e300, 0"), /coords.*1e\+300/],
  ["coordinates far outside", numbers("coords", "9007199254740991, -9007199254740991"), /coords.*far outside/],
  ["a size that overflows", numbers("size", "9007199254740991, 9007199254740991"), /size.*larger than any image/],
  ["a size of 400 digits", numbers("size", `40, ${digits}`), /size/],
  ["a label with terminal commands", withRoi({ label: `1A${TERMINAL}` }), /label.*control characters/],
  [
    "a label that turns the text around",
    withRoi({ label: "1A\u202eN_" }),
    /label.*invisible characters, got U\+202E in "1A\\u202eN_"/,
  ],
  ["a label with something invisible", withRoi({ label: "1A\u200b" }), /label.*got U\+200B in "1A\\u200b"/],
  ["a label of blanks", withRoi({ label: " \u00a0\u3000 " }), /label.*visible characters/],
  ["half a character as a label", manifest(JSON.stringify(roi).replace("1A_N", "\\ud800")), /label/],
  [
    "a repeated key",
    manifest(JSON.stringify(roi), `, "ROI_\\u0061x": 1, "ROI_ax"${" ".repeat(50)}: 1`),
    /"ROI_ax" appears twice/,
  ],
  ["a key with terminal commands", `{"image_angle": 0, ${JSON.stringify(`ROI_${TERMINAL}`)}: 7}`, /expected an object/],
  ["more rows than can be measured", withRows(1000, 60_000), /60000000 rows/],
  [
    "100,000 ROIs",
    JSON.stringify(
      Object.fromEntries(
        Array.from({ length: 100_000 }, (_, at) => [`ROI_${at}`, { ...roi, label: `${at}` }]).concat([
          ["image_angle", 0 as never],
        ]),
      ),
    ),
    /100000 ROIs/,
  ],
];

test.each(ROI_MANIFESTS)("an ROI manifest with %s", (_, text, expected) => {
  expect(refusal(() => parseRoiManifest(text, "ROI_manifest.json"), "rois.invalid")).toMatch(expected);
});

test("labels in other alphabets, with spaces and signs, stay as they are", () => {
  for (const label of ["052A_N", "Gitter 5 µm", "格子-1", "=1+2", "a,b", 'say "hi"', "x".repeat(100)]) {
    expect(parseRoiManifest(withRoi({ label }), "here").rois[0]?.label).toBe(label);
  }
});

const TOO_MANY = /config\.toml: it has [56]000\d tables, more than the limit of 10000/;
const many = (count: number, line: (at: number) => string, between = "\n"): string =>
  Array.from({ length: count }, (_, at) => line(at)).join(between);

function file(name: string, text: string): string {
  const path = join(experiment(), name);
  writeFileSync(path, text);
  return path;
}

test.each([
  ["arrays in each other", `[Camera]\ncamera_type = ${NESTED}`, /config\.toml/],
  ["tables in each other", `[Camera]\ncamera_type = ${deep("{a=", "}", "1")}`, /config\.toml/],
  ["a key of 200,000 parts", `${"a.".repeat(200_000)}b = 1`, /nested/],
  ["a header of 200,000 parts", `[Camera${".a".repeat(200_000)}]\nb = 1`, /nested/],
  ["a value of nearly 1 MB", `[Camera]\ncamera_type = "${"x".repeat(990_000)}"`, /camera_type/],
  ["a key of nearly 1 MB", `[Camera]\n${"x".repeat(990_000)} = 1`, /unknown setting/],
  [
    "50,000 unknown keys",
    `[Camera]\n${Array.from({ length: 50_000 }, (_, at) => `k${at} = 1`).join("\n")}`,
    /49980 more problems/,
  ],
  ["60,000 headers of lists", many(60_000, (at) => `[[A.b${at}]]`), TOO_MANY],
  ["60,000 headers", many(60_000, (at) => `[b${at}]`), TOO_MANY],
  ["60,000 dotted keys", many(60_000, (at) => `a${at}.b = 1`), TOO_MANY],
  ["50,000 inline tables", `[Camera]\ncontrols = { ${many(50_000, (at) => `k${at}={b=1}`, ", ")} }`, TOO_MANY],
  [
    "50,000 wrong entries of one table",
    `[Analysis.groups]\n${many(50_000, (at) => `g${at} = 1`)}`,
    /:1: Analysis\.groups = .*list/,
  ],
  ["10 MB", `# ${long}`, /too large/],
  ["a number of 400 digits", `[Buffer]\nimage_buffer_size = ${digits}`, /image_buffer_size/],
  [
    "a number of 1e300",
    "[Timing]\n\ncollector_interval_seconds = 1e300",
    /:3: Timing\.collector_interval_seconds = 1e\+300/,
  ],
  ["a huge number in a table of a person's own", "[Camera]\ncontrols = { gain = -1e300 }", /Camera\.controls\.gain/],
  ["more rows than a picture has", "[Data_Analysis]\nnumber_of_subROIs = 9007199254740991", /from 0 to 65535/],
  ["a look back at all frames there ever were", "[Alarm]\nfrozen_frames = 9007199254740991", /from 0 to 100/],
  ["a time that no timer knows", "[Camera]\ntimeout_seconds = 9e15", /at most 86400/],
  ["a number of 1e999", "[Timing]\ncollector_interval_seconds = 1e999", /collector_interval_seconds = Infinity/],
  ["no number", "[Timing]\ncollector_interval_seconds = nan", /collector_interval_seconds = NaN/],
  ["a line that is no TOML, with terminal commands", `[Camera]\n\u001b[2J${"y".repeat(10_000)}`, /not valid TOML/],
  ["terminal commands in a value", '[Camera]\ncamera_type = "\\u001b[2J\\u009b"', /camera_type/],
])("a config.toml with %s", (_, text, expected) => {
  expect(refusal(() => loadConfig(file("config.toml", text)), "config.invalid")).toMatch(expected);
});

const FEATURES = (one: string) =>
  `chip_type = "IMECII_2"\n[[features]]\nlabel = "D-Left"\nfeature_location = [1, 2]\n[[features]]\n${one}`;
test.each([
  ["nesting", `a = ${NESTED}`],
  ["a label of nearly 1 MB", FEATURES(`label = "${"x".repeat(900_000)}"\nfeature_location = [1, 2]`)],
  ["a label with terminal commands", FEATURES('label = "a\\u001b[2J"\nfeature_location = [1, 2]')],
  ["a place at 1e300", FEATURES('label = "D-Right"\nfeature_location = [1e300, 2.0]')],
  ["a place at infinity", FEATURES('label = "D-Right"\nfeature_location = [inf, 2.0]')],
  ["10 MB", `# ${long}`],
])("a feature file with %s", (_, text) => {
  refusal(() => loadFeatureLocations(file("features.toml", text)), "config.invalid");
});

const CHIP = `type = "mine"
auto_locate_gratings = true
[lattice]
origin = [100, 100]
size = [50, 20]
pitch = [60, 30]
rows = 2
columns = 2
label = "{row}{column_letter}"
halves = "rows"
[font]
size = [10, 12]
pitch = 11
`;
test("a chip file of one's own is read", () => {
  expect(readChipFile(file("chip.toml", CHIP)).gratings).toHaveLength(4);
});
test.each([
  ["nesting", `a = ${NESTED}`],
  ["a key of 200,000 parts", `${"a.".repeat(200_000)}b = 1`],
  ["coordinates of 1e300", CHIP.replace("origin = [100, 100]", "origin = [1e300, 1e300]")],
  ["infinite coordinates", CHIP.replace("origin = [100, 100]", "origin = [inf, 1.0]")],
  ["a ruler without end", `${CHIP}[[ticks]]\nsize = [1, 1]\nfirst = [0, 0]\nlast = [1e300, 0.0]\n`],
  ["a label of nearly 1 MB", CHIP.replace("{row}{column_letter}", "x".repeat(900_000))],
  ["a label with terminal commands", CHIP.replace('"{row}', '"\\u001b[2J{row}')],
  ["more columns than any", CHIP.replace("columns = 2", "columns = 1000000000")],
  ["10 MB", `# ${long}`],
])("a chip file with %s", (_, text) => {
  refusal(() => readChipFile(file("chip.toml", text)), "chip.invalid");
});

const chipMap = (change: object) =>
  JSON.stringify({
    chip: [{ chip_type: "A", gratings: [{ label: "1", "x-size": 5, "y-size": 5, grating_origin: [0, 0], ...change }] }],
  });
test.each([
  ["nesting", NESTED],
  ["objects in each other", OBJECTS],
  ["a label of 10 MB", chipMap({ label: long })],
  ["a label with terminal commands", chipMap({ label: TERMINAL })],
  ["places of 1e300", chipMap({ grating_origin: [1e300, 0] })],
  ["a size of 1e999", chipMap({ "x-size": 77 }).replace("77", "1e999")],
  ["20 MB", `${" ".repeat(20e6)}{}`],
])("a Chip_map.json with %s", (_, text) => {
  expect(readChipMap(file("Chip_map.json", chipMap({})))).toHaveLength(1);
  refusal(() => readChipMap(file("Chip_map.json", text)), "chip.invalid");
});

const AT = "2026-03-04T05:06:07Z";
const metadata = (entry: object) => JSON.stringify([{ entry_timestamp_iso: AT, ...entry }]);
test.each([
  ["nesting", NESTED],
  ["objects in each other", OBJECTS],
  ["a time far away", JSON.stringify([{ entry_timestamp_iso: "9999-01-01T00:00:00Z" }])],
  ["a time of 10 MB", JSON.stringify([{ entry_timestamp_iso: long }])],
  ["a file name of 10 MB", metadata({ camera_data: { filename: long } })],
])("a metadata_manifest.json with %s", (_, text) => {
  refusal(() => readEntries([file("metadata_manifest.json", text)], new Findings()), "usage.invalid");
});
test.each([
  ["a camera of 1e999", metadata({ camera_data: { filename: "a.png", camera_index: 77 } }).replace("77", "1e999")],
  ["a camera of 400 digits", metadata({ camera_data: { filename: "a.png", camera_index: 77 } }).replace("77", digits)],
  ["a sensor with terminal commands", metadata({ temperature_data: { data: { [TERMINAL]: 20 } } })],
  ["a temperature of 1e999", metadata({ temperature_data: { data: { T1: 77 } } }).replace("77", "1e999")],
])("of a metadata_manifest.json with %s, the rest is taken", (_, text) => {
  const [entry, ...more] = readEntries([file("metadata_manifest.json", text)], new Findings());
  expect(more).toEqual([]);
  expect(entry?.picture?.cameraIndex).toBeUndefined();
  for (const { sensor, celsius } of entry?.temperatures ?? []) expect([sensor, celsius]).toEqual(["T1", undefined]);
});

test("a message of 10 MB in a metadata_manifest.json is cut, and safe", () => {
  const text = metadata({ collection_error: true, collection_error_msg: `${TERMINAL}${long}` });
  const [entry] = readEntries([file("metadata_manifest.json", text)], new Findings());
  expect(entry?.collectionError?.length).toBeLessThan(1500);
  expect(entry?.collectionError).not.toContain("\u001b");
});

test("lines of processing_results.jsonl that are no result", () => {
  const line = (label: string, value = "1") =>
    `{"image_filename":"a.png","image_analysis":[{"brightness":1e999,"contrast":1},{"ROI-label":${JSON.stringify(label)},"Analysis-method":"gaussian","mu":{"Median":${value}}}]}`;
  for (const text of [NESTED, OBJECTS, line(long), line(TERMINAL)]) expect(parseResultLine(text)).toBeUndefined();
  const kept = parseResultLine(line("1A", "1e999"));
  expect(kept).toMatchObject({ labels: ["1A"], brightness: Number.NaN });
  if (kept === undefined || kept === "failed") throw new Error("not kept");
  expect(kept.statistics.every((value) => Number.isNaN(value))).toBe(true);
});

describe("the program", () => {
  async function refused(args: readonly string[], directory: string): Promise<string> {
    const { code, stderr, stdout } = await phorest(args, directory);
    expect(code, stderr.slice(0, 500)).toBe(2);
    expect(stdout).toBe("");
    const lines = stderr.trim().split("\n");
    expect(lines, stderr.slice(0, 500)).toHaveLength(1);
    expectReadable(lines[0] ?? "");
    return lines[0] ?? "";
  }

  test.each(ROI_MANIFESTS.slice(0, 6))("run with %s", async (_, text, expected) => {
    const directory = experiment(QUICK_CONFIG);
    mkdirSync(join(directory, "generated_files"));
    writeFileSync(join(directory, "generated_files/ROI_manifest.json"), text);
    expect(await refused(["run", "--frames", "1"], directory)).toMatch(expected);
  });

  test("a configuration that never ends, an option of 100 kB, a metadata manifest that is nested", async () => {
    const directory = experiment(QUICK_CONFIG);
    expect(await refused(["config", "check", "--config", "/dev/zero"], directory)).toContain("too large");
    const option = ["analyse", "x".repeat(100_000)];
    expect(await refused([...option, "--rois", "nowhere.json"], directory)).toContain("nowhere.json");
    writeFileSync(join(directory, "metadata_manifest.json"), NESTED);
    expect(await refused(["import", directory], directory)).toContain("nested");
  });

  test("a line of results that never ends is passed over, and the rest is taken", async () => {
    const old = experiment();
    writeFileSync(
      join(old, "metadata_manifest.json"),
      metadata({ processing_status: "processed", camera_data: { filename: "a.png" } }),
    );
    const good = `{"image_filename":"a.png","image_analysis":[{"brightness":1,"contrast":1},{"ROI-label":"1A","Analysis-method":"gaussian"}]}`;
    writeFileSync(join(old, "processing_results.jsonl"), `"${"x".repeat(70e6)}"\n${good}\n${NESTED}\n`);
    const { code, stdout, stderr } = await phorest(["import", old, "--json"], experiment(QUICK_CONFIG));
    expect(code, stderr.slice(0, 500)).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ results: 1, resultLinesSkipped: 2 });
  });
});
