// Explains why there is no database where an experiment should be.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkFileSystem } from "../archive/directory-identity.ts";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import type { StageName } from "../log/stage-names.ts";
import type { Finding } from "./finding.ts";

const STARTED = ["collector", "processor", "communicator"] as const satisfies readonly StageName[];

/** Returns why there is nothing to read although there should be. */
export function absence({ Paths, Storage }: Config): Finding[] {
  const gone = (text: string): Finding => ({ key: "experiment.gone", state: "problem", text, notifyAfterSeconds: 0 });
  if (Storage.usb_uuid !== undefined) {
    try {
      checkFileSystem(Storage.usb_uuid, Paths.root_dir);
    } catch (error) {
      return [gone(failureLine(error))];
    }
  }
  // A run that was refused at its start has written to the supervisor's log only.
  const ran = STARTED.some((stage) => existsSync(join(Paths.logs_dir, `${stage}.log`)));
  if (!ran) return [];
  const where = `${Paths.data_dir} contains no database`;
  return [gone(`${where}, although a run was here: check whether it was removed or moved, or its disk is not mounted`)];
}
