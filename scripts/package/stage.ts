// A copy of the source with exactly the packages of the lock file, for the machine that the executable is for, and with
// its native parts compiled against that executable's Node. Nothing of the developer's own node_modules gets in.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Base } from "./base.ts";
import { run, say } from "./steps.ts";
import type { Target } from "./target.ts";

const SOURCES = ["src", "workers", "native", "chips", "binding.gyp", "LICENSE", "package.json", "package-lock.json"];

/** Makes `stage`; packages and SQLite are kept from the last time while the lock file and the base are the same. */
export function makeStage(root: string, stage: string, target: Target, base: Base): void {
  mkdirSync(stage, { recursive: true });
  for (const name of SOURCES) {
    rmSync(join(stage, name), { recursive: true, force: true });
    cpSync(join(root, name), join(stage, name), { recursive: true, preserveTimestamps: true });
  }
  const lock = readFileSync(join(root, "package-lock.json"));
  const wanted = createHash("sha256").update(lock).update(`${base.version} ${target.arch}`).digest("hex");
  const stamp = join(stage, "installed.sha256");
  const gyp = compiler(root, stage, target, base);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    say(`installing the packages for ${target.arch}`);
    const platform = ["--os=linux", `--cpu=${target.arch}`, "--libc=glibc"];
    run("npm", ["ci", "--omit=dev", "--ignore-scripts", ...platform], { cwd: stage, what: "npm ci" });
    say(`compiling SQLite for ${target.arch}`);
    rmSync(join(stage, "build"), { recursive: true, force: true });
    gyp("SQLite", join(stage, "node_modules/better-sqlite3"));
    writeFileSync(stamp, wanted);
  }
  say(`compiling the kernel for ${target.arch}`);
  gyp("the kernel", stage);
}

function compiler(root: string, stage: string, target: Target, base: Base): (what: string, cwd: string) => void {
  // Where it was compiled must not be readable from the result, or two checkouts would differ.
  const flags = `-ffile-prefix-map=${stage}=. -fdebug-prefix-map=${stage}=.`;
  // A person's own npm settings would have precedence over the command line.
  const env = { ...target.compiler, CFLAGS: flags, CXXFLAGS: flags, npm_config_nodedir: base.directory };
  const args = ["configure", "build", "--release", "-j", "2", `--arch=${target.arch}`, `--nodedir=${base.directory}`];
  return (what, cwd) => {
    run(join(root, "node_modules/.bin/node-gyp"), args, { cwd, env, what: `compiling ${what}` });
  };
}
