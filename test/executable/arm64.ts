// `npm run test:arm64`: makes the executables of this commit for arm64 and for this machine, and runs the one for arm64,
// emulated. Says what is missing, and does nothing, where arm64 cannot be emulated or compiled for; with
// PHOREST_REQUIRE_ALL=1 that is a failure.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PackingError } from "../../scripts/package/steps.ts";
import { targetFor } from "../../scripts/package/target.ts";
import { lackingForArm64 } from "./emulated.ts";

const root = join(fileURLToPath(import.meta.url), "../../..");

function lacking(): string | undefined {
  if (process.arch !== "x64") return `this machine is ${process.arch}, and what arm64 measures is compared with x64`;
  try {
    targetFor("arm64");
  } catch (error) {
    if (error instanceof PackingError) return error.message;
    throw error;
  }
  return lackingForArm64();
}

function step(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { cwd: root, stdio: "inherit" }).status === 0;
}

const why = lacking();
if (why !== undefined) {
  process.stderr.write(`arm64 is not tried: ${why}\n`);
  process.exitCode = process.env.PHOREST_REQUIRE_ALL === "1" ? 1 : 0;
} else {
  const isGood =
    step("npm", "run", "package", "--", "--arch", "x64") &&
    step("npm", "run", "package", "--", "--arch", "arm64") &&
    step("npx", "vitest", "run", "--config", "vitest.package.config.ts", "test/executable/arm64.check.ts");
  process.exitCode = isGood ? 0 : 1;
}
