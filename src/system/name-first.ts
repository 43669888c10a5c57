// Renames a finished file without overwriting anything.
import { link, lstat, rename, rm } from "node:fs/promises";
import { systemCode } from "./fault-of.ts";

/**
 * Renames `temporary` to `path` unless that name exists; returns false if it does. Uses a hard link, which never overwrites.
 * Shares refuse hard links in many ways (EPERM, EACCES, EINVAL, EIO, ENOTSUP ...): there it checks and then renames.
 */
export async function nameFirst(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    return renameFirst(temporary, path);
  }
  await rm(temporary);
  return true;
}

let renaming: Promise<unknown> = Promise.resolve();

/** One after the other: on a share that ignores case, two copies that are made at the same time may want the same name. */
function renameFirst(temporary: string, path: string): Promise<boolean> {
  const done = renaming.then(async () => {
    if (await exists(path)) return false;
    await rename(temporary, path);
    return true;
  });
  renaming = done.catch(() => undefined);
  return done;
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** For `catch`: some shares do not allow setting a file's times, which does not matter. Rethrows other errors. */
export function timesAreNotKept(error: unknown): void {
  if (!["EPERM", "EACCES", "ENOTSUP", "ENOSYS", "EINVAL"].includes(systemCode(error) ?? "")) throw error;
}
