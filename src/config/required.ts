// Whether a run may begin without a configuration file. In a container or a service a file that is missing is a mistake: the
// built-in settings would photograph the simulated chip, and nobody sits there to notice.
import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { mayWrite } from "./directories.ts";
import type { Loaded } from "./loaded.ts";

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
  // As a container engine makes the directory of a volume that is not there: then nothing else can be done before.
  const owner = `${process.getuid?.()}:${process.getgid?.()}`;
  const cure = mayWrite(cwd)
    ? ""
    : `sudo chown -R ${owner} ${cwd}, in a container the host's directory that is mounted there; then `;
  throw new Failure("config.invalid", `${path} does not exist, and ${REQUIRED} forbids a run without it`, {
    hint: `${cure}write one with \`phorest config docs --toml > config.toml\`, set camera_type in it, or name another with --config`,
  });
}
