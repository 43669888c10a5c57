// node-opcua, loaded when the first connection is wanted and never before: it takes a second and 100 MB, makes a large key
// of its own on Node 20, and speaks on standard output, which belongs to data.
import type { LogLevel } from "../../log/levels.ts";

export type Library = typeof import("node-opcua-client");

let loaded: Promise<Library> | undefined;

/** The client library. What it prints goes to `hear` (as debug lines) until this thread ends. */
export function loadLibrary(hear: (level: LogLevel, message: string) => void): Promise<Library> {
  loaded ??= load(hear);
  return loaded;
}

async function load(hear: (level: LogLevel, message: string) => void): Promise<Library> {
  // Its loggers cannot be set before the import, and some of its lines go past them: the console itself is lent out.
  const say = (...parts: unknown[]) => hear("debug", `node-opcua: ${parts.map(String).join(" ")}`);
  console.log = say;
  console.info = say;
  console.warn = say;
  console.error = say;
  const library: Library = wholeOf(await import("node-opcua-client"));
  const silent = (_context: unknown, ...parts: unknown[]) => say(...parts);
  library.setWarningLogger(silent);
  library.setErrorLogger(silent);
  library.setDebugLogger(silent);
  return library;
}

/**
 * A CommonJS package as `import()` found it: whole in its default, also where it was bundled and has no names for an import
 * to find; loaders that make a module of it leave the default out.
 */
export function wholeOf<Package extends object>(found: Package & { readonly default?: Package }): Package {
  return found.default ?? found;
}
