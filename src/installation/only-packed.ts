// Restricts the unpacked program to the files that were packed. Node.js looks for a missing package in the node_modules of every
// parent directory, and if the program is unpacked below /tmp, any user can create one of these. Packages look for optional
// others (proper-lockfile, other builds of sharp), so this happens in each run.
import { readFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The file that the executable's bundled code imports before anything else. */
export const ONLY_PACKED = "only-packed.js";
/** The paths of all packed files, as JSON; next to that file. */
export const PACKED_NAMES = "packed.json";

interface Resolved {
  readonly url: string;
}
interface Context {
  readonly conditions: readonly string[];
}
type Resolve = (specifier: string, context: Context) => Resolved;
/** API of Node.js 24, which executables are made with; the types here are those of the oldest supported version. */
interface Hooking {
  registerHooks(hooks: { resolve: (specifier: string, context: Context, next: Resolve) => Resolved }): void;
}

/** From now on, lets this thread find only modules packed below `root`, and those of Node.js. */
export function loadOnlyPacked(root: URL): void {
  const directory = fileURLToPath(root);
  const names: string[] = JSON.parse(readFileSync(join(directory, PACKED_NAMES), "utf8"));
  const packed = new Set(names.map((name) => pathToFileURL(join(directory, name)).href));
  (nodeModule as unknown as Hooking).registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context);
      if (found.url.startsWith("node:") || packed.has(found.url.replace(/[?#].*$/, ""))) return found;
      // The error that Node.js gives for a missing package, which packages expect.
      const code = context.conditions.includes("require") ? "MODULE_NOT_FOUND" : "ERR_MODULE_NOT_FOUND";
      throw Object.assign(new Error(`Cannot find package '${specifier}' in this executable`), { code });
    },
  });
}
