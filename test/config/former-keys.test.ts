import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkText, docsText } from "../../src/commands/config.ts";
import { keyNames, loadConfig, parseConfig, roiManifestPath } from "../../src/config/config.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** Every key that the established system has had and that is no key here. */
type Now = readonly [section: string, key: string, effective: string | number | boolean];
const FORMER: readonly (readonly [section: string, key: string, value: string, now?: Now])[] = [
  [
    "Assets",
    "roi_manifest_filename",
    '"ROI_manifest_FULL.json"',
    ["Paths", "roi_manifest_filename", "ROI_manifest_FULL.json"],
  ],
  ["Data_Analysis", "number_sub_rois", "7", ["Data_Analysis", "number_of_subROIs", 7]],
  ["Paths", "log_dir", '"protocol"', ["Paths", "logs_dir", "/lab/protocol"]],
  ["Camera", "camera", "true", ["Services", "enable_camera", true]],
  ["Temperature", "thermocouple", "true", ["Services", "enable_thermocouple", true]],
  ["Brightfield", "brightfield", "true", ["Services", "enable_brightfield", true]],
  ["Timing", "enable_image_compression", "true", ["Services", "enable_image_compression", true]],
  ["Timing", "collector_retry_delay_seconds", "3", ["Retries", "collector_retry_delay_seconds", 3]],
  ["Parameters", "camera_index", "4", ["Camera", "camera_id", 4]],
  ["Parameters", "exposure", "30", ["Camera", "camera_exposure", 30]],
  ["Parameters", "gain", "1.5", ["Camera", "camera_gain", 1.5]],
  ["Parameters", "brightness", "50", ["Camera", "camera_brightness", 50]],
  ["Parameters", "contrast", "51", ["Camera", "camera_contrast", 51]],
  ["Paths", "flag_dir", '"flags"'],
  ["Timing", "poll_interval_seconds", "2"],
  ["Temperature", "thermocouple_id", '["0", "1"]'],
  ["Camera", "camera_resolution", '"640x480"'],
];

const CASES = FORMER.map(([section, key, value, now]) => ({ section, key, value, now }));
const load = (text: string) => parseConfig(text, "/lab");
const others = (warnings: readonly string[]) => warnings.filter((line) => !line.includes("camera_type"));

describe("a key of an earlier version of the established system", () => {
  test.each(CASES)("$section.$key = $value loads", ({ section, key, value, now }) => {
    const { config, warnings, origins } = load(`[${section}]\n${key} = ${value}\n`);
    if (now === undefined) {
      expect(others(warnings)).toEqual([expect.stringContaining(`: ${section}.${key} has no effect: `)]);
      return;
    }
    const [nowSection, nowKey, effective] = now;
    expect(config).toMatchObject({ [nowSection]: { [nowKey]: effective } });
    expect(origins.get(`${nowSection}.${nowKey}`)).toMatchObject({ line: 2 });
    expect(others(warnings)).toEqual([]);
  });

  test.each(CASES.filter(({ now }) => now !== undefined))(
    "$section.$key gives way to the present key",
    ({ section, key, now }) => {
      const [nowSection, nowKey] = now ?? ["", "", ""];
      const isPath = nowKey.endsWith("_dir") || nowKey.endsWith("_filename");
      const [present, wrong] = isPath
        ? ['"kept"', '"other"']
        : nowSection === "Services"
          ? ["false", "true"]
          : ["1", "2"];
      const text =
        section === nowSection
          ? `[${section}]\n${key} = ${wrong}\n${nowKey} = ${present}\n`
          : `[${section}]\n${key} = ${wrong}\n[${nowSection}]\n${nowKey} = ${present}\n`;
      const { config, warnings } = load(text);
      expect(others(warnings)).toEqual([
        `configuration: ${section}.${key} is ignored because [${nowSection}] sets ${nowKey} too`,
      ]);
      expect(config).toEqual(load(`[${nowSection}]\n${nowKey} = ${present}\n`).config);
    },
  );

  test.each([
    ["generated_files/ROI_manifest.json", "", "/lab/generated_files/ROI_manifest.json", []],
    ["generated_files/R.json", '[Assets]\ngenerated_files_dir = "generated_files/"', "/lab/generated_files/R.json", []],
    ["ROI_manifest.json", "", "/lab/ROI_manifest.json", []],
    ["/data/R.json", "", "/data/R.json", []],
    ["a/R.json", '[Assets]\ngenerated_files_dir = "b"', "/lab/a/R.json", ["Assets.generated_files_dir is ignored"]],
    [
      "a/R.json",
      '[Paths]\nroi_manifest_filename = "S.json"',
      "/lab/generated_files/S.json",
      ["roi_manifest_path is ignored"],
    ],
  ])("Data_Analysis.roi_manifest_path = %s names the ROI manifest (%s)", (path, more, expected, said) => {
    const { config, warnings } = load(`[Data_Analysis]\nroi_manifest_path = "${path}"\n${more}\n`);
    expect(roiManifestPath(config)).toBe(expected);
    expect(others(warnings)).toEqual(said.map((line) => expect.stringContaining(line)));
  });

  test("a wrong value of it is named by its line", () => {
    expect(() => load("\n[Camera]\ncamera = 5\n")).toThrow("configuration:3: Services.enable_camera = 5: must be true");
  });

  test("is in the reference, and is no key of the present", () => {
    for (const [section, key] of FORMER) {
      expect(docsText()).toContain(`| \`${section}.${key}\` |`);
      expect(keyNames().map((name) => name.join("."))).not.toContain(`${section}.${key}`);
    }
  });
});

test("a config.ini loads like the same settings in TOML", () => {
  const file = join(temporaryDirectory("ini"), "config.ini");
  const ini = `[Data_Analysis]
; method: max_intensity
method = gaussian
number_of_subROIs = 0  # use 0 to indicate all rows
[Paths]
data_dir = data
[Camera]
camera = true
camera_type = dummy ; or tis
camera_exposure = 166
camera_transform = ROTATE_180
[Temperature]
thermocouple = False
thermocouple_id = ['0', '1']
thermocouple_sensors = {'28-00000a1b2c3d': 'Sensor 1', '28-00000a1b2c3e': 'Sensor 2'}
`;
  writeFileSync(file, ini.replaceAll("\n", "\r\n"));
  const { config, warnings } = loadConfig(file);
  expect(config.Data_Analysis).toMatchObject({ method: "gaussian", number_of_subROIs: 0 });
  expect(config.Services).toMatchObject({ enable_camera: true, enable_thermocouple: false });
  expect(config.Camera).toMatchObject({ camera_type: "dummy", camera_exposure: 166, camera_transform: "ROTATE_180" });
  expect(config.Temperature.thermocouple_sensors).toEqual({
    "28-00000a1b2c3d": "Sensor 1",
    "28-00000a1b2c3e": "Sensor 2",
  });
  expect(warnings.join()).toContain("Temperature.thermocouple_id has no effect");
  writeFileSync(file, "[Camera]\n; an older file\ncamera_type = nikon\n");
  expect(() => loadConfig(file)).toThrow(/config.ini:3: Camera.camera_type = "nikon": must be one of/);
});

test("config check of a former file says what has no effect, and that it is valid", () => {
  const loaded = load('[Paths]\nflag_dir = "flags"\n[Assets]\nroi_manifest_filename = "R.json"\n');
  expect(checkText(loaded)).toBe(
    "warning: configuration: Paths.flag_dir has no effect: phorest does not use flag files\nbuilt-in defaults: valid",
  );
});
