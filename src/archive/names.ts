// Names of files on the remote: the directory layout of the experiment, and a number if a name is taken.
import { isAbsolute, join, relative } from "node:path";
import { temporaryPath } from "../system/files.ts";

/**
 * Returns the path of a local file on the remote, relative to the remote root. Files under the experiment's root keep their path;
 * a data directory elsewhere becomes `data/`; anything else is put under `elsewhere/` with its full path.
 */
export function remotePathOf(path: string, { rootDir, dataDir }: { rootDir: string; dataDir: string }): string {
  const inRoot = relative(rootDir, path);
  if (!outside(inRoot)) return inRoot;
  const inData = relative(dataDir, path);
  if (!outside(inData)) return join("data", inData);
  return join("elsewhere", path);
}

function outside(path: string): boolean {
  return path === "" || path === ".." || path.startsWith("../") || isAbsolute(path);
}

/**
 * Returns the temporary name of a copy. It is the same for the same content, so that an interrupted copy is found and continued.
 */
export function partialPath(path: string, sha256: string): string {
  return temporaryPath(path, sha256.slice(0, 24));
}
