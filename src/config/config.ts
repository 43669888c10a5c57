// The effective settings: what the file says, what the defaults add, and where each value came from.
import { lstatSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import { readable } from "../failure/quote.ts";
import { QUANTITIES } from "../measurement/method.ts";
import { withEnvironment } from "./environment.ts";
import { NOTES } from "./key.ts";
import type { Loaded, Origin } from "./loaded.ts";
import { schemaNode } from "./node.ts";
import { parseValueName, quantityColumn } from "./opcua-value-name.ts";
import { problemLines } from "./problem.ts";
import { type Config, SCHEMA, type SectionName } from "./schema.ts";
import { checkWantedShare } from "./share.ts";
import { PROFILE_BITS } from "./simulation-section.ts";
import { parseToml, readToml, shownPath, type Table, type TomlFile } from "./toml-file.ts";

/**
 * Loads the settings: of `path`, else of config.toml in `cwd`, else the built-in defaults with `cwd` as their base.
 * Throws Failure config.invalid with one line for every problem found.
 */
export function loadConfig(path: string | undefined, cwd: string = process.cwd()): Loaded {
  const file = resolve(cwd, path ?? "config.toml");
  const absent = path === undefined && lstatSync(file, { throwIfNoEntry: false }) === undefined;
  const loaded = absent ? parseConfig("", cwd) : parseConfig(readToml(file), dirname(file), file);
  return withEnvironment(loaded, process.env);
}

/**
 * Settings from a TOML text. Relative paths resolve against `directory`; `file` (absolute) is what messages and origins
 * name. Throws Failure config.invalid with one line for every problem found.
 */
export function parseConfig(text: string, directory: string, file?: string): Loaded {
  const shown = file === undefined ? "configuration" : shownPath(file);
  const given = parseToml(text, shown);
  const warnings: string[] = [];
  const lines = new Map(given.lines);
  const table = prepare(given, lines, (line) => warnings.push(readable(`${shown}: ${line}`)));
  const simulated = addSimulatedDefaults(table);
  const parsed = SCHEMA.safeParse(table);
  if (!parsed.success) {
    const problems = problemLines(parsed.error.issues, { shown, table, lines, root: schemaNode(SCHEMA) });
    throw new Failure("config.invalid", problems.join("\n"));
  }
  const origins = new Map<string, Origin>();
  for (const [section, name] of keyNames()) {
    const full = `${section}.${name}`;
    if (simulated.has(full)) origins.set(full, "simulated default");
    else if (!Object.hasOwn(table[section] ?? {}, name)) origins.set(full, "default");
    else origins.set(full, { kind: "file", file: file ?? shown, line: lines.get(full) ?? lines.get(section) });
  }
  const config: Config = parsed.data;
  fillBrightfield(parsed.data, origins);
  resolvePaths(parsed.data, directory);
  warnings.push(...doubts(config).map((line) => readable(`${shown}: ${line}`)));
  return { config: freeze(config), origins, warnings, file, text };
}

/** Every section and key there is, in the order of the reference. */
export function keyNames(): [SectionName, string][] {
  const sections = Object.keys(SCHEMA.shape) as SectionName[];
  return sections.flatMap((section) =>
    Object.keys(SCHEMA.shape[section].shape).map((name): [SectionName, string] => [section, name]),
  );
}

/**
 * Refuses, before anything is started, what the settings may say but this build cannot do yet.
 * Throws Failure config.invalid.
 */
export function checkRunnable(loaded: Loaded): void {
  const { config, file } = loaded;
  const { Services } = config;
  const where = file === undefined ? "configuration" : shownPath(file);
  const reasons = [
    ...(Services.enable_camera ? cameraProblems(config) : []),
    ...(Services.enable_brightfield ? brightfieldProblems(config) : []),
    ...sharedDirectories(config),
    ...lacksOfOpcUa(config),
  ];
  if (reasons.length > 0) {
    throw new Failure("config.invalid", reasons.map((reason) => `${where}: ${reason}`).join("\n"));
  }
  checkWantedShare(loaded);
}

/** The file that says where the ROIs are. */
export function roiManifestPath(config: Config): string {
  return join(config.Assets.generated_files_dir, config.Paths.roi_manifest_filename);
}

/** The given table with every section present, old places of keys moved to the present ones, nothing else changed. */
function prepare({ table: given }: TomlFile, lines: Map<string, number>, warn: (line: string) => void): SectionTables {
  const table: SectionTables = { ...given };
  for (const section of Object.keys(SCHEMA.shape)) {
    const content = Object.hasOwn(given, section) ? given[section] : {};
    table[section] = isTable(content) ? { ...content } : content;
  }
  const delay = "collector_retry_delay_seconds";
  const { Timing, Retries } = table;
  if (isTable(Timing) && isTable(Retries) && Object.hasOwn(Timing, delay)) {
    if (Object.hasOwn(Retries, delay)) warn(`Timing.${delay} is ignored because [Retries] sets it too`);
    else {
      Retries[delay] = Timing[delay];
      const line = lines.get(`Timing.${delay}`);
      if (line !== undefined) lines.set(`Retries.${delay}`, line);
    }
    delete Timing[delay];
  }
  if (isTable(table.Flags) && Object.keys(table.Flags).length > 0) {
    warn("[Flags] is ignored: phorest does not use flag files");
  }
  return table;
}

type SectionTables = Record<string, unknown>;

/** Adds the defaults of the simulated camera where it is the effective one; returns the names of the keys added. */
function addSimulatedDefaults(table: SectionTables): Set<string> {
  const added = new Set<string>();
  const given = isTable(table.Camera) ? table.Camera.camera_type : undefined;
  if (SCHEMA.shape.Camera.shape.camera_type.safeParse(given).data !== "simulated") return added;
  for (const [section, name] of keyNames()) {
    const content = table[section];
    const shape: Record<string, Parameters<typeof NOTES.get>[0]> = SCHEMA.shape[section].shape;
    const type = shape[name];
    const value = type === undefined ? undefined : NOTES.get(type)?.simulatedDefault;
    if (value === undefined || !isTable(content) || Object.hasOwn(content, name)) continue;
    content[name] = value;
    added.add(`${section}.${name}`);
  }
  return added;
}

type Writable = { -readonly [S in SectionName]: Config[S] };

/** What the brightfield picture does not override is the camera's. */
function fillBrightfield(config: Writable, origins: Map<string, Origin>): void {
  const { Camera, Brightfield } = config;
  const names = ["camera_id", "camera_exposure", "camera_gain", "camera_brightness", "camera_contrast"] as const;
  const filled: { -readonly [K in keyof typeof Brightfield]: (typeof Brightfield)[K] } = { ...Brightfield };
  for (const name of names) {
    if (filled[name] !== undefined) continue;
    filled[name] = Camera[name];
    origins.set(`Brightfield.${name}`, origins.get(`Camera.${name}`) ?? "default");
  }
  config.Brightfield = filled;
}

function resolvePaths(config: Writable, directory: string): void {
  const root = resolve(directory, atHome(config.Paths.root_dir));
  for (const [section, node] of Object.entries(schemaNode(SCHEMA).properties ?? {})) {
    const content = config[section as SectionName] as Table;
    for (const [name, { relativeTo, words = [] }] of Object.entries(node.properties ?? {})) {
      const value = content[name];
      if (relativeTo === undefined) continue;
      const absolute = (path: string) => resolve(relativeTo === "root" ? root : directory, atHome(path));
      if (typeof value === "string" && !words.includes(value)) content[name] = absolute(value);
      else if (Array.isArray(value)) content[name] = value.map((path) => absolute(String(path)));
    }
  }
}

/** Nobody means a directory named "~". */
function atHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}

/** What is valid, and yet worth a line. */
function doubts(config: Config): string[] {
  const { Temperature, Alarm } = config;
  const lines = [
    ...cameraProblems(config),
    ...sharedDirectories(config),
    ...lacksOfOpcUa(config),
    ...doubtsOfOpcUa(config),
  ];
  const names = sensorNames(Temperature).map((name) => name.toLowerCase().replaceAll(" ", "_"));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    lines.push(`Temperature: two sensors have the same column temperature_${twice}; give each its own name`);
  }
  const { resonance_min_px: low, resonance_max_px: high } = Alarm;
  if (low !== undefined && high !== undefined && low >= high) {
    lines.push("Alarm.resonance_min_px is not below Alarm.resonance_max_px, so every position would be an alarm");
  }
  return lines;
}

const NO_WATCH_DIR = 'Camera.watch_dir is missing: camera_type = "folder" needs the directory to watch';

/** What a camera of this type needs and the file does not give. */
function cameraProblems({ Camera, Simulation }: Config): string[] {
  const { camera_type: type, width, height } = Camera;
  const lines: string[] = [];
  if (type === "folder" && Camera.watch_dir === undefined) lines.push(NO_WATCH_DIR);
  if (type === "command" && Camera.command.length === 0) lines.push(NO_COMMAND);
  if ((width === undefined) !== (height === undefined)) lines.push(HALF_SIZE);
  if (type === "command" && Camera.command_format !== "picture" && width === undefined) lines.push(NO_SIZE);
  if (type === "command") lines.push(...unfilled(Camera));
  const { profile, bit_depth: bits } = Simulation;
  if (type === "simulated" && bits !== undefined && !PROFILE_BITS[profile].includes(bits)) {
    const has = PROFILE_BITS[profile].join(" or ");
    lines.push(`Simulation.bit_depth = ${bits}: the camera profile ${profile} has ${has} bits; remove the setting`);
  }
  return lines;
}

/** Settings that the command asks for by name and that have no value. */
function unfilled(camera: Config["Camera"]): string[] {
  const keys = ["camera_exposure", "camera_gain", "camera_brightness", "camera_contrast"] as const;
  return keys.flatMap((key) => {
    const placeholder = `{${key.slice("camera_".length)}}`;
    const asked = camera.command.slice(1).some((argument) => argument.includes(placeholder));
    return asked && camera[key] === undefined ? [`Camera.command uses ${placeholder}: set Camera.${key}`] : [];
  });
}

const NO_COMMAND =
  'Camera.command is missing: camera_type = "command" needs a program, such as ["python3", "camera.py"]';
const HALF_SIZE = "Camera.width and Camera.height belong together; set both or neither";
const NO_SIZE = "Camera.command_format: raw frames need Camera.width and Camera.height";

/** Why no brightfield picture may be taken; they must never be mistaken for frames. */
export function brightfieldProblems({ Camera, Paths }: Config): string[] {
  const taken = [Paths.data_dir, ...(Camera.watch_dir === undefined ? [] : [Camera.watch_dir])];
  if (!taken.includes(Paths.brightfield_dir)) return [];
  return [
    "Paths.brightfield_dir must be a separate directory, because every image next to the frames counts as a frame",
  ];
}

/** Files written beside the pictures: among the frames a plot would be measured as one, around them a share gets too much. */
function sharedDirectories({ Assets, Paths, Services }: Config): string[] {
  const beside: [name: string, directory: string][] = [
    ["Paths.results_dir", Paths.results_dir],
    ["Paths.backup_dir", Paths.backup_dir],
    ["Assets.generated_files_dir", Assets.generated_files_dir],
  ];
  return beside.flatMap(([name, directory]) => {
    if (directory === Paths.data_dir) {
      return [
        `${name} must be another directory than Paths.data_dir, because every image next to the frames counts as a frame`,
      ];
    }
    if (!Services.enable_remote_sync || !Paths.data_dir.startsWith(join(directory, "/"))) return [];
    return [
      `${name} must not contain Paths.data_dir, because everything in it is copied to the share, including the live database`,
    ];
  });
}

/** The names of all thermometers, in the order in which they are read. */
function sensorNames(temperature: Config["Temperature"]): string[] {
  const { thermocouple_sensors, hwmon_sensors, command_sensors } = temperature;
  return [...Object.values(thermocouple_sensors), ...Object.values(hwmon_sensors), ...Object.keys(command_sensors)];
}

/** Whether results go to an OPC UA server. */
export const wantsOpcUa = ({ Communication }: Pick<Config, "Communication">): boolean =>
  Communication.method.includes("OPC_UA");

/** What the OPC UA output cannot do without. */
function lacksOfOpcUa(config: Config): string[] {
  if (!wantsOpcUa(config)) return [];
  const { OPC_UA: opcUa, Data_Analysis } = config;
  const lines: string[] = [];
  if (opcUa.endpoint_url === undefined) lines.push('OPC_UA.endpoint_url is missing: Communication.method has "OPC_UA"');
  if (opcUa.nodes.length === 0)
    lines.push("OPC_UA.nodes is empty: add [[OPC_UA.nodes]] tables that say which value goes to which node");
  if ((opcUa.user_certificate_file === undefined) !== (opcUa.user_key_file === undefined)) {
    lines.push("OPC_UA.user_certificate_file and OPC_UA.user_key_file belong together; set both or neither");
  }
  if (opcUa.user_name !== undefined && opcUa.user_certificate_file !== undefined) {
    lines.push("OPC_UA.user_name and OPC_UA.user_certificate_file cannot be combined; set only one");
  }
  opcUa.nodes.forEach(({ value }, at) => {
    const name = parseValueName(value);
    const { method } = Data_Analysis;
    if (name?.kind !== "statistic" || quantityColumn(method, name.quantity) !== undefined) return;
    lines.push(
      `OPC_UA.nodes[${at}].value = "${value}": method ${method} has no ${name.quantity}; it has ${QUANTITIES[method].join(", ")}`,
    );
  });
  return lines;
}

function doubtsOfOpcUa(config: Config): string[] {
  const { security_mode, user_name } = config.OPC_UA;
  const inTheClear = wantsOpcUa(config) && security_mode === "None" && user_name !== undefined;
  return inTheClear
    ? ['OPC_UA.security_mode = "None": the password may cross the network unencrypted; use SignAndEncrypt']
    : [];
}

function isTable(value: unknown): value is Table {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const entry of Object.values(value)) freeze(entry);
  }
  return value;
}
