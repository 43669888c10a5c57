// Installs the Node.js that executables are built from: official builds with headers, from the registry, pinned by hash in
// base/.
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run, say } from "./steps.ts";
import type { Arch } from "./target.ts";

export interface Base {
  readonly version: string;
  /** Contains bin/node and include/node. */
  readonly directory: string;
}

/** Installs the base of `arch` below `stage`, if it is not installed yet. */
export function installBase(root: string, stage: string, arch: Arch): Base {
  const place = join(stage, `base-${arch}`);
  const name = `node-linux-${arch}`;
  const directory = join(place, "node_modules", name);
  const lock = readFileSync(join(root, "scripts/package/base/package-lock.json"), "utf8");
  const version: string = JSON.parse(lock).packages[`node_modules/${name}`].version;
  const isInstalled =
    existsSync(join(directory, "bin/node")) && readFileSync(join(place, "package-lock.json"), "utf8") === lock;
  if (!isInstalled) {
    say(`fetching Node.js ${version} for ${arch}`);
    mkdirSync(place, { recursive: true });
    cpSync(join(root, "scripts/package/base"), place, { recursive: true });
    run("npm", ["ci", "--os=linux", `--cpu=${arch}`, "--ignore-scripts"], { cwd: place, what: `npm ci of ${name}` });
  }
  return { version, directory };
}
