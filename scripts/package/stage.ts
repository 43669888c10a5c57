// Makes a copy of the source with exactly the packages of the lock file, for the target machine, with native parts compiled
// against the executable's Node. Nothing from the developer's own node_modules is included.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Base } from "./base.ts";
import { PackingError, run, say } from "./steps.ts";
import type { Target } from "./target.ts";

/** A header that SQLite's binding is compiled with; see its comment. */
const OBJECT_WRAP = "native/third_party/sqlite/object_wrap.h";
const SOURCES = ["src", "workers", "native", "chips", "binding.gyp", "LICENSE", "package.json", "package-lock.json"];

/** Makes `stage`; reuses packages and SQLite from the last time while the lock file and the base are the same. */
export function makeStage(root: string, stage: string, target: Target, base: Base): void {
  mkdirSync(stage, { recursive: true });
  for (const name of SOURCES) {
    rmSync(join(stage, name), { recursive: true, force: true });
    cpSync(join(root, name), join(stage, name), { recursive: true, preserveTimestamps: true });
  }
  const lock = readFileSync(join(root, "package-lock.json"));
  const wanted = createHash("sha256")
    .update(lock)
    .update(readFileSync(join(stage, OBJECT_WRAP)))
    .update(`${base.version} ${target.arch}`)
    .digest("hex");
  const stamp = join(stage, "installed.sha256");
  const sqlite = join(stage, "node_modules/better-sqlite3");
  const gyp = compiler(root, stage, target, base);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    say(`installing the packages for ${target.arch}`);
    const platform = ["--os=linux", `--cpu=${target.arch}`, "--libc=glibc"];
    run("npm", ["ci", "--omit=dev", "--ignore-scripts", ...platform], { cwd: stage, what: "npm ci" });
    say(`compiling SQLite for ${target.arch}`);
    rmSync(join(stage, "build"), { recursive: true, force: true });
    gyp("SQLite", sqlite, `-include ${join(stage, OBJECT_WRAP)}`);
    checkBinding(sqlite);
    writeFileSync(stamp, wanted);
  }
  say(`compiling the kernel for ${target.arch}`);
  gyp("the kernel", stage);
}

/**
 * Throws if the binding still contains the hook that `OBJECT_WRAP` removes: with it, the program would abort in the middle of a
 * run.
 */
function checkBinding(sqlite: string): void {
  const binding = readFileSync(join(sqlite, "build/Release/better_sqlite3.node"));
  if (binding.includes("RemoveEnvironmentCleanupHook")) {
    throw new PackingError(`SQLite's binding still takes hooks for its objects: ${OBJECT_WRAP} had no effect`);
  }
}

type Compiler = (what: string, directory: string, cxxFlags?: string) => void;

function compiler(root: string, stage: string, target: Target, base: Base): Compiler {
  // The result must not contain the build path, or two checkouts would differ.
  const flags = `-ffile-prefix-map=${stage}=. -fdebug-prefix-map=${stage}=.`;
  const args = ["configure", "build", "--release", "-j", "2", `--arch=${target.arch}`, `--nodedir=${base.directory}`];
  return (what, directory, cxxFlags = "") => {
    // The user's own npm settings would override the command line.
    const settings = { npm_config_nodedir: base.directory };
    const env = { ...target.compiler, CFLAGS: flags, CXXFLAGS: `${flags} ${cxxFlags}`, ...settings };
    run(join(root, "node_modules/.bin/node-gyp"), args, { cwd: directory, env, what: `compiling ${what}` });
  };
}
