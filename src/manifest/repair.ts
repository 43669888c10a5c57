// A repaired manifest in place of a damaged one. The damaged file and its log are kept next to it. Killed at any step, the
// next process that may write finds either the damaged manifest as it was, or the whole repaired one, and ends the step.
import { randomBytes } from "node:crypto";
import { constants, copyFileSync, existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PARTIAL_SUFFIX, syncDirectory, syncFile } from "../system/files.ts";
import { type Salvaged, type SalvageOptions, salvage } from "./salvage.ts";
import { isSameContent } from "./same-content.ts";
import { checkSound, damageNotePath, forgetDamage } from "./soundness.ts";

export interface Repaired extends Salvaged {
  /** The damaged database, as it was. */
  readonly kept: string;
}

const KEPT = ".damaged-";
const READY = ".repaired";
/** The database last: with it the copy is whole. */
const KEPT_ENDS = ["-wal", "-journal", ""] as const;
/** What SQLite keeps next to a database; it belongs to the damaged one. */
const COMPANIONS = ["-wal", "-shm", "-journal"] as const;

/**
 * Saves what can be read of the damaged manifest at `path` into a new one in its place. For the holder of the lock, with no
 * connection open. Failures: `manifest.corrupt` when nothing can be read, `disk.full`; the damaged file is then as it was.
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

/** Ends a repair that was killed when the new manifest was whole already. True where there was one to end. */
export function endRepair(path: string): boolean {
  if (!existsSync(`${path}${READY}`)) return false;
  // Only in place of the file it was made from: a backup may have been restored in the meantime.
  if (existsSync(path) && !keptOnes(path).some((kept) => isSameContent(path, kept))) return false;
  putInPlace(path);
  return true;
}

/**
 * To be called before anything opens the manifest `path` to write: ends a repair that was killed, and throws Failure
 * `manifest.corrupt` for a damaged manifest while nothing of it has been touched.
 */
export function checkBeforeWriting(path: string): void {
  endRepair(path);
  if (existsSync(path)) checkSound(path);
}

/** The damaged file and its log under a name of their own, by which SQLite still knows the log as its own. */
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

/** The log first: it must never be taken for that of the new file. The damaged one has its copy. */
function putInPlace(path: string): void {
  for (const end of COMPANIONS) rmSync(`${path}${end}`, { force: true });
  syncDirectory(dirname(path));
  renameSync(`${path}${READY}`, path);
  syncDirectory(dirname(path));
  if (existsSync(damageNotePath(path))) forgetDamage(path);
}
