// Finds out which mounted file system a directory is on, from the kernel.
import { readFileSync, realpathSync } from "node:fs";

/** The file with the table of mounts. */
export const MOUNT_TABLE = "/proc/self/mountinfo";

export interface Mount {
  /** Changes whenever something is mounted or unmounted there. */
  readonly id: number;
  /** Device as "major:minor". */
  readonly device: string;
  readonly point: string;
  /** Type of file system, such as cifs, nfs4, vfat, ext4. */
  readonly type: string;
  readonly source: string;
  readonly readOnly: boolean;
  /** Whether programs and libraries on it cannot be run. */
  readonly noexec: boolean;
}

/**
 * Returns the mount that `directory` (which must exist) is on; undefined if the kernel does not say.
 * @param table the text of /proc/self/mountinfo.
 */
export function mountOf(directory: string, table?: string): Mount | undefined {
  return mountOfPath(realpathSync(directory), table);
}

/** Does the same for an absolute path without links, which need not exist. */
export function mountOfPath(real: string, table = readFileSync(MOUNT_TABLE, "utf8")): Mount | undefined {
  let found: Mount | undefined;
  for (const line of table.split("\n")) {
    const mount = parseLine(line);
    if (mount === undefined) continue;
    const inside = mount.point === "/" || real === mount.point || real.startsWith(`${mount.point}/`);
    // If two mounts have the same mount point, the later one is visible.
    if (inside && mount.point.length >= (found?.point.length ?? 0)) found = mount;
  }
  return found;
}

/** Parses "36 35 98:0 /root /point options optional… - type source super-options". */
function parseLine(line: string): Mount | undefined {
  const [before = "", after = ""] = line.split(" - ");
  const [id, , device, , point, options = ""] = before.split(" ");
  const [type = "", source = "", superOptions = ""] = after.split(" ");
  if (id === undefined || device === undefined || point === undefined) return undefined;
  const own = options.split(",");
  const readOnly = own.includes("ro") || superOptions.split(",").includes("ro");
  const noexec = own.includes("noexec");
  return { id: Number(id), device, point: unescaped(point), type, source: unescaped(source), readOnly, noexec };
}

/** Decodes blanks and similar characters, which are written in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
