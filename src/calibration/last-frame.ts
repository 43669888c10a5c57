// Finds the newest picture of an experiment, also while it runs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { pictureNameProblem } from "../image/picture-name.ts";
import { MANIFEST_FILENAME, Manifest, type StoredEntry } from "../manifest/manifest.ts";
import { type PictureRoots, pictureRoots, placeOf } from "../manifest/picture-place.ts";
import { type NamedFile, shownPath } from "../system/confined-file.ts";

/** Returns the newest picture that still exists locally. Failure usage.invalid if there is none. Changes nothing. */
export function lastFrame(config: Config): NamedFile {
  const manifest = Manifest.open({ file: join(config.Paths.data_dir, MANIFEST_FILENAME), readonly: true });
  try {
    const last = manifest.history.lastEntry();
    const roots = pictureRoots(config);
    const newest = fileOf(last ?? {}, roots) ?? newestOf(manifest, roots);
    if (newest !== undefined) return newest;
    throw new Failure("usage.invalid", `${config.Paths.data_dir}: the experiment has no image yet`, {
      hint: "wait for the first frame, or use an image file",
    });
  } finally {
    manifest.close();
  }
}

/** Searches older entries, in case the last capture failed or its picture was moved to the share. */
function newestOf(manifest: Manifest, roots: PictureRoots): NamedFile | undefined {
  let newest: NamedFile | undefined;
  for (const { filepath, filename, page, local, missing, damaged } of manifest.checks.pictures()) {
    if (local && !missing && !damaged) newest = fileOf({ filepath, filename, page }, roots) ?? newest;
  }
  return newest;
}

function fileOf(
  { filepath, filename, page }: Partial<Pick<StoredEntry, "filepath" | "filename" | "page">>,
  roots: PictureRoots,
): NamedFile | undefined {
  if (filepath === undefined || filename === undefined || pictureNameProblem(filename) !== undefined) return undefined;
  const file = placeOf({ filepath, filename, page }, roots);
  return existsSync(shownPath(file)) ? file : undefined;
}
