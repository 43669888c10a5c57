// Whether a run may begin without a configuration file. In a container or a service a file that is missing is a mistake: the
// built-in settings would photograph the simulated chip, and nobody sits there to notice.
import { join } from "node:path";
import { Failure } from "../failure.ts";
import type { Loaded } from "./config.ts";

const REQUIRED = "PHOREST_REQUIRE_CONFIG";

/** Whether the environment asks for a configuration file. */
export function isConfigRequired(env: NodeJS.ProcessEnv): boolean {
  const value = env[REQUIRED]?.trim() ?? "";
  return value !== "" && value !== "0";
}

/** Throws Failure config.invalid where the settings are of no file. */
export function checkConfigured({ file }: Loaded, cwd: string = process.cwd()): void {
  if (file !== undefined) return;
  const path = join(cwd, "config.toml");
  throw new Failure("config.invalid", `${path} does not exist, and ${REQUIRED} forbids a run without it`, {
    hint: "write one with `phorest config docs --toml > config.toml`, set camera_type in it, or name another with --config",
  });
}
