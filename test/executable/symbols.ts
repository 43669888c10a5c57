// Which glibc and libstdc++ a program needs: the newest version of all that it asks of them.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

/** What RHEL 9 has: glibc 2.34 and the libstdc++ of GCC 11. Debian 12 and Ubuntu 22.04 have newer ones. */
const NEWEST = { GLIBC_2: 34, "GLIBCXX_3.4": 29 } as const;

/** Expects that `program`, and all libraries that it has unpacked below `cache`, run on RHEL 9. */
export function expectOldGlibc(program: string, cache: string, objdump = "objdump"): void {
  const names = readdirSync(cache, { recursive: true, encoding: "utf8" });
  const libraries = names.filter((name) => /\.node$|\.so(\.[\d.]+)?$/.test(name)).map((name) => join(cache, name));
  expect(libraries.length).toBeGreaterThan(4);
  for (const file of [program, ...libraries]) {
    const symbols = spawnSync(objdump, ["-T", file], { encoding: "utf8", maxBuffer: 1e9 });
    expect(symbols.status, symbols.stderr).toBe(0);
    expect(symbols.stdout, file).toContain("GLIBC_2.");
    for (const [version, newest] of Object.entries(NEWEST)) {
      const minors = [...symbols.stdout.matchAll(new RegExp(`\\b${version.replaceAll(".", "\\.")}\\.(\\d+)`, "g"))];
      expect(Math.max(0, ...minors.map(([, minor]) => Number(minor))), `${file}: ${version}`).toBeLessThanOrEqual(
        newest,
      );
    }
  }
}
