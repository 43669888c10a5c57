// Creates the directories that an experiment needs before anything starts, so that problems show before the first image.

import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { shellWord } from "../failure/quote.ts";
import { makeDirectory } from "../system/files.ts";
import type { Config } from "./schema.ts";
import { shownPath } from "./toml-file.ts";

/** Returns the directories that a run writes to, with the names of their settings, without the remote share. */
export function directoriesOf({ Paths, Assets, Services }: Config): [name: string, directory: string][] {
  const needed: [string, string][] = [
    ["Paths.root_dir", Paths.root_dir],
    ["Paths.data_dir", Paths.data_dir],
    ["Paths.results_dir", Paths.results_dir],
    ["Paths.logs_dir", Paths.logs_dir],
    ["Assets.generated_files_dir", Assets.generated_files_dir],
  ];
  if (Services.enable_file_backup) needed.push(["Paths.backup_dir", Paths.backup_dir]);
  if (Services.enable_brightfield) needed.push(["Paths.brightfield_dir", Paths.brightfield_dir]);
  return needed;
}

/**
 * Creates the directories that a run writes to and checks that they are writable. Throws Failure config.invalid with the setting,
 * the path and the reason. It may be retried later, because a disk that is not mounted yet looks the same.
 */
export function checkDirectories(config: Config): void {
  const { Paths } = config;
  const unusable: string[] = [];
  const problems = directoriesOf(config).flatMap(([name, directory]) => {
    // Directories in an unusable root fail for the same reason: it is reported once.
    if (unusable.includes(Paths.root_dir) && directory.startsWith(`${Paths.root_dir}/`)) return [];
    const reason = whyUnusable(directory);
    if (reason !== undefined) unusable.push(directory);
    return reason === undefined ? [] : [`${name} = ${JSON.stringify(shownPath(directory))}: ${reason}`];
  });
  if (problems.length === 0) return;
  throw new Failure("config.invalid", problems.join("\n"), {
    hint: hintFor(config),
    retry: "later",
  });
}

/** Adds the command that gives this process the permission to write: in a container, the directory belongs to the host. */
function hintFor({ Paths }: Config): string {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  const plain = "set another directory or change its permissions";
  if (uid === 0 || mayWrite(Paths.root_dir)) return plain;
  return `sudo chown -R ${uid}:${gid} ${shellWord(shownPath(Paths.root_dir))} (in a container: the directory of the host that is mounted there); or ${plain}`;
}

/** Whether this process may create files in a directory, or create the directory itself if it does not exist. */
export function mayWrite(directory: string): boolean {
  try {
    accessSync(nearest(directory), constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function nearest(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory ? directory : nearest(dirname(directory));
}

function whyUnusable(directory: string): string | undefined {
  try {
    makeDirectory(directory);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    const found = existsSync(directory) ? statSync(directory) : undefined;
    if (found?.isDirectory() === false) return "is a file, not a directory";
    if (code === "ENOTDIR") return "a part of the path is a file, not a directory";
    if (code === "ENOENT") return "cannot be created";
    if (code === "EACCES" || code === "EPERM")
      return found === undefined ? "no permission to create it" : "no permission to write to it";
    if (code === "EROFS") return "is on a read-only file system";
    if (code === "ENOSPC") return "no space left on the disk";
    return `cannot be used: ${error instanceof Error ? error.message : error}`;
  }
}
