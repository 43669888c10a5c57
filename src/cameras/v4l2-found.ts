// Lists the video devices of this machine and what each supports, as text and as lines for the configuration.
import type { Dirent } from "node:fs";
import { readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Found } from "./frame.ts";
import type { Control, Device, Format } from "./v4l2-ctl.ts";

export interface VideoDevice {
  /** /dev/videoN. */
  readonly path: string;
  /** The stable name under /dev/v4l/by-id, if there is one. */
  readonly byId: string | undefined;
  /** Name given by the driver. */
  readonly name: string;
}

/**
 * Returns all video devices, by number. `root`: the directory that contains /dev and /sys, for tests. Never throws for missing
 * files.
 */
export async function listVideoDevices(root = "/"): Promise<VideoDevice[]> {
  const names = (await entries(join(root, "sys/class/video4linux"))).map(({ name }) => name);
  const aliases = await byIdNames(root);
  const numbers = names.filter((name) => /^video\d+$/.test(name)).map((name) => Number(name.slice(5)));
  return Promise.all(
    numbers
      .sort((a, b) => a - b)
      .map(async (number) => {
        const path = join(root, `dev/video${number}`);
        const name = await readFile(join(root, `sys/class/video4linux/video${number}/name`), "utf8").catch(() => "");
        return { path, byId: aliases.get(await resolved(path)), name: name.trim() || "video device" };
      }),
  );
}

async function byIdNames(root: string): Promise<Map<string, string>> {
  const directory = join(root, "dev/v4l/by-id");
  const links = await entries(directory);
  const pairs = links.map(async ({ name }) => [await resolved(join(directory, name)), join(directory, name)] as const);
  return new Map(await Promise.all(pairs));
}

/** A missing directory counts as empty: a machine without cameras has none of them. */
const entries = (directory: string): Promise<Dirent[]> => readdir(directory, { withFileTypes: true }).catch(() => []);
/** A dangling link belongs to a camera that was just unplugged. */
const resolved = (path: string): Promise<string> => realpath(path).catch(() => path);

/** Returns a device's capabilities for the user, and the configuration lines that select it. */
export function describeDevice(path: string, device: Device): Found {
  return {
    name: path,
    description: device.card,
    details: [...device.formats.map(formatLine), ...device.controls.map(controlLine)],
    toml: ['camera_type = "v4l2"', `device = ${JSON.stringify(path)}`],
  };
}

function formatLine({ code, compressed, sizes }: Format): string {
  const listed = sizes.map(({ width, height }) => `${width}x${height}`);
  return `format ${code.padEnd(4)} ${compressed ? "(lossy) " : ""}${[...new Set(listed)].join(" ")}`.trimEnd();
}

function controlLine({ name, type, min, max, step, default: usual, value, menu }: Control): string {
  const range = type === "bool" ? "0 or 1" : menu.length > 0 ? menu.join(", ") : `${min} to ${max}, step ${step ?? 1}`;
  return `${name}: ${range}; now ${value}${usual === undefined ? "" : `, default ${usual}`}`;
}
