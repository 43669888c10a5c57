// What files are called on the remote: the layout of the experiment, and a number where a name is taken.
import { isAbsolute, join, relative } from "node:path";
import { temporaryPath } from "../system/files.ts";

/**
 * Where a local file goes, relative to the remote root. What is under the experiment's root keeps its place; a data
 * directory elsewhere becomes `data/`; anything else goes under `elsewhere/` with its whole path.
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

/** The temporary name of a copy: the same again for the same content, so that an interrupted copy is found and continued. */
export function partialPath(path: string, sha256: string): string {
  return temporaryPath(path, sha256.slice(0, 24));
}
