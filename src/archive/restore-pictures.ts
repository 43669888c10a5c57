// The pictures of a restored experiment. Names and places come out of the backup's database: they are used only for pictures
// in the restored data directory, and nothing there is overwritten.
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

/** Where each picture of a restored experiment is. */
export interface PlacedPictures {
  /** In its data directory, or where they were imported from. */
  readonly pictures: number;
  /** On the share. */
  readonly remote: number;
  /** In neither place, marked as missing. */
  readonly missing: number;
  /** Rows whose file name is not a picture's; they are set aside. */
  readonly refused: number;
}

export interface PlaceOptions {
  /** Directory the pictures are copied from. */
  readonly source: string | undefined;
  /** Of the restored experiment. */
  readonly dataDir: string;
  readonly remoteRoot: string;
  readonly nowUs: number;
  /** Called for each picture looked for. */
  progress?: ((done: number, total: number) => void) | undefined;
  /** Called for each picture that is in `source` and cannot be read or stored. */
  unread?: ((name: string, reason: string) => void) | undefined;
}

/** Each picture is brought here, found on the share, or marked as missing: a row never names a file that is not there. */
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

/** Copies a picture from the given directory, in the form in which it is there; false when it is not, or is another one. */
async function bring(row: PictureRow, manifest: Manifest, options: PlaceOptions): Promise<boolean> {
  try {
    return await bringIfThere(row, manifest, options);
  } catch (error) {
    // One picture that cannot be read or stored holds up no other; a disk that is full or fails ends the restore.
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

/** A picture of that name with other content is not the one. */
function copyPicture(source: string, dataDir: string, filename: string, recorded: RecordedContent): Promise<boolean> {
  return ifUsable(async () => {
    const { bytes, sha256 } = recorded;
    await withConfinedFile(source, filename, (file) =>
      copyInto(file, dataDir, filename, { recorded: { bytes, sha256 }, numbered: false }),
    );
    return true;
  });
}

/** The picture as it is there if it was compressed after the snapshot, and proves to be the same one. */
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

/** Whether a picture that was imported from elsewhere is still where it was, of the size that was noted. */
function isStillThere(row: PictureRow, { dataDir, remoteRoot }: PlaceOptions): Promise<boolean> {
  return ifUsable(async () => {
    const { directory, path } = placeOf(row, { dataDir, remoteRoot, followLinks: false });
    await withConfinedFile(directory, path, (file) => checkRecorded(file, { bytes: row.bytes }));
    return true;
  });
}

/** What `look` finds; false where the file is missing, another one, a link or no file. Errors of the disk pass through. */
async function ifUsable(look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Failure && error.code.startsWith("file.")) return false;
    throw error;
  }
}
