// Finds the installed packages that a set of packages needs, for packing the executable and for its licences.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";

const packageFile = z.object({
  name: z.string(),
  version: z.string(),
  license: z.unknown().optional(),
  homepage: z.string().optional().catch(undefined),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

/** An installed package. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** As its author wrote it, usually an SPDX name. */
  readonly licence: string;
  readonly homepage: string | undefined;
  /** Absolute. */
  readonly directory: string;
}

/**
 * Returns the packages `names` and all their dependencies, as installed below `root`, sorted by path. Leaves out optional ones
 * that are not installed (those of other platforms), and `without` with what only they need. Throws if another one is missing,
 * and names the package that needs it.
 */
export function packageClosure(
  root: string,
  names: readonly string[],
  without: ReadonlySet<string> = new Set(),
): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const visit = (name: string, from: string, optional: boolean): void => {
    if (without.has(name)) return;
    const directory = installedAt(name, from, root);
    if (directory === undefined) {
      if (optional) return;
      throw new Error(`${name}, needed by ${from}, is not installed: run npm ci`);
    }
    if (found.has(directory)) return;
    const file = packageFile.parse(JSON.parse(readFileSync(join(directory, "package.json"), "utf8")));
    const { version, homepage, license } = file;
    found.set(directory, { name, version, licence: licenceName(license), homepage, directory });
    for (const needed of Object.keys(file.dependencies)) {
      visit(needed, directory, Object.hasOwn(file.optionalDependencies, needed));
    }
    for (const needed of Object.keys(file.optionalDependencies)) visit(needed, directory, true);
  };
  for (const name of names) visit(name, root, false);
  return [...found.values()].sort((a, b) => (a.directory < b.directory ? -1 : 1));
}

/** Returns the nearest installation visible from `from`, as Node looks for it. */
function installedAt(name: string, from: string, root: string): string | undefined {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (directory === root || directory === dirname(directory)) return undefined;
  }
}

function licenceName(license: unknown): string {
  if (typeof license === "string") return license;
  const type: unknown = typeof license === "object" && license !== null ? Reflect.get(license, "type") : undefined;
  return typeof type === "string" ? type : "see its text";
}
