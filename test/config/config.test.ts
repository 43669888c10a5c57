import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkRunnable, keyNames, loadConfig, parseConfig, roiManifestPath } from "../../src/config/config.ts";
import { checkDirectories } from "../../src/config/directories.ts";
import { OUTPUT_METHODS } from "../../src/config/output-methods.ts";
import { Failure } from "../../src/failure/failure.ts";
import { packageRoot } from "../../src/system/files.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "phorest-config-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(text: string | Uint8Array, name = "config.toml"): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

/** As a message lists them, however many there are: "CSV_PLOT" or "OPC_UA". */
const QUOTED = OUTPUT_METHODS.map((name) => `"${name}"`);
const OUTPUT_NAMES = QUOTED.length === 2 ? QUOTED.join(" or ") : `one of ${QUOTED.join(", ")}`;

/** The lines of the Failure that `act` must throw. */
function problems(act: () => unknown): string[] {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.code).toBe("config.invalid");
    return error.message.split("\n");
  }
  throw new Error("nothing was wrong");
}

const wrong = (text: string): string[] => problems(() => parseConfig(text, directory));

describe("defaults", () => {
  test("without a file the built-in defaults apply, with the working directory as their base", () => {
    const { config, file, origins, text } = loadConfig(undefined, directory);
    expect(file).toBeUndefined();
    expect(text).toBe("");
    expect(config.Paths.data_dir).toBe(join(directory, "data"));
    expect(config.Camera.camera_type).toBe("simulated");
    expect(origins.size).toBe(keyNames().length);
  });

  test("config.toml in the working directory is taken without being named", () => {
    const file = write("[Buffer]\nimage_buffer_size = 7\n");
    const loaded = loadConfig(undefined, directory);
    expect(loaded.config.Buffer.image_buffer_size).toBe(7);
    expect(loaded.origins.get("Buffer.image_buffer_size")).toEqual({ kind: "file", file, line: 2 });
    expect(loaded.origins.get("Retries.collector_failure_limit")).toBe("default");
  });

  test("the simulated camera has its own defaults, given or implied, and the file wins over them", () => {
    for (const text of ["", '[Camera]\ncamera_type = "SIMULATED"\n']) {
      const { config, origins } = parseConfig(text, directory);
      expect(config.Services.enable_camera).toBe(true);
      expect(config.Timing.collector_interval_seconds).toBe(2);
      expect(config.Timing.communicator_interval_seconds).toBe(5);
      expect(config.Data_Analysis.number_of_subROIs).toBe(10);
      expect(origins.get("Timing.collector_interval_seconds")).toBe("simulated default");
    }
    const given = parseConfig("[Services]\nenable_camera = false\n", directory);
    expect(given.config.Services.enable_camera).toBe(false);
    expect(given.origins.get("Services.enable_camera")).toMatchObject({ kind: "file", line: 2 });
  });

  test("without a camera, images are measured as those of any real one", () => {
    const off = "[Services]\nenable_camera = false\n";
    const { config } = parseConfig(off, directory);
    expect(config.Data_Analysis.number_of_subROIs).toBe(1);
    expect(config.Analysis.baseline_seconds).toBe(1800);
    const named = parseConfig(`${off}[Camera]\ncamera_type = "simulated"\n`, directory);
    expect(named.config.Data_Analysis.number_of_subROIs).toBe(10);
  });

  test("every other camera has the established defaults", () => {
    const { config } = parseConfig('[Camera]\ncamera_type = "dummy"\n', directory);
    expect(config.Services.enable_camera).toBe(false);
    expect(config.Timing.collector_interval_seconds).toBe(300);
    expect(config.Timing.communicator_interval_seconds).toBe(60);
    expect(config.Data_Analysis.number_of_subROIs).toBe(1);
  });

  test("the settings cannot be changed after loading", () => {
    const { config } = loadConfig(undefined, directory);
    expect(() => Object.assign(config.Timing, { collector_interval_seconds: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.Communication.method, { 0: "OPC_UA" })).toThrow(TypeError);
    expect(() => Object.assign(config.Temperature.thermocouple_sensors, { a: "b" })).toThrow(TypeError);
  });
});

describe("an established Phorest_config.toml", () => {
  const established = readFileSync(join(packageRoot(), "test/config/established/Phorest_config.toml"), "utf8");

  test("loads with its values unchanged, apart from letter case and old spellings", () => {
    const { config, warnings } = parseConfig(established, directory);
    expect(config.Data_Analysis).toMatchObject({ method: "fano", number_of_subROIs: 0 });
    expect(config.Camera).toMatchObject({ camera_type: "dummy", camera_exposure: -0.3, camera_gain: 12 });
    expect(config.Camera.camera_transform).toBe("ROTATE_90_COUNTERCLOCKWISE");
    expect(config.Communication.method).toEqual(["CSV_PLOT"]);
    expect(config.Retries.collector_retry_delay_seconds).toBe(0.5);
    expect(config.Temperature.thermocouple_sensors).toEqual({
      "28-00000a1b2c3d": "Flow cell",
      "28-00000a1b2c3e": "Lab",
    });
    expect(config.Storage.usb_uuid).toBeUndefined();
    expect(warnings).toEqual(["configuration: [Flags] is ignored: phorest does not use flag files"]);
  });

  test("loads alike with carriage returns and a byte order mark", () => {
    const file = write(`\ufeff${established.replaceAll("\n", "\r\n")}`);
    const { config, origins } = loadConfig(file);
    expect(config).toEqual(parseConfig(established, directory).config);
    expect(origins.get("Data_Analysis.method")).toMatchObject({ line: 3 });
  });

  test.each([
    ["ROTATE_90", "ROTATE_90_CLOCKWISE"],
    ["rotate_270", "ROTATE_90_COUNTERCLOCKWISE"],
    ["Horizontal_Flip", "HORIZONTAL_FLIP"],
  ])("camera_transform %s means %s", (given, meant) => {
    expect(parseConfig(`[Camera]\ncamera_transform = "${given}"\n`, directory).config.Camera.camera_transform).toBe(
      meant,
    );
  });

  test("[Brightfield] takes from [Camera] what it does not override", () => {
    const text = "[Camera]\ncamera_id = 2\ncamera_gain = 1.5\n[Brightfield]\ncamera_gain = 0.25\n";
    const { config, origins } = parseConfig(text, directory);
    expect(config.Brightfield).toMatchObject({ camera_id: 2, camera_gain: 0.25 });
    expect(config.Brightfield.camera_exposure).toBeUndefined();
    expect(origins.get("Brightfield.camera_id")).toMatchObject({ line: 2 });
  });

  test("Retries wins over Timing for the retry delay, and says so", () => {
    const text = "[Timing]\ncollector_retry_delay_seconds = 3\n[Retries]\ncollector_retry_delay_seconds = 4\n";
    const { config, warnings } = parseConfig(text, directory);
    expect(config.Retries.collector_retry_delay_seconds).toBe(4);
    expect(warnings[0]).toContain("Timing.collector_retry_delay_seconds is ignored");
  });

  test("what a camera type needs and lacks is a warning, and refused where a run would need it", () => {
    const lacking = parseConfig(
      '[Camera]\ncamera_type = "Command"\nwidth = 5\n[Services]\nenable_camera = true',
      "/lab",
    );
    expect(lacking.warnings).toHaveLength(2);
    expect(problems(() => checkRunnable(lacking))).toEqual([
      expect.stringContaining("Camera.command is missing"),
      expect.stringContaining("Camera.width and Camera.height belong together"),
    ]);
    const asking = `[Camera]\ncamera_type = "command"\ncommand = ["x", "--gain={gain}", "{exposure}"]\ncamera_gain = 2\n`;
    expect(problems(() => checkRunnable(parseConfig(`${asking}[Services]\nenable_camera = true`, "/lab")))).toEqual([
      expect.stringContaining("Camera.command uses {exposure}: set Camera.camera_exposure"),
    ]);
    const known = parseConfig('[Camera]\ncamera_type = "TIS"\n[Services]\nenable_camera = true', "/lab");
    expect(known.warnings).toEqual([]);
    checkRunnable(known);
  });

  test("brightfield pictures may not lie with the frames", () => {
    const mixed = parseConfig('[Paths]\nbrightfield_dir = "data"\n[Services]\nenable_brightfield = true', "/lab");
    expect(() => checkRunnable(mixed)).toThrow("Paths.brightfield_dir must be a separate directory");
  });

  test("plots may not lie with the frames, nor around them where everything there goes to a share", () => {
    const mixed = parseConfig('[Paths]\nresults_dir = "data"', "/lab");
    expect(mixed.warnings).toHaveLength(1);
    expect(() => checkRunnable(mixed)).toThrow("Paths.results_dir must be another directory than Paths.data_dir");
    const around = '[Assets]\ngenerated_files_dir = "."\n[Services]\nenable_remote_sync =';
    checkRunnable(parseConfig(`${around} false`, "/lab"));
    expect(() => checkRunnable(parseConfig(`${around} true`, "/lab"))).toThrow(
      "generated_files_dir must not contain Paths.data_dir",
    );
    checkRunnable(
      parseConfig('[Paths]\ndata_dir = "."\nremote_root_dir = "/mnt"\n[Services]\nenable_remote_sync = true', "/lab"),
    );
  });
});

test("an output or a source that cannot work is valid to load, warned of, and refused by a run", () => {
  const opcUa = parseConfig('[Communication]\nmethod = ["CSV_PLOT", "opc_ua"]\n', directory);
  expect(opcUa.warnings[0]).toContain("OPC_UA");
  expect(problems(() => checkRunnable(opcUa))[0]).toContain("Communication.method");
  const folder = parseConfig('[Camera]\ncamera_type = "folder"\n[Services]\nenable_camera = true\n', directory);
  expect(problems(() => checkRunnable(folder))[0]).toContain("watch_dir");
});

describe("paths", () => {
  test("start at the file's directory, those of the experiment at root_dir", () => {
    mkdirSync(join(directory, "settings"));
    const file = write('[Paths]\nroot_dir = "../experiment"\nresults_dir = "/elsewhere"\n', "settings/lab.toml");
    const { config } = loadConfig(join("settings", "lab.toml"), directory);
    expect(loadConfig(file).config).toEqual(config);
    expect(config.Paths.root_dir).toBe(join(directory, "experiment"));
    expect(config.Paths.data_dir).toBe(join(directory, "experiment", "data"));
    expect(config.Paths.results_dir).toBe("/elsewhere");
    expect(config.Paths.remote_root_dir).toBe(join(directory, "settings", "remote"));
    expect(roiManifestPath(config)).toBe(join(directory, "settings", "generated_files", "ROI_manifest.json"));
  });

  test("may start at the home directory", () => {
    expect(parseConfig('[Paths]\nroot_dir = "~/chip"\n', directory).config.Paths.root_dir).toBe(
      join(homedir(), "chip"),
    );
  });

  test("the directories of a run are made", () => {
    const { config } = parseConfig('[Paths]\nroot_dir = "new/deep"\n', directory);
    checkDirectories(config);
    checkDirectories(config);
    const { data_dir, logs_dir, results_dir } = config.Paths;
    for (const path of [data_dir, logs_dir, results_dir]) expect(statSync(path).isDirectory(), path).toBe(true);
  });

  test("a file where a directory is needed is named with its setting", () => {
    write("", "data");
    const { config } = parseConfig("", directory);
    expect(problems(() => checkDirectories(config))).toEqual([
      `Paths.data_dir = "${join(directory, "data")}": is a file, not a directory`,
    ]);
    const inside = parseConfig('[Paths]\nlogs_dir = "data/logs"\n', directory).config;
    expect(problems(() => checkDirectories(inside))[1]).toMatch(
      /Paths\.logs_dir = .*a part of the path is a file, not a directory/,
    );
  });
});

describe("mistakes", () => {
  test("all are found at once, each on a line with file, line, key, value and cure", () => {
    const file = write(
      [
        "[Data_Analysis]",
        'method = "gausian"',
        "number_of_subROIs = -1",
        "[Timming]",
        "collector_interval_seconds = 5",
        "[Timing]",
        "colector_interval_seconds = 5",
        "sync_interval_seconds = 0",
        "image_buffer_size = 3",
        "[Services]",
        'enable_camera = "yes"',
        "[Camera]",
        "camera_id = 1.5",
        "camera_gain = nan",
      ].join("\n"),
      "lab.toml",
    );
    expect(problems(() => loadConfig(file))).toEqual([
      `${file}:2: Data_Analysis.method = "gausian": must be one of "max_intensity", "centre", "gaussian", "fano", "joint", "tracking"; did you mean "gaussian"?`,
      `${file}:3: Data_Analysis.number_of_subROIs = -1: must be a whole number from 0 to 65535`,
      `${file}:4: [Timming]: unknown section; did you mean [Timing]?`,
      `${file}:7: Timing.colector_interval_seconds = 5: unknown setting; did you mean "collector_interval_seconds"?`,
      `${file}:8: Timing.sync_interval_seconds = 0: must be a number greater than 0 (seconds)`,
      `${file}:9: Timing.image_buffer_size = 3: unknown setting here; it belongs in section [Buffer]`,
      `${file}:11: Services.enable_camera = "yes": must be true or false`,
      `${file}:13: Camera.camera_id = 1.5: must be a whole number, at least 0`,
      `${file}:14: Camera.camera_gain = NaN: must be a number`,
    ]);
  });

  test.each([
    ["method = 'fano'", 'method = "fano": unknown setting here; it belongs in section [Data_Analysis]'],
    ["Timing = 5", "Timing = 5: must be a section, written [Timing]"],
    ["[[Timing]]\nsync_interval_seconds = 3", 'Timing = [{"sync_interval_seconds":3}]: must be a section'],
    ["__proto__ = 1", "__proto__ = 1: unknown setting"],
    ["[Camera.__proto__]\ncamera_id = 1", 'Camera.__proto__ = {"camera_id":1}: unknown setting'],
    ["[constructor]\na = 1", "[constructor]: unknown section"],
    ["[Camera]\ntoString = 1", "Camera.toString = 1: unknown setting"],
    ["[Timing]\nsync_interval_seconds = inf", "Timing.sync_interval_seconds = Infinity: must be a number"],
    ["[Camera]\ncamera_id = 9007199254740993", "Camera.camera_id = 9007199254740993: must be a whole number"],
    ["[Camera]\ncamera_id = 2020-01-01", 'Camera.camera_id = "2020-01-01": must be a whole number'],
    ['[Paths]\ndata_dir = "a\\u0000b"', 'Paths.data_dir = "a\\u0000b": must not contain a NUL character'],
    ["[Temperature]\nthermocouple_sensors = 3", 'must be a table of "serial number" = "name"'],
    ['[Temperature.thermocouple_sensors]\n"28-a" = 3', 'must be a table of "serial number" = "name"'],
    ["[Communication]\nmethod = []", `Communication.method = []: must be ${OUTPUT_NAMES}, or a list of them`],
    ["[Communication]\nmethod = ['csv_plot', 'OPCUA']", 'did you mean "OPC_UA"?'],
    [
      "[Timing]\ncollector_retry_delay_seconds = -1",
      ":2: Retries.collector_retry_delay_seconds = -1: must be a number, at least 0",
    ],
    ["[Timing\n", "not valid TOML"],
    [
      "[Timing]\na = 1\na = 2\n",
      "configuration:3: not valid TOML, column 1: trying to redefine an already defined table or value: a = 2",
    ],
  ])("%j is refused", (text, line) => {
    const lines = wrong(text);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(line);
  });

  test("a file that is named but cannot be read is one plain line", () => {
    const missing = join(directory, "none.toml");
    expect(problems(() => loadConfig(missing))).toEqual([`${missing}: no such file`]);
    expect(problems(() => loadConfig(directory))).toEqual([`${directory}: is a directory, not a file`]);
    const binary = write(new Uint8Array([0x61, 0xff, 0xfe]), "binary.toml");
    expect(problems(() => loadConfig(binary))).toEqual([`${binary}: is not UTF-8 text`]);
  });

  test("a config.toml that leads nowhere is not taken for an absent one", () => {
    symlinkSync("gone.toml", join(directory, "config.toml"));
    expect(problems(() => loadConfig(undefined, directory))[0]).toContain("no such file");
  });
});
