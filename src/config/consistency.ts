// Checks a valid configuration for what is still missing and for combinations of settings that deserve a warning.
import { join } from "node:path";
import { QUANTITIES } from "../measurement/method.ts";
import { usFromIso } from "../system/iso-time.ts";
import { CAMERA_FACTS, CAMERA_TYPES, type CameraType } from "./camera-section.ts";
import { parseValueName, quantityColumn } from "./opcua-value-name.ts";
import type { Config } from "./schema.ts";
import { PROFILE_BITS } from "./simulation-section.ts";

/** Returns warnings about valid settings, one line each. */
export function warningsAbout(config: Config): string[] {
  const { Temperature, Alarm } = config;
  const lines = [
    ...cameraProblems(config),
    ...subsetWarnings(config),
    ...sharedDirectories(config),
    ...opcUaProblems(config),
    ...opcUaWarnings(config),
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

/** Types that read images from files, so that a part of them can be chosen. */
export const FILE_TYPES: readonly CameraType[] = CAMERA_TYPES.filter((type) => CAMERA_FACTS[type].readsFiles);

/** Warns if a part is chosen although the camera type does not support it. */
function subsetWarnings({ Camera }: Config): string[] {
  const { camera_type: type, every, from, to, limit } = Camera;
  if (FILE_TYPES.includes(type)) return [];
  const given = { every: every > 1, from: from !== undefined, to: to !== undefined, limit: limit > 0 };
  const keys = Object.entries(given).flatMap(([key, isGiven]) => (isGiven ? [`Camera.${key}`] : []));
  return keys.map((key) => `${key} has no effect: camera_type = "${type}" does not read images from files`);
}

const NO_WATCH_DIR = 'Camera.watch_dir is missing: camera_type = "folder" needs the directory to watch';

/** Returns what a camera of this type needs and the file does not set. */
export function cameraProblems({ Camera, Simulation }: Config): string[] {
  const { camera_type: type, width, height } = Camera;
  const lines: string[] = [];
  if (isReversed(Camera)) lines.push("Camera.to is before Camera.from, so there is no time between");
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

function isReversed({ from, to }: Config["Camera"]): boolean {
  const [fromUs, toUs] = [from, to].map((text) => (text === undefined ? undefined : usFromIso(text, "utc")));
  return fromUs !== undefined && toUs !== undefined && toUs < fromUs;
}

/** Returns settings without a value whose names appear in the command. */
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

/** Returns why no brightfield image may be taken: such images must never be mistaken for frames. */
export function brightfieldProblems({ Camera, Paths }: Config): string[] {
  const taken = [Paths.data_dir, ...(Camera.watch_dir === undefined ? [] : [Camera.watch_dir])];
  if (!taken.includes(Paths.brightfield_dir)) return [];
  return [
    "Paths.brightfield_dir must be a separate directory, because every image next to the frames counts as a frame",
  ];
}

/**
 * Warns about directories that contain both images and other files: a plot among the frames would be measured as one, and a share
 * would get too many files.
 */
export function sharedDirectories({ Assets, Paths, Services }: Config): string[] {
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

/** Returns the names of all thermometers, in the order in which they are read. */
function sensorNames(temperature: Config["Temperature"]): string[] {
  const { thermocouple_sensors, hwmon_sensors, command_sensors } = temperature;
  return [...Object.values(thermocouple_sensors), ...Object.values(hwmon_sensors), ...Object.keys(command_sensors)];
}

/** Whether results go to an OPC UA server. */
export const wantsOpcUa = ({ Communication }: Pick<Config, "Communication">): boolean =>
  Communication.method.includes("OPC_UA");

/** Returns the settings that the OPC UA output needs and that are missing. */
export function opcUaProblems(config: Config): string[] {
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

function opcUaWarnings(config: Config): string[] {
  const { security_mode, user_name } = config.OPC_UA;
  const inTheClear = wantsOpcUa(config) && security_mode === "None" && user_name !== undefined;
  return inTheClear
    ? ['OPC_UA.security_mode = "None": the password may cross the network unencrypted; use SignAndEncrypt']
    : [];
}
