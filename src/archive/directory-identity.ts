// Identifies the data directory of an experiment. An unplugged or unmounted disk leaves an empty directory of the same name.
// Nothing may be written there, and its emptiness must not be taken to mean that files are gone.
import { type BigIntStats, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { MOUNT_TABLE, mountOfPath } from "../system/mounts.ts";

/** Device and inode of a directory, as text so that it can be sent between threads; only the device if inodes are not stable. */
export type PlaceMark = string;

/** Returns the mark of the directory that has this name now. Throws Failure disk.failed if it does not exist. */
export function markPlace(directory: string): PlaceMark {
  const found = statusOf(directory);
  if (found === undefined) throw gone(directory);
  return inodesHold(directory, found) ? markOf(found) : `${found.dev}`;
}

/** Whether inode numbers are stable: some shares give a directory another one each time. */
function inodesHold(directory: string, before: BigIntStats): boolean {
  return statusOf(directory)?.ino === before.ino;
}

/** The directories of an experiment, and how to identify them; plain data, so that it can be sent between threads. */
export interface Place {
  readonly mark: PlaceMark;
  readonly dataDir: string;
  readonly rootDir: string;
  /** The file system that `rootDir` must be on; undefined: any. */
  readonly usbUuid: string | undefined;
}

/** Throws Failure disk.failed (retry later) unless everything is still where it was at the start. */
export function checkPlace({ mark, dataDir, rootDir, usbUuid }: Place): void {
  if (usbUuid !== undefined) checkFileSystem(usbUuid, rootDir);
  checkMark(dataDir, mark);
}

/** Throws Failure disk.failed (retry later) unless `directory` is still the one that was marked. */
export function checkMark(directory: string, mark: PlaceMark): void {
  const found = statusOf(directory);
  if (found === undefined) throw gone(directory);
  if (markOf(found) === mark || `${found.dev}` === mark) return;
  throw new Failure("disk.failed", `${directory} is not the same directory as at the start: its disk was unmounted`, {
    hint: "mount it again; until then phorest writes nothing there, then it continues",
    retry: "later",
  });
}

/**
 * Whether a file is gone, but not the disk with it. Throws as `checkPlace` does while the disk is away, and errors of the disk.
 * The place is checked before and after, because the disk may disconnect and reconnect at any time.
 */
export function isGone(path: string, checkPlace: () => void): boolean {
  checkPlace();
  const found = statSync(path, { throwIfNoEntry: false });
  checkPlace();
  return found === undefined;
}

/** Directory in which udev keeps a link for each file system. */
const BY_UUID = "/dev/disk/by-uuid";

/**
 * Throws Failure disk.failed (retry later) unless `directory` is on the file system with this UUID. `byUuid` and `mounts` (the
 * file with the table of mounts) are replaced by tests.
 */
export function checkFileSystem(
  uuid: string,
  directory: string,
  { byUuid = BY_UUID, mounts = MOUNT_TABLE }: { readonly byUuid?: string; readonly mounts?: string } = {},
): void {
  const device = realPath(join(byUuid, uuid)) ?? realPath(join(byUuid, uuid.toUpperCase()));
  if (device === undefined) {
    throw new Failure("disk.failed", `the disk of Storage.usb_uuid = "${uuid}" is not plugged in`, {
      hint: "plug it in and mount it; `ls /dev/disk/by-uuid` lists the connected disks",
      retry: "later",
    });
  }
  const source = mountSource(directory, readFileSync(mounts, "utf8"));
  if (source !== undefined && (realPath(source) ?? source) === device) return;
  throw new Failure(
    "disk.failed",
    `${directory} is not on the disk of Storage.usb_uuid = "${uuid}"${source === undefined ? "" : ` but on ${source}`}`,
    { hint: `mount ${device} there; until then phorest writes nothing`, retry: "later" },
  );
}

/**
 * Returns the device of the innermost mount that contains a directory, which need not exist.
 * @param table the text of /proc/self/mountinfo.
 */
export function mountSource(directory: string, table?: string): string | undefined {
  return mountOfPath(realPath(directory) ?? directory, table)?.source;
}

function statusOf(directory: string): BigIntStats | undefined {
  return statSync(directory, { bigint: true, throwIfNoEntry: false });
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) {
      return undefined;
    }
    throw error;
  }
}

const markOf = ({ dev, ino }: BigIntStats): PlaceMark => `${dev} ${ino}`;

function gone(directory: string): Failure {
  return new Failure(
    "disk.failed",
    `${directory} does not exist any more: it was removed or moved, or its disk was unmounted`,
    {
      hint: "put it back; capture pauses until then",
      retry: "later",
    },
  );
}
