// The effective settings: the file's values and the defaults, with the origin of each value.
import { lstatSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import { readable } from "../failure/quote.ts";
import { brightfieldProblems, cameraProblems, opcUaProblems, sharedDirectories, warningsAbout } from "./consistency.ts";
import { withEnvironment } from "./environment.ts";
import { type KeyNotes, NOTES } from "./field.ts";
import { moveFormerKeys } from "./former-keys.ts";
import type { Loaded, Origin } from "./loaded.ts";
import { type Config, SCHEMA, type SectionName } from "./schema.ts";
import { schemaNode } from "./schema-tree.ts";
import { checkWantedShare } from "./share.ts";
import { parseToml, readToml, shownPath, type Table, type TomlFile } from "./toml-file.ts";
import { problemLines } from "./validation-error.ts";

/** The default configuration file. */
export const CONFIG_FILENAME = "config.toml";

/**
 * Loads the settings: from `path`, otherwise from config.toml in `cwd`, otherwise the built-in defaults with `cwd` as their base.
 * Throws Failure config.invalid with one line for every problem.
 */
export function loadConfig(path: string | undefined, cwd: string = process.cwd()): Loaded {
  const file = resolve(cwd, path ?? CONFIG_FILENAME);
  const absent = path === undefined && lstatSync(file, { throwIfNoEntry: false }) === undefined;
  const loaded = absent ? parseConfig("", cwd) : parseConfig(readToml(file, "configuration"), dirname(file), file);
  return withEnvironment(loaded, process.env);
}

/**
 * Parses settings from TOML text. Relative paths resolve against `directory`; messages and origins name `file` (absolute). Throws
 * Failure config.invalid with one line for every problem.
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
  warnings.push(...warningsAbout(config).map((line) => readable(`${shown}: ${line}`)));
  return { config: freeze(config), origins, warnings, file, text };
}

/** Returns every section and key, in the order of the reference. */
export function keyNames(): [SectionName, string][] {
  const sections = Object.keys(SCHEMA.shape) as SectionName[];
  return sections.flatMap((section) =>
    Object.keys(SCHEMA.shape[section].shape).map((name): [SectionName, string] => [section, name]),
  );
}

/** Refuses, before anything starts, valid settings that this build does not support yet. Throws Failure config.invalid. */
export function checkRunnable(loaded: Loaded): void {
  const { config, file } = loaded;
  const { Services } = config;
  const where = file === undefined ? "configuration" : shownPath(file);
  const reasons = [
    ...(Services.enable_camera ? cameraProblems(config) : []),
    ...(Services.enable_brightfield ? brightfieldProblems(config) : []),
    ...sharedDirectories(config),
    ...opcUaProblems(config),
  ];
  if (reasons.length > 0) {
    throw new Failure("config.invalid", reasons.map((reason) => `${where}: ${reason}`).join("\n"));
  }
  checkWantedShare(loaded);
}

/** Returns the path of the ROI manifest. */
export function roiManifestPath(config: Config): string {
  return join(config.Assets.generated_files_dir, config.Paths.roi_manifest_filename);
}

/** Returns the path of the measured sensitivities, which need not exist. */
export function sensitivityPath({ Assets, Paths }: Pick<Config, "Assets" | "Paths">): string {
  return join(Assets.generated_files_dir, Paths.sensitivity_filename);
}

/** Returns the given table with all sections present and former keys moved to their current places; nothing else is changed. */
function prepare({ table: given }: TomlFile, lines: Map<string, number>, warn: (line: string) => void): SectionTables {
  const table: SectionTables = { ...given };
  for (const section of Object.keys(SCHEMA.shape)) {
    const content = Object.hasOwn(given, section) ? given[section] : {};
    table[section] = isTable(content) ? { ...content } : content;
  }
  if (isTable(table.Parameters)) table.Parameters = { ...table.Parameters };
  moveFormerKeys({ table, lines, warn });
  return table;
}

type SectionTables = Record<string, unknown>;

/**
 * Adds the defaults of the simulated camera if it is the effective one; returns the names of the added keys. A file that disables
 * the camera and names none is for images from elsewhere: an imported experiment is measured like any other.
 */
function addSimulatedDefaults(table: SectionTables): Set<string> {
  const added = new Set<string>();
  const given = isTable(table.Camera) ? table.Camera.camera_type : undefined;
  const isOff = isTable(table.Services) && table.Services.enable_camera === false;
  if (given === undefined && isOff) return added;
  if (SCHEMA.shape.Camera.shape.camera_type.safeParse(given).data !== "simulated") return added;
  for (const [section, name] of keyNames()) {
    const content = table[section];
    const value = notesOf(section, name)?.simulatedDefault;
    if (value === undefined || !isTable(content) || Object.hasOwn(content, name)) continue;
    content[name] = value;
    added.add(`${section}.${name}`);
  }
  return added;
}

/** Returns the notes about a key. */
function notesOf(section: SectionName, name: string): KeyNotes | undefined {
  const shape: Record<string, Parameters<typeof NOTES.get>[0]> = SCHEMA.shape[section].shape;
  const type = shape[name];
  return type === undefined ? undefined : NOTES.get(type);
}

type Writable = { -readonly [S in SectionName]: Config[S] };

/** Copies camera settings that the brightfield settings do not override. */
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
  for (const [section, name] of keyNames()) {
    const { relativeTo, words = [] } = notesOf(section, name) ?? {};
    if (relativeTo === undefined) continue;
    const content: Table = config[section];
    const value = content[name];
    const absolute = (path: string) => resolve(relativeTo === "root" ? root : directory, atHome(path));
    if (typeof value === "string" && !words.includes(value)) content[name] = absolute(value);
    else if (Array.isArray(value)) content[name] = value.map((path) => absolute(String(path)));
  }
}

/** A path "~" means the home directory, never a directory of that name. */
function atHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
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
