// Explains why there is no database where an experiment should be.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkFileSystem } from "../archive/directory-identity.ts";
import type { Config } from "../config/schema.ts";
import { failureLine } from "../failure/failure.ts";
import type { Finding } from "./finding.ts";

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
  const ran = existsSync(join(Paths.logs_dir, "supervisor.log"));
  if (!ran) return [];
  const where = `${Paths.data_dir} contains no database`;
  return [gone(`${where}, although a run was here: check whether it was removed or moved, or its disk is not mounted`)];
}
