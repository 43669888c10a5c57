// Opens the database of an experiment for commands that only read it.
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";

/** Opens the database after checking it for damage. Throws a Failure if it does not exist or is damaged. */
export function openStored({ Paths }: Pick<Config, "Paths">): Manifest {
  return Manifest.open({ file: join(Paths.data_dir, MANIFEST_FILENAME), readonly: true, check: true });
}

/** Returns what `read` finds in the database, opened as by `openStored`. */
export function readStored<T>(config: Pick<Config, "Paths">, read: (manifest: Manifest) => T): T {
  const manifest = openStored(config);
  try {
    return read(manifest);
  } finally {
    manifest.close();
  }
}

/** Returns the capture time of the first frame; undefined without frames. */
export function firstFrameUs(config: Pick<Config, "Paths">): number | undefined {
  return readStored(config, ({ history }) => history.oldestCaptureUs());
}

/** Returns what `read` finds in the database of a run that has just opened, and so checked, it. */
export function readOpened<T>(file: string, read: (manifest: Manifest) => T): T {
  const manifest = Manifest.open({ file, readonly: true });
  try {
    return read(manifest);
  } finally {
    manifest.close();
  }
}
