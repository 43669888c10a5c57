// The newest picture of an experiment, for whoever looks at it while the experiment runs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";

/** Path of the newest picture that still lies here. Failure usage.invalid when there is none. Changes nothing. */
export function lastFrame(config: Config): string {
  const manifest = Manifest.open({ file: join(config.Paths.data_dir, MANIFEST_FILENAME), readonly: true });
  try {
    const last = manifest.lastEntry();
    const newest = pathOf(last?.filepath, last?.filename) ?? newestOf(manifest);
    if (newest !== undefined) return newest;
    throw new Failure("usage.invalid", `${config.Paths.data_dir}: the experiment has no picture here yet`, {
      hint: "wait for the first frame, or give a picture of your own",
    });
  } finally {
    manifest.close();
  }
}

/** For when the last capture failed, or its picture has moved to the share. */
function newestOf(manifest: Manifest): string | undefined {
  let newest: string | undefined;
  for (const { filepath, filename, local, missing, damaged } of manifest.pictures()) {
    if (local && !missing && !damaged) newest = pathOf(filepath, filename) ?? newest;
  }
  return newest;
}

function pathOf(directory: string | undefined, filename: string | undefined): string | undefined {
  if (directory === undefined || filename === undefined) return undefined;
  const path = join(directory, filename);
  return existsSync(path) ? path : undefined;
}
