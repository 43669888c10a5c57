// Makes slow tests run the current build, never an older one: vitest calls this before the first of them.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Plugin } from "vitest/config";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** `npm run build` always rewrites it. */
const PROGRAM = join(root, "dist/src/cli.js");

/** Builds the program if a source is newer than it. */
export function setup(): void {
  const builtMs = existsSync(PROGRAM) ? statSync(PROGRAM).mtimeMs : 0;
  const changed = ["src", "workers"].some((directory) =>
    readdirSync(join(root, directory), { recursive: true, encoding: "utf8" }).some(
      (name) => statSync(join(root, directory, name)).mtimeMs > builtMs,
    ),
  );
  if (changed) execFileSync("npm", ["run", "build", "--silent"], { cwd: root, stdio: "inherit" });
}

/**
 * Makes stages under test start the built workers, as the built program does. Otherwise the sources of a worker would be
 * compiled at each start, which takes longer than most tests.
 */
export function builtWorkers(): Plugin {
  const source = "src/threads/worker-handle";
  const built = JSON.stringify(pathToFileURL(join(root, "dist", `${source}.js`)).href);
  return {
    name: "built-workers",
    enforce: "pre",
    transform: (code, id) =>
      id === join(root, `${source}.ts`) ? code.replaceAll("import.meta.url", built) : undefined,
  };
}
