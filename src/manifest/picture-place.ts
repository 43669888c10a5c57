// Decides where an image that a row names may be opened. The row's directory and name are untrusted: they must lead to one
// regular file below a directory of this experiment, and no link on the way is followed.
import { isAbsolute, join, relative } from "node:path";
import type { Config } from "../config/schema.ts";
import { checkPictureName } from "../image/picture-name.ts";
import type { NamedFile } from "../system/confined-file.ts";

/** The directories of an experiment that hold images. The user chose them, so they may be links themselves. */
export interface PictureRoots {
  readonly dataDir: string;
  /** Empty: no share. */
  readonly remoteRoot: string;
  /** Whether links in the data directory are followed (Camera.follow_links). */
  readonly followLinks: boolean;
}

export function pictureRoots({ Paths, Camera }: Config): PictureRoots {
  return { dataDir: Paths.data_dir, remoteRoot: Paths.remote_root_dir, followLinks: Camera.follow_links };
}

/**
 * Returns the file that a row means by its directory (absolute) and name. Images in the data directory and on the share are
 * opened from there. An imported image elsewhere is opened from the root of the file system, and no part of its path may be a
 * link. Throws Failure `file.refused` if the name is not that of an image.
 */
export function placeOf(
  {
    filepath,
    filename,
    page,
  }: { readonly filepath: string; readonly filename: string; readonly page?: number | undefined },
  { dataDir, remoteRoot, followLinks }: PictureRoots,
): NamedFile {
  checkPictureName(filename, filepath);
  const ofPage = page === undefined ? {} : { page };
  if (filepath === dataDir) return { directory: dataDir, path: filename, followLinks, ...ofPage };
  const root = [dataDir, remoteRoot].find((directory) => directory !== "" && isInside(filepath, directory)) ?? "/";
  return { directory: root, path: join(relative(root, filepath), filename), ...ofPage };
}

/** Whether a directory (absolute) is `root` or below it. */
export function isInside(directory: string, root: string): boolean {
  const path = relative(root, directory);
  return path !== ".." && !path.startsWith("../") && !isAbsolute(path);
}
