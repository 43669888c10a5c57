// Keys of earlier versions of the established system that have another place here, or no effect. Every file that it ever read
// still loads: a moved key keeps its meaning, and a key without effect gives a warning.
import { basename, dirname } from "node:path";
import type { Table } from "./toml-file.ts";

interface FormerKey {
  readonly section: string;
  readonly key: string;
  /** The current place of the key. */
  readonly now?: readonly [section: string, key: string];
  /** Why the key has no effect; completes "KEY has no effect: ...". */
  readonly because?: string;
}

const FLAG_FILES = "phorest does not use flag files";

const FORMER_KEYS: readonly FormerKey[] = [
  { section: "Assets", key: "roi_manifest_filename", now: ["Paths", "roi_manifest_filename"] },
  { section: "Data_Analysis", key: "number_sub_rois", now: ["Data_Analysis", "number_of_subROIs"] },
  { section: "Paths", key: "log_dir", now: ["Paths", "logs_dir"] },
  { section: "Camera", key: "camera", now: ["Services", "enable_camera"] },
  { section: "Temperature", key: "thermocouple", now: ["Services", "enable_thermocouple"] },
  { section: "Brightfield", key: "brightfield", now: ["Services", "enable_brightfield"] },
  { section: "Timing", key: "enable_image_compression", now: ["Services", "enable_image_compression"] },
  { section: "Timing", key: "collector_retry_delay_seconds", now: ["Retries", "collector_retry_delay_seconds"] },
  { section: "Parameters", key: "camera_index", now: ["Camera", "camera_id"] },
  { section: "Parameters", key: "exposure", now: ["Camera", "camera_exposure"] },
  { section: "Parameters", key: "gain", now: ["Camera", "camera_gain"] },
  { section: "Parameters", key: "brightness", now: ["Camera", "camera_brightness"] },
  { section: "Parameters", key: "contrast", now: ["Camera", "camera_contrast"] },
  { section: "Paths", key: "flag_dir", because: FLAG_FILES },
  { section: "Timing", key: "poll_interval_seconds", because: "phorest waits for events instead of polling" },
  {
    section: "Temperature",
    key: "thermocouple_id",
    because: "sensors are named by serial number in [Temperature.thermocouple_sensors]",
  },
  { section: "Camera", key: "camera_resolution", because: "set Camera.width and Camera.height" },
];

/** The key that named the ROI manifest by its path. */
const ROI_PATH = { section: "Data_Analysis", key: "roi_manifest_path" } as const;

/** The sections being read, including those of former keys. */
type Tables = Record<string, unknown>;

interface Reading {
  /** Modified: former keys are removed from their old places. */
  readonly table: Tables;
  /** Line numbers of keys in the file; the new place of a key gets the line of the old one. */
  readonly lines: Map<string, number>;
  readonly warn: (line: string) => void;
}

/** Moves former keys to their current places; warns about those without effect. Other values are not changed. */
export function moveFormerKeys(reading: Reading): void {
  const { table, warn } = reading;
  for (const { section, key, now, because } of FORMER_KEYS) {
    const from = tableOf(table, section);
    if (from === undefined || !Object.hasOwn(from, key)) continue;
    if (now !== undefined) move(reading, `${section}.${key}`, from[key], now);
    else warn(`${section}.${key} has no effect: ${because}`);
    delete from[key];
  }
  moveRoiPath(reading);
  const parameters = tableOf(table, "Parameters");
  if (parameters !== undefined && Object.keys(parameters).length === 0) delete table.Parameters;
  if (Object.keys(tableOf(table, "Flags") ?? {}).length > 0) warn(`[Flags] is ignored: ${FLAG_FILES}`);
}

/** Returns the former keys as rows of a Markdown table: key, effect now. */
export function formerKeyRows(): string[] {
  const rows = FORMER_KEYS.map(({ section, key, now, because }) => {
    const effect = now === undefined ? `no effect: ${because}` : `read as \`${now.join(".")}\``;
    return `| \`${section}.${key}\` | ${effect} |`;
  });
  const path = "read as `Assets.generated_files_dir` and `Paths.roi_manifest_filename`";
  return [...rows, `| \`${ROI_PATH.section}.${ROI_PATH.key}\` | ${path} |`];
}

function move(
  { table, lines, warn }: Reading,
  former: string,
  value: unknown,
  [section, key]: readonly [string, string],
) {
  const to = tableOf(table, section);
  if (to === undefined) return;
  if (Object.hasOwn(to, key)) {
    if (to[key] !== value) warn(`${former} is ignored because [${section}] sets ${key} too`);
    return;
  }
  to[key] = value;
  const line = lines.get(former);
  if (line !== undefined) lines.set(`${section}.${key}`, line);
}

/** Splits a path into the directory and the name. */
function moveRoiPath(reading: Reading): void {
  const { table, warn } = reading;
  const { section, key } = ROI_PATH;
  const former = `${section}.${key}`;
  const from = tableOf(table, section);
  if (from === undefined || !Object.hasOwn(from, key)) return;
  const path = from[key];
  delete from[key];
  const [Paths, Assets] = [tableOf(table, "Paths"), tableOf(table, "Assets")];
  const isNamed = Paths !== undefined && Object.hasOwn(Paths, "roi_manifest_filename");
  if (typeof path !== "string" || path === "" || isNamed) {
    if (!isNamed || basename(String(path)) !== Paths.roi_manifest_filename) {
      warn(`${former} is ignored${isNamed ? " because [Paths] sets roi_manifest_filename too" : ": it is not a path"}`);
    }
    return;
  }
  move(reading, former, basename(path), ["Paths", "roi_manifest_filename"]);
  const directory = dirname(path);
  const given = Assets?.generated_files_dir;
  if (Assets === undefined || sameDirectory(given, directory)) return;
  if (given !== undefined) warn(`Assets.generated_files_dir is ignored because ${former} names the ROI manifest`);
  delete Assets.generated_files_dir;
  move(reading, former, directory, ["Assets", "generated_files_dir"]);
}

function sameDirectory(given: unknown, directory: string): boolean {
  return typeof given === "string" && given.replace(/^\.\/|\/+$/g, "") === directory.replace(/^\.\//, "");
}

function tableOf(table: Tables, section: string): Table | undefined {
  const content = table[section];
  return typeof content === "object" && content !== null && !Array.isArray(content) ? (content as Table) : undefined;
}
