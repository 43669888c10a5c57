// Loads node-opcua with the first connection and not before: it takes a second and 100 MB, creates a large key of its own on Node
// 20, and prints to standard output, which is reserved for data.
import type { LogLevel } from "../../log/levels.ts";

export type Library = typeof import("node-opcua-client");

let loaded: Promise<Library> | undefined;

/** Loads the client library. What it prints is passed to `hear` (as debug lines) until this thread ends. */
export function loadLibrary(hear: (level: LogLevel, message: string) => void): Promise<Library> {
  loaded ??= load(hear);
  return loaded;
}

async function load(hear: (level: LogLevel, message: string) => void): Promise<Library> {
  // Its loggers cannot be set before the import, and some of its lines bypass them, so the console itself is redirected.
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
 * Returns a CommonJS package as `import()` found it: the complete package is in its default export, even if it was bundled and
 * has no named exports; loaders that turn it into a module leave the default out.
 */
export function wholeOf<Package extends object>(found: Package & { readonly default?: Package }): Package {
  return found.default ?? found;
}
