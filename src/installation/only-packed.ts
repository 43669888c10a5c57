// Keeps the unpacked program to the files that were packed. Node.js looks for a package that is not there in the
// node_modules of every directory above, and where the program is unpacked below /tmp, any user can make one of these.
// Packages look for others that need not be there (proper-lockfile, other builds of sharp), so this happens in each run.
import { readFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The file that the executable's bundled code imports before anything else. */
export const ONLY_PACKED = "only-packed.js";
/** The paths of all packed files, as JSON, next to it. */
export const PACKED_NAMES = "packed.json";

interface Resolved {
  readonly url: string;
}
interface Context {
  readonly conditions: readonly string[];
}
type Resolve = (specifier: string, context: Context) => Resolved;
/** Of Node.js 24, which executables are made of; the types here are those of the oldest one that is supported. */
interface Hooking {
  registerHooks(hooks: { resolve: (specifier: string, context: Context, next: Resolve) => Resolved }): void;
}

/** From now on, this thread finds only modules that are packed below `root`, and those of Node.js. */
export function loadOnlyPacked(root: URL): void {
  const directory = fileURLToPath(root);
  const names: string[] = JSON.parse(readFileSync(join(directory, PACKED_NAMES), "utf8"));
  const packed = new Set(names.map((name) => pathToFileURL(join(directory, name)).href));
  (nodeModule as unknown as Hooking).registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context);
      if (found.url.startsWith("node:") || packed.has(found.url.replace(/[?#].*$/, ""))) return found;
      // As Node.js says it of a package that is not there, which is what packages wait for.
      const code = context.conditions.includes("require") ? "MODULE_NOT_FOUND" : "ERR_MODULE_NOT_FOUND";
      throw Object.assign(new Error(`Cannot find package '${specifier}' in this executable`), { code });
    },
  });
}
