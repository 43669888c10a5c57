// Restores the images of an experiment. Names and directories come from the backup's database and are untrusted: they are used
// only for images in the restored data directory, and nothing there is overwritten.
import { basename, dirname, join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { pictureNameProblem } from "../image/picture-name.ts";
import type { PictureRow } from "../manifest/checks.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { placeOf } from "../manifest/picture-place.ts";
import type { CompressedFile } from "../manifest/storage.ts";
import { checkRecorded, type RecordedContent, withConfinedFile } from "../system/confined-file.ts";
import { fileFaultReason, isFileFault } from "../system/fault-of.ts";
import { isFileName, isPlainPath } from "../system/file-name.ts";
import { syncDirectory } from "../system/files.ts";
import { copyInto } from "../system/new-file.ts";
import { adoptCompressed, GZIP_SUFFIX } from "./compress.ts";

/** Where the images of a restored experiment are. */
export interface PlacedPictures {
  /** Images in its data directory, or where they were imported from. */
  readonly pictures: number;
  /** Images on the share. */
  readonly remote: number;
  /** Images in neither place, marked as missing. */
  readonly missing: number;
  /** Rows whose file name is not that of an image; they are set aside. */
  readonly refused: number;
}

export interface PlaceOptions {
  /** Directory that the images are copied from. */
  readonly source: string | undefined;
  /** Data directory of the restored experiment. */
  readonly dataDir: string;
  readonly remoteRoot: string;
  readonly nowUs: number;
  /** Called for each image that was looked for. */
  progress?: ((done: number, total: number) => void) | undefined;
  /** Called for each image in `source` that cannot be read or stored. */
  unread?: ((name: string, reason: string) => void) | undefined;
}

/** Copies each image, finds it on the share, or marks it as missing, so that no row names a file that does not exist. */
export async function placePictures(manifest: Manifest, options: PlaceOptions): Promise<PlacedPictures> {
  const counts = { pictures: 0, remote: 0, missing: 0, refused: 0 };
  const all = [...manifest.checks.pictures()];
  const rows = all.filter((row) => row.local);
  counts.remote = all.filter((row) => !row.local && row.synced && !row.missing).length;
  for (const [index, row] of rows.entries()) {
    options.progress?.(index + 1, rows.length);
    counts[await placePicture(row, manifest, options)] += 1;
  }
  syncDirectory(options.dataDir);
  return counts;
}

async function placePicture(row: PictureRow, manifest: Manifest, options: PlaceOptions): Promise<keyof PlacedPictures> {
  const { repairs } = manifest;
  const problem = pictureNameProblem(row.filename);
  if (problem !== undefined) {
    repairs.refuse(row.entryId, `its file name ${problem}`, options.nowUs);
    return "refused";
  }
  const here =
    row.filepath === options.dataDir ? await bring(row, manifest, options) : await isStillThere(row, options);
  if (here) {
    if (row.missing) repairs.markReturned(row.entryId);
    return "pictures";
  }
  if (row.synced && row.remotePath !== undefined && isPlainPath(row.remotePath)) {
    const remote = join(options.remoteRoot, row.remotePath);
    if (repairs.moveToRemote(row.entryId, dirname(remote), basename(remote))) return "remote";
  }
  if (!row.missing) repairs.markMissing(row.entryId, options.nowUs);
  return "missing";
}

/**
 * Copies an image from the given directory, in the form in which it is there; returns false if it does not exist or has other
 * content.
 */
async function bring(row: PictureRow, manifest: Manifest, options: PlaceOptions): Promise<boolean> {
  try {
    return await bringIfThere(row, manifest, options);
  } catch (error) {
    // An image that cannot be read or stored does not stop the others; a full or failing disk ends the restore.
    if (!(await isFileFault(error, options.dataDir))) throw error;
    options.unread?.(row.filename, fileFaultReason(error));
    return false;
  }
}

async function bringIfThere(row: PictureRow, manifest: Manifest, { source, dataDir }: PlaceOptions): Promise<boolean> {
  if (source === undefined) return false;
  const { entryId, filename, bytes, sha256 } = row;
  if (await copyPicture(source, dataDir, filename, sha256 === undefined ? { bytes } : { sha256 })) return true;
  const packed = await compressedSince(source, filename, sha256);
  if (packed === undefined || !(await copyPicture(source, dataDir, packed.filename, packed))) return false;
  manifest.storage.settleCompressed(entryId, packed);
  return true;
}

/** An image of that name with other content is not the right one. */
function copyPicture(source: string, dataDir: string, filename: string, recorded: RecordedContent): Promise<boolean> {
  return ifUsable(async () => {
    const { bytes, sha256 } = recorded;
    await withConfinedFile(source, filename, (file) =>
      copyInto(file, dataDir, filename, { recorded: { bytes, sha256 }, numbered: false }),
    );
    return true;
  });
}

/** Returns the file as it is there if the image was compressed after the snapshot and has the right content. */
async function compressedSince(
  source: string,
  filename: string,
  sha256: string | undefined,
): Promise<CompressedFile | undefined> {
  const path = `${filename}${GZIP_SUFFIX}`;
  if (sha256 === undefined || filename.endsWith(GZIP_SUFFIX) || !isFileName(path)) return undefined;
  let found: CompressedFile | undefined;
  await ifUsable(async () => {
    const outcome = await adoptCompressed({ directory: source, path }, sha256);
    if (outcome.kind === "compressed") found = outcome;
    return found !== undefined;
  });
  return found;
}

/** Whether an image that was imported from elsewhere is still there, with the recorded size. */
function isStillThere(row: PictureRow, { dataDir, remoteRoot }: PlaceOptions): Promise<boolean> {
  return ifUsable(async () => {
    const { directory, path } = placeOf(row, { dataDir, remoteRoot, followLinks: false });
    await withConfinedFile(directory, path, (file) => checkRecorded(file, { bytes: row.bytes }));
    return true;
  });
}

/**
 * Returns the result of `look`; false if the file is missing, a different one, a link or not a file. Throws errors of the disk.
 */
async function ifUsable(look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Failure && error.code.startsWith("file.")) return false;
    throw error;
  }
}
