// The directory of backups:
//
//   backup/20260304T050607Z/           a snapshot: everything live at that moment
//   backup/history/20260304T050607Z/   finished history that was moved out of the live tables
//
// Both get their name only when they are complete and durable.
import { existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { fileFaultReason, isFileFault } from "../system/fault-of.ts";
import { ensureDirectory, PARTIAL_SUFFIX, syncDirectory } from "../system/files.ts";
import { SUMS } from "./compressed-file.ts";

/** Directory of the archives, in backup_dir. */
export const HISTORY = "history";

const NAME = /^\d{8}T\d{6}Z(-\d+)?$/;
const TEMPORARY = new RegExp(`^\\.\\d{8}T\\d{6}Z\\.(\\d+)\\${PARTIAL_SUFFIX}$`);

/** Returns the backup name of a time in µs, such as `20260304T050607Z`. */
export function backupName(us: number): string {
  return `${new Date(us / 1000).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

/** Whether a path (relative to the backup directory) can be that of an archive. */
export function isArchivePath(path: string): boolean {
  const [first, name, ...rest] = path.split("/");
  return first === HISTORY && name !== undefined && NAME.test(name) && rest.length === 0;
}

/** Returns the time in a name, ms since the epoch; undefined if it is not such a name. */
export function backupTimeMs(name: string): number | undefined {
  if (!NAME.test(name)) return undefined;
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/.exec(name) ?? [];
  return Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
}

/** Returns the names of the complete backups (or archives) in a directory, oldest first. */
export function completeBackups(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => NAME.test(name) && existsSync(join(directory, name, SUMS)))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/**
 * Creates a directory `<UTC>` in `parent`: `fill` writes into it under a temporary name, then it is renamed. Returns its name.
 * Nothing remains if `fill` fails; a crash leaves a temporary directory, which the next pass removes.
 */
export async function buildWhole(
  parent: string,
  nowUs: number,
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  await ensureDirectory(parent);
  const moment = backupName(nowUs);
  const temporary = join(parent, `.${moment}.${process.pid}${PARTIAL_SUFFIX}`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  try {
    await fill(temporary);
    syncDirectory(temporary);
    const name = freeName(parent, moment);
    await rename(temporary, join(parent, name));
    syncDirectory(parent);
    return name;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Removes unfinished directories that killed processes left in `parent`; returns the names. */
export async function sweepUnfinished(parent: string): Promise<string[]> {
  if (!existsSync(parent)) return [];
  const names = readdirSync(parent).filter((name) => {
    const pid = Number(TEMPORARY.exec(name)?.[1]);
    return pid === process.pid || (Number.isInteger(pid) && !isAlive(pid));
  });
  const swept: string[] = [];
  for (const name of names) if ((await removeWhole(join(parent, name))) === undefined) swept.push(name);
  return swept;
}

/** Removes a directory; returns the reason if the directory itself prevents that. Throws errors of the disk. */
async function removeWhole(directory: string): Promise<string | undefined> {
  try {
    await rm(directory, { recursive: true, force: true });
    return undefined;
  } catch (error) {
    if (!(await isFileFault(error, dirname(directory)))) throw error;
    return fileFaultReason(error);
  }
}

/** The result of removing excess snapshots. */
export interface Removals {
  readonly removed: string[];
  readonly kept: { readonly name: string; readonly reason: string }[];
}

/** Returns the newest complete backup that is not dated in the future: such a backup was made while the clock was wrong. */
export function newestBackup(directory: string, nowUs: number): string | undefined {
  return completeBackups(directory).findLast((name) => (backupTimeMs(name) ?? 0) <= nowUs / 1000);
}

/**
 * Removes the oldest snapshots beyond the newest `keep`, but no archived history. One that cannot be removed is named, and the
 * others are removed all the same. `made` was made just now: anything with a later date is from before the clock was set back,
 * and so is older.
 */
export async function removeOldest(backupDir: string, keep: number, made: string): Promise<Removals> {
  const names = completeBackups(backupDir);
  const now = names.indexOf(made);
  const old = [...names.slice(now + 1), ...names.slice(0, now + 1)].slice(0, -keep);
  const result: Removals = { removed: [], kept: [] };
  for (const name of old) {
    // Renamed first to a name that means "unfinished", so that a crash cannot leave half a backup that looks complete.
    const going = join(backupDir, `.${name.slice(0, 16)}.${process.pid}${PARTIAL_SUFFIX}`);
    try {
      await rename(join(backupDir, name), going);
    } catch (error) {
      if (!(await isFileFault(error, backupDir))) throw error;
      result.kept.push({ name, reason: fileFaultReason(error) });
      continue;
    }
    syncDirectory(dirname(going));
    const reason = await removeWhole(going);
    if (reason === undefined) result.removed.push(name);
    else result.kept.push({ name: basename(going), reason });
  }
  return result;
}

function freeName(parent: string, moment: string): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? moment : `${moment}-${number}`;
    if (!existsSync(join(parent, name))) return name;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Any error except "no such process" means that the process exists.
    return !hasCode(error, "ESRCH");
  }
}
