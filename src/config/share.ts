// Checks that the configuration names the share that copies are written to.
import { existsSync } from "node:fs";
import { Failure } from "../failure/failure.ts";
import type { Loaded } from "./loaded.ts";
import { shownPath } from "./toml-file.ts";

/**
 * Refuses to wait for a share that was never named: the default is a directory next to the file, which is a share only after it
 * has been prepared. Throws Failure config.invalid.
 */
export function checkShare({ config, origins, file }: Loaded): void {
  if (origins.get("Paths.remote_root_dir") !== "default" || existsSync(config.Paths.remote_root_dir)) return;
  const where = file === undefined ? "configuration" : shownPath(file);
  const hint =
    'set it to a directory on the mounted share, for example remote_root_dir = "/mnt/lab/experiment_7", and prepare it with `phorest init-remote`';
  throw new Failure("config.invalid", `${where}: no share is configured, because Paths.remote_root_dir is not set`, {
    hint,
  });
}

/** Does the same if the configuration enables copies to a share. */
export function checkWantedShare(loaded: Loaded): void {
  if (loaded.config.Services.enable_remote_sync) checkShare(loaded);
}
