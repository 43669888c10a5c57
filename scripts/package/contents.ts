// Defines what goes into the executable. New workers and new asset directories of the build are found automatically; a package
// with native or data files of its own must be named in KEPT_PACKAGES.
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gatherLicences, LICENCES_FILENAME } from "../../src/installation/licences.ts";
import { ONLY_PACKED, PACKED_NAMES } from "../../src/installation/only-packed.ts";
import { packageClosure } from "../../src/installation/packages.ts";
import type { Base } from "./base.ts";

/** Packages that are not bundled, because they look for native or data files in their own directory. */
export const KEPT_PACKAGES = ["@resvg/resvg-js", "better-sqlite3", "dejavu-fonts-ttf", "piscina", "sharp"];

/** Files of a kept package that are needed to run: code, libraries and the two fonts of the plots. */
const KEPT_FILE = /\.(?:js|cjs|mjs|json|node)$|\.so(?:\.[\d.]+)?$|DejaVuSans(?:-Bold)?\.ttf$/;
const UNUSED =
  /(?:^|\/)(?:node_modules|src|deps|docs|test|tests|benchmarks?|examples?|install|obj|obj\.target|\.deps)\/|test_extension\.node$/;
/** Packages that only fetch what is compiled or packed here. */
const UNUSED_PACKAGES = new Set(["prebuild-install", "node-addon-api"]);

/** Data directories: from the source, and from `npm run build`. */
export const ASSET_DIRECTORIES = ["chips", "dist/web"];

/** The program's entry file. */
export const PROGRAM = "src/cli.ts";

/** Returns the entry files of the program's threads, relative to `root`. */
export function threadEntries(root: string): string[] {
  const workers = readdirSync(join(root, "workers")).filter((name) => name.endsWith(".ts"));
  return workers.sort().map((name) => `workers/${name}`);
}

/**
 * Copies everything except the bundled code below `target`, as in an installation. `stage` is an installed copy of the source.
 */
export function layOut(stage: string, target: string, base: Base, builtFrom: string): void {
  for (const directory of ASSET_DIRECTORIES) {
    const source = join(builtFrom, directory);
    if (existsSync(source)) cpSync(source, join(target, directory), { recursive: true });
  }
  copy(join(stage, "build/Release/phorest_kernel.node"), join(target, "build/Release/phorest_kernel.node"));
  for (const { directory } of packageClosure(stage, KEPT_PACKAGES, UNUSED_PACKAGES)) {
    const files = filesBelow(directory).filter((file) => KEPT_FILE.test(file) && !UNUSED.test(file));
    for (const file of files) copy(join(directory, file), join(target, relative(stage, directory), file));
  }
  const { name, version, license } = JSON.parse(readFileSync(join(stage, "package.json"), "utf8"));
  // The bundled code begins with "#only-packed", see bundle.ts.
  const manifest = { name, version, license, type: "module", imports: { "#only-packed": `./${ONLY_PACKED}` } };
  writeFileSync(join(target, "package.json"), `${JSON.stringify(manifest)}\n`);
  // The executable's own loader knows only built-in modules; a file's loader knows them all.
  writeFileSync(join(target, "import.cjs"), "module.exports = (url) => import(url);\n");
  const runtime = { title: `Node.js ${base.version} and what it is made of`, file: join(base.directory, "LICENSE") };
  writeFileSync(join(target, LICENCES_FILENAME), gatherLicences(stage, [runtime]));
  writeFileSync(join(target, PACKED_NAMES), JSON.stringify(filesBelow(target)));
}

/** Returns all files below `directory`, relative to it, in an order that does not depend on the disk. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

function copy(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}
