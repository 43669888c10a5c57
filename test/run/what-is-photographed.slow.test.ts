// Nobody takes the simulated chip's pictures for those of a camera: every start says what it photographs and where this was
// set, and what is made of simulated frames says so.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encodePicture } from "../../src/image/encode.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { experiment, phorest, QUICK_CONFIG } from "./program.ts";

const WITHOUT_CAMERA_TYPE = QUICK_CONFIG.replace('camera_type = "simulated"', "");
const ONE_FRAME = ["run", "--frames", "1", "--until-idle"];
const COMPUTED = "simulated chip: the images are computed; no camera is in use";
const logOf = (directory: string) => readFileSync(join(directory, "logs/supervisor.log"), "utf8");
const lineOf = (text: string, start: RegExp) => text.split("\n").filter((line) => start.test(line));

/** The configuration of a camera of another type, which replays one picture of the simulated chip; and its ROIs. */
async function replaying(directory: string): Promise<string> {
  const inputs = join(directory, "inputs");
  mkdirSync(inputs);
  const simulator = createSimulator({ width: 640, height: 480 });
  writeFileSync(join(inputs, "frame.png"), await encodePicture(simulator.render(0, 0), "png"));
  mkdirSync(join(directory, "generated_files"), { recursive: true });
  const rois = join(directory, "generated_files/ROI_manifest.json");
  if (!existsSync(rois)) writeFileSync(rois, formatRoiManifest(simulator.roiManifest()));
  const camera = QUICK_CONFIG.replace('"simulated"', '"dummy"\ndummy_path = "inputs"');
  return `${camera}[Services]\nenable_camera = true\n`;
}

describe("a start logs one line that names the camera and where it was set", () => {
  test("by a file: its name and line", async () => {
    const directory = experiment(WITHOUT_CAMERA_TYPE);
    const config = await replaying(directory);
    writeFileSync(join(directory, "lab.toml"), config);
    const line = config.split("\n").findIndex((text) => text.startsWith("camera_type")) + 1;
    const { code, stderr } = await phorest([...ONE_FRAME, "--config", "lab.toml"], directory);
    expect(code, stderr).toBe(0);
    const said = lineOf(logOf(directory), /camera:/);
    expect(said).toEqual([
      expect.stringContaining(
        `camera: dummy (Camera.camera_type: set in lab.toml:${line}, the file that --config names)`,
      ),
    ]);
  });

  test("by nothing: that it is the default, as a warning", async () => {
    const directory = experiment(WITHOUT_CAMERA_TYPE);
    const { code, stderr } = await phorest(ONE_FRAME, directory);
    expect(code, stderr).toBe(0);
    const said = lineOf(logOf(directory), /camera:/);
    expect(said).toEqual([
      expect.stringContaining(
        `camera: ${COMPUTED} (Camera.camera_type: the default, because config.toml does not set it)`,
      ),
    ]);
    expect(said[0]).toMatch(/warn/i);
  });
});

test("a start logs that the camera is switched off, and where this was set", async () => {
  const directory = experiment(`${QUICK_CONFIG}[Services]\nenable_camera = false\n`);
  const { code, stderr } = await phorest(["run", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
  const line = QUICK_CONFIG.split("\n").length + 1;
  expect(stderr).toContain(`no images are captured (Services.enable_camera: set in config.toml:${line})`);
});

describe("a run without a configuration of its camera", () => {
  test("says that there is none", async () => {
    // Its images are large and its plot is drawn: a busy machine has no time for that between a signal and the end.
    const { code, stderr } = await phorest([...ONE_FRAME, "--roi", "001A*"], experiment());
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("the default, because there is no config.toml here");
  });

  test.each(["1", "yes"])(
    "is refused with PHOREST_REQUIRE_CONFIG=%s: exit code 2, one line with the cure, nothing made",
    async (value) => {
      const directory = experiment();
      const { code, stdout, stderr } = await phorest(["run"], directory, { PHOREST_REQUIRE_CONFIG: value });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr.trimEnd().split("\n")).toEqual([
        expect.stringMatching(/config\.toml does not exist, and PHOREST_REQUIRE_CONFIG .*phorest config docs --toml/),
      ]);
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  test.each(["", "[Web]\nport = 0\n", "[Camera]\nbits = 8\n"])(
    "is refused in the same way where the file names no camera: %j",
    async (text) => {
      const directory = experiment(text);
      const { code, stdout, stderr } = await phorest(["run"], directory, { PHOREST_REQUIRE_CONFIG: "1" });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr.trimEnd().split("\n")).toEqual([
        expect.stringMatching(
          /config\.toml does not set Camera\.camera_type, and PHOREST_REQUIRE_CONFIG .*phorest cameras/,
        ),
      ]);
      expect(readdirSync(directory)).toEqual(["config.toml"]);
    },
  );

  test("is none with one, found or named", async () => {
    const directory = experiment(QUICK_CONFIG);
    const found = await phorest(ONE_FRAME, directory, { PHOREST_REQUIRE_CONFIG: "1" });
    expect(found.code, found.stderr).toBe(0);
    const elsewhere = experiment();
    writeFileSync(join(elsewhere, "lab.toml"), QUICK_CONFIG);
    const named = await phorest([...ONE_FRAME, "--config", "lab.toml"], elsewhere, { PHOREST_REQUIRE_CONFIG: "1" });
    expect(named.code, named.stderr).toBe(0);
  });
});

test.each([
  [
    "an ROI pattern that matches nothing",
    'camera_type = "simulated"',
    ["--roi", "zz*"],
    /^--roi: no ROI is named "zz\*"/,
  ],
  ["missing ROIs", 'camera_type = "file_importer"', [], /ROI_manifest\.json/],
  ["a table of times that is not there", 'camera_type = "file_importer"\ntimes_file = "none.csv"', [], /none\.csv/],
])("a new experiment that is refused for %s leaves nothing", async (_, camera, words, message) => {
  const directory = experiment(QUICK_CONFIG.replace('camera_type = "simulated"', camera));
  const { code, stderr } = await phorest(["run", "--frames", "1", ...words], directory);
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  expect(readdirSync(directory)).toEqual(["config.toml"]);
});

test("what is made of simulated frames says so, beside those of a camera too; the established CSV stays as it is", async () => {
  // The same analysis for both cameras; the simulated one has another default.
  const analysis = "[Data_Analysis]\nnumber_of_subROIs = 2\n";
  const directory = experiment(`${QUICK_CONFIG}${analysis}`);
  const run = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await phorest(words, directory);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const rows = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.split(","));
  await run("run", "--frames", "2", "--until-idle");
  expect(lineOf(await run("status"), /^camera/)).toEqual([`camera        ${COMPUTED}`]);
  expect(JSON.parse(await run("status", "--json")).camera).toEqual({ type: "simulated", simulated: true });
  expect(await run("health", "--metrics")).toContain("phorest_camera_simulated 1");
  const before = rows(await run("sensorgram", "--roi", "*_N"));
  expect(before[0]?.at(-1)).toBe("simulated");
  expect(new Set(before.slice(1).map((row) => row.at(-1)))).toEqual(new Set(["yes"]));

  const camera = await replaying(directory);
  writeFileSync(join(directory, "config.toml"), `${camera}${analysis}`);
  await run("run", "--frames", "3", "--until-idle");
  expect(lineOf(await run("status"), /^camera/)).toEqual(["camera        dummy"]);
  expect(await run("health", "--metrics")).toContain("phorest_camera_simulated 0");
  const [header = [], ...lines] = rows(await run("sensorgram", "--roi", "*_N"));
  expect(header.at(-1)).toBe("simulated");
  const label = lines[0]?.[1];
  expect(lines.filter((row) => row[1] === label).map((row) => row.at(-1))).toEqual(["yes", "yes", "", "", ""]);
  const curve = JSON.parse((await run("sensorgram", "--roi", label ?? "", "--json")).split("\n")[0] ?? "");
  expect(curve.simulated).toEqual([true, true, false, false, false]);

  // The runs were told to draw no plot; a report has one in any case.
  expect(existsSync(join(directory, "results/processed_data_plot.svg"))).toBe(false);
  await run("report");
  const result = (name: string) => readFileSync(join(directory, "results", name), "utf8");
  expect(rows(result("noise_and_drift.csv"))[0]?.at(-1)).toBe("simulated");
  expect(result("report.html")).toContain("Simulated chip.");
  expect(result("processed_data_plot.svg")).toContain("(2 of 5 frames: simulated chip)");
  for (const text of [result("communicating_results.csv"), await run("export", "--format", "csv")]) {
    expect(text).not.toMatch(/simulated/i);
  }

  // With other settings the camera's frames have an analysis, and so curves, of their own.
  writeFileSync(join(directory, "config.toml"), camera);
  await run("run", "--frames", "2", "--until-idle");
  expect(rows(await run("sensorgram"))[0]).not.toContain("simulated");
});

test("what a camera took is not called simulated", async () => {
  const directory = experiment();
  writeFileSync(join(directory, "config.toml"), await replaying(directory));
  const { code, stderr } = await phorest(ONE_FRAME, directory);
  expect(code, stderr).toBe(0);
  const { stdout } = await phorest(["sensorgram"], directory);
  expect(stdout.split("\n").length).toBeGreaterThan(2);
  expect(stdout.split("\n")[0]).not.toContain("simulated");
});
