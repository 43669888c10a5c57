// Other people's writers of picture files, through Debian's Python: what the product reads must not only be what its own
// tests write. Where a module is absent, tests say so and are skipped, unless PHOREST_REQUIRE_ALL=1.
import { execFileSync, spawnSync } from "node:child_process";
import { isThere } from "./support/needed.ts";

const PYTHON = "/usr/bin/python3";

/** Whether Python has these modules; says what is absent. Throws in place of that with PHOREST_REQUIRE_ALL=1. */
export function hasPython(...modules: readonly string[]): boolean {
  const absent = modules.filter((module) => spawnSync(PYTHON, ["-c", `import ${module}`]).status !== 0);
  const packages = absent.map((module) => `python3-${module === "cv2" ? "opencv" : module}`).join(" ");
  return isThere(packages, absent.length === 0);
}

/** Runs a Python program with arguments; returns what it printed. Throws when it fails. */
export function runPython(program: string, ...args: readonly string[]): string {
  return execFileSync(PYTHON, ["-c", program, ...args], { encoding: "utf8", maxBuffer: 1e8 });
}

/** Runs a Python program in a file with arguments; returns what it printed. Throws when it fails. */
export function runPythonFile(file: string, ...args: readonly string[]): string {
  return execFileSync(PYTHON, [file, ...args], {
    encoding: "utf8",
    maxBuffer: 1e8,
    stdio: ["ignore", "pipe", "ignore"],
  });
}
