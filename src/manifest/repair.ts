// Replaces a damaged manifest by a repaired one, and keeps the damaged file and its log next to it. If the repair is killed at
// any step, the next process that may write finds either the unchanged damaged manifest or the complete repaired one, and
// finishes the replacement.
import { randomBytes } from "node:crypto";
import { constants, copyFileSync, existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PARTIAL_SUFFIX, syncDirectory, syncFile } from "../system/files.ts";
import { type Salvaged, type SalvageOptions, salvage } from "./salvage.ts";
import { isSameContent } from "./same-content.ts";
import { checkSound, damageNotePath, forgetDamage } from "./soundness.ts";

export interface Repaired extends Salvaged {
  /** Path of the kept copy of the damaged database. */
  readonly kept: string;
}

const KEPT = ".damaged-";
const READY = ".repaired";
/** The database is copied last: when it exists, the copy is complete. */
const KEPT_ENDS = ["-wal", "-journal", ""] as const;
/** Files that SQLite keeps next to a database; these belong to the damaged one. */
const COMPANIONS = ["-wal", "-shm", "-journal"] as const;

/**
 * Saves what can be read of the damaged manifest at `path` into a new one that replaces it. Only for the holder of the lock, with
 * no connection open. Failures, with the damaged file unchanged: `manifest.corrupt` if nothing can be read, `disk.full`.
 */
export function repair(path: string, options: SalvageOptions): Repaired {
  const directory = dirname(path);
  const kept = keptName(path, options.nowUs);
  const unfinished = join(directory, `.${basename(path)}.${randomBytes(4).toString("hex")}${PARTIAL_SUFFIX}`);
  let salvaged: Salvaged;
  try {
    keep(path, kept);
    salvaged = salvage(kept, unfinished, options, path);
    syncFile(unfinished);
    renameSync(unfinished, `${path}${READY}`);
  } catch (error) {
    rmSync(unfinished, { force: true });
    for (const end of KEPT_ENDS) rmSync(`${kept}${end}`, { force: true });
    throw error;
  }
  syncDirectory(directory);
  putInPlace(path);
  return { ...salvaged, kept };
}

/** Finishes a repair that was killed after the new manifest was complete. Returns whether there was one. */
export function endRepair(path: string): boolean {
  if (!existsSync(`${path}${READY}`)) return false;
  // Replaces only the file that it was made from: a backup may have been restored in the meantime.
  if (existsSync(path) && !keptOnes(path).some((kept) => isSameContent(path, kept))) return false;
  putInPlace(path);
  return true;
}

/**
 * Call this before anything opens the manifest `path` for writing. Finishes a repair that was killed, and throws Failure
 * `manifest.corrupt` if the manifest is damaged, before anything is changed.
 */
export function checkBeforeWriting(path: string): void {
  endRepair(path);
  if (existsSync(path)) checkSound(path);
}

/** Copies the damaged file and its log to another name; their names match, so SQLite still finds the log. */
function keep(path: string, kept: string): void {
  for (const end of KEPT_ENDS) {
    if (!existsSync(`${path}${end}`)) continue;
    copyFileSync(`${path}${end}`, `${kept}${end}`, constants.COPYFILE_FICLONE);
    syncFile(`${kept}${end}`);
  }
  syncDirectory(dirname(path));
}

function keptName(path: string, nowUs: number): string {
  const stamp = new Date(nowUs / 1000).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  let kept = `${path}${KEPT}${stamp}`;
  for (let n = 2; existsSync(kept); n += 1) kept = `${path}${KEPT}${stamp}-${n}`;
  return kept;
}

function keptOnes(path: string): string[] {
  const directory = dirname(path);
  return readdirSync(directory)
    .filter((name) => name.startsWith(`${basename(path)}${KEPT}`) && !/-(wal|journal)$/.test(name))
    .map((name) => join(directory, name));
}

/** Removes the old log first, so that it is never applied to the new file. It was copied with the damaged database. */
function putInPlace(path: string): void {
  for (const end of COMPANIONS) rmSync(`${path}${end}`, { force: true });
  syncDirectory(dirname(path));
  renameSync(`${path}${READY}`, path);
  syncDirectory(dirname(path));
  if (existsSync(damageNotePath(path))) forgetDamage(path);
}
