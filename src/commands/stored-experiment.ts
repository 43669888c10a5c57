// The database of an experiment, opened for a command that only reads it.
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";

/** Opens the database after a check of its soundness. Throws a Failure where there is none, or a damaged one. */
export function openStored({ Paths }: Pick<Config, "Paths">): Manifest {
  return Manifest.open({ file: join(Paths.data_dir, MANIFEST_FILENAME), readonly: true, check: true });
}

/** What `read` finds in the database, which is opened as by `openStored`. */
export function readStored<T>(config: Pick<Config, "Paths">, read: (manifest: Manifest) => T): T {
  const manifest = openStored(config);
  try {
    return read(manifest);
  } finally {
    manifest.close();
  }
}

/** When the first frame was captured; undefined without frames. */
export function firstFrameUs(config: Pick<Config, "Paths">): number | undefined {
  return readStored(config, ({ history }) => history.oldestCaptureUs());
}

/** What `read` finds in the database of a run that has just opened, and so checked, it. */
export function readOpened<T>(file: string, read: (manifest: Manifest) => T): T {
  const manifest = Manifest.open({ file, readonly: true });
  try {
    return read(manifest);
  } finally {
    manifest.close();
  }
}
