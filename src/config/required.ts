// Whether a run may start without a configuration file, or with one that names no camera. In a container or a service this is a
// mistake: the built-in settings would capture images of the simulated chip, and no one would notice.

import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { shellWord } from "../failure/quote.ts";
import { mayWrite } from "./directories.ts";
import type { Loaded } from "./loaded.ts";

const REQUIRED = "PHOREST_REQUIRE_CONFIG";

/** Whether the environment asks for a configuration file. */
export function isConfigRequired(env: NodeJS.ProcessEnv): boolean {
  const value = env[REQUIRED]?.trim() ?? "";
  return value !== "" && value !== "0";
}

/** Whether a run would use the simulated chip although no setting asks for it. */
export function isSimulatedByDefault({ config, origins }: Loaded): boolean {
  if (!config.Services.enable_camera || config.Camera.camera_type !== "simulated") return false;
  const isSet = (key: string) => typeof origins.get(key) === "object";
  return ![...origins.keys()].some(
    (key) => (key === "Camera.camera_type" || key.startsWith("Simulation.")) && isSet(key),
  );
}

/**
 * Throws Failure config.invalid if there is no configuration file, or if it would use the simulated chip without asking for it.
 */
export function checkConfigured(loaded: Loaded, cwd: string = process.cwd()): void {
  const { file } = loaded;
  if (file !== undefined) {
    if (!isSimulatedByDefault(loaded)) return;
    throw new Failure(
      "config.invalid",
      `${file} does not set Camera.camera_type, and ${REQUIRED} forbids a run without it`,
      {
        hint: 'set camera_type below [Camera]; `phorest cameras` lists what is attached; "simulated" computes its images',
      },
    );
  }
  const path = join(cwd, "config.toml");
  // A container engine creates the directory of a missing volume as root: its owner must be changed before anything else.
  const owner = `${process.getuid?.()}:${process.getgid?.()}`;
  const remedy = mayWrite(cwd)
    ? ""
    : `sudo chown -R ${owner} ${shellWord(cwd)} (in a container: the directory of the host that is mounted there); then `;
  throw new Failure("config.invalid", `${path} does not exist, and ${REQUIRED} requires it`, {
    hint: `${remedy}create one with \`phorest config docs --toml > config.toml\` and set camera_type in it, or name another file with --config`,
  });
}
