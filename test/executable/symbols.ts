// Which glibc a program needs: the newest version of all that it asks of it.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

/** That of Ubuntu 22.04 is newer, that of RHEL 9 is this one. */
const NEWEST_MINOR = 34;

/** Expects that `program`, and all libraries that it has unpacked below `cache`, run on a system with glibc 2.34. */
export function expectOldGlibc(program: string, cache: string, objdump = "objdump"): void {
  const names = readdirSync(cache, { recursive: true, encoding: "utf8" });
  const libraries = names.filter((name) => /\.node$|\.so(\.[\d.]+)?$/.test(name)).map((name) => join(cache, name));
  expect(libraries.length).toBeGreaterThan(4);
  for (const file of [program, ...libraries]) {
    const symbols = spawnSync(objdump, ["-T", file], { encoding: "utf8", maxBuffer: 1e9 });
    expect(symbols.status, symbols.stderr).toBe(0);
    const minors = [...symbols.stdout.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    expect(minors.length, file).toBeGreaterThan(0);
    expect(Math.max(...minors), file).toBeLessThanOrEqual(NEWEST_MINOR);
  }
}
