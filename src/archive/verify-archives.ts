// Checks archives, backups and copies against their recorded hashes.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { digestOpened, withConfinedFile } from "../system/confined-file.ts";
import { checkedFaultReason } from "../system/fault-of.ts";
import { printable } from "../system/file-name.ts";
import { completeBackups, isArchivePath } from "./backup-directory.ts";
import { SUMS, sumsProblems } from "./compressed-file.ts";
import type { Finding } from "./finding.ts";
import { ARCHIVE } from "./history.ts";

/** Receives the findings. */
export type Report = (finding: Finding) => void;

/** Whether a file is identical to the recorded copy; the reason if it cannot be read. */
export async function isCopy(
  root: string,
  { remotePath, sha256 }: { readonly remotePath: string; readonly sha256: string },
): Promise<boolean | string> {
  try {
    return (await withConfinedFile(root, remotePath, (file) => digestOpened(file))).sha256 === sha256;
  } catch (error) {
    if (error instanceof Failure && error.code.startsWith("file.")) return false;
    const reason = checkedFaultReason(error);
    if (reason === undefined) throw error;
    return reason;
  }
}

/** Checks the archives; returns their number. */
export async function checkArchives(backupDir: string, manifest: Manifest, report: Report): Promise<number> {
  const archives = manifest.archives.all();
  for (const { path, sha256, movedAtUs } of archives) {
    const directory = join(backupDir, path);
    if (!isArchivePath(path)) {
      const cure = "restore a backup from before the database was changed";
      report({ kind: "archive", subject: printable(path), meaning: "archives cannot be in this place", cure });
      continue;
    }
    const cure = "bring it back from the share or another copy; its frames exist nowhere else";
    const problems = await sumsProblems(directory);
    const database = join(directory, ARCHIVE.database);
    const file = { remotePath: ARCHIVE.database, sha256 };
    if (problems.length === 0 && (await isCopy(directory, file)) !== true) {
      problems.push(`${database} has changed since it was written`);
    }
    for (const problem of problems) report({ kind: "archive", subject: path, meaning: problem, cure });
    if (movedAtUs === undefined) {
      report({
        kind: "archive",
        subject: path,
        meaning: "its frames are still being moved out of the database; none is lost",
        cure: "the next run or `phorest backup` completes it",
      });
    }
  }
  return archives.length;
}

/** Checks the complete backups; returns their number. */
export async function checkBackups(backupDir: string, report: Report): Promise<number> {
  const names = completeBackups(backupDir);
  for (const name of names) {
    const directory = join(backupDir, name);
    const problems = await sumsProblems(directory);
    // Removed meanwhile by Backup.keep.
    if (!existsSync(join(directory, SUMS))) continue;
    for (const meaning of problems) {
      report({ kind: "backup", subject: name, meaning, cure: "make a new one with `phorest backup`" });
    }
  }
  return names.length;
}
