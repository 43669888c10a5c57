// Crash recovery at start-up: deletes temporary files, requeues frames that were being measured, and adds rows for images
// without one.
import {
  adoptCompressed,
  type CompressOutcome,
  compressPicture,
  dropOriginal,
  GZIP_SUFFIX,
} from "../archive/compress.ts";
import type { SkippedList } from "../cameras/skipped-list.ts";
import type { StageLog } from "../log/logger.ts";
import { otherForm } from "../manifest/entries.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { placeOf } from "../manifest/picture-place.ts";
import type { Recovery } from "../manifest/recovery.ts";
import type { LocalPicture } from "../manifest/storage.ts";
import { Unrecorded } from "../manifest/unrecorded.ts";
import { skippedList } from "../stages/collector/skipped-pictures.ts";
import { counted } from "../system/counted.ts";
import { fileFaultReason, isFileFault } from "../system/fault-of.ts";
import { printable } from "../system/file-name.ts";
import { sweepPartials } from "../system/files.ts";
import { unusableNameLine } from "../system/names-in-bytes.ts";
import { adoptOwn, isAdoptable, type UnknownFile } from "./unknown-files.ts";

export interface RecoveryOptions {
  readonly manifest: Manifest;
  readonly dataDir: string;
  readonly runId: number;
  readonly maxAttempts: number;
  /** Root of the share; the rows of removed images name the copies there. */
  readonly remoteRoot: string;
  /** False if the source itself takes the images in the data directory. */
  readonly adopt: boolean;
  /** Also add links to images. */
  readonly followLinks: boolean;
  readonly log: StageLog;
  nowUs(): number;
}

/**
 * Images whose compression was interrupted; `settleForms` handles them. `skipped`: images that cannot be adopted; `foreign`:
 * images that `adoptForeign` adopts.
 */
export interface Interrupted extends Pick<Recovery, "twofold" | "renamed"> {
  readonly foreign: readonly UnknownFile[];
  readonly skipped: SkippedList;
}

/** Makes files and rows consistent (invariant 2). Loses nothing: it deletes only temporary files. */
export function recover(options: RecoveryOptions): Interrupted {
  const { manifest, dataDir, log, maxAttempts, remoteRoot } = options;
  for (const name of sweepPartials(dataDir)) log.warn(`removed ${name}, which was incomplete when the last run ended`);
  const late = new Unrecorded(dataDir).record(manifest, options.runId);
  if (late > 0) log.warn(`added ${counted(late, "frame")} to the database that the last run could not add`);
  const recovered = manifest.recover({ maxAttempts, nowUs: options.nowUs(), remoteRoot });
  const { requeued, failed, missing, refused, unclaimed, unusable, twofold, renamed } = recovered;
  if (requeued > 0)
    log.warn(
      `requeued ${counted(requeued, "frame")} that ${requeued === 1 ? "was" : "were"} being measured when the last run ended`,
    );
  for (const { filename, reason } of failed) log.error(`${filename}: failed: ${reason}`);
  for (const { filename, reason } of refused) {
    log.error(`${printable(filename).slice(1, -1)}: not opened: ${reason}; skipped this entry`);
  }
  for (const filename of missing) log.error(`${filename}: the image file does not exist; marked it as missing`);
  const skipped = options.adopt ? unusable.filter(isAdoptable).map(unusableNameLine) : [];
  const found = options.adopt ? adoptOwn(unclaimed, options) : { skipped: [], foreign: [] };
  skipped.push(...found.skipped);
  return { twofold, renamed, foreign: found.foreign, skipped: skippedList(skipped) };
}

/**
 * Finishes a compression that a crash interrupted: if both files hold the same image, keeps the compressed one. If their contents
 * differ, both are left.
 */
export async function settleForms(
  { twofold, renamed }: Pick<Interrupted, "twofold" | "renamed">,
  manifest: Manifest,
  log: StageLog,
): Promise<void> {
  /** If a file cannot be read, it is left for the next start; the others do not wait for it. */
  const each = async ({ filename, filepath }: LocalPicture, settle: () => Promise<void>): Promise<void> => {
    try {
      await settle();
    } catch (error) {
      if (!(await isFileFault(error, filepath))) throw error;
      log.error(
        `${filename}: cannot compare its original and its compressed file: ${fileFaultReason(error)}; the next start retries`,
      );
    }
  };
  const settled = (entryId: number, filename: string, outcome: CompressOutcome) =>
    manifest.whenFree(() => note(entryId, filename, outcome, manifest.storage, log));
  for (const picture of twofold) {
    const { entryId, filepath, filename, sha256 } = picture;
    await each(picture, async () => {
      if (!filename.endsWith(GZIP_SUFFIX)) {
        await settled(entryId, filename, await compressPicture(filepath, filename, sha256, UNLIMITED));
      } else if (await dropOriginal(filepath, filename)) {
        log.warn(`${filename}: removed the original, which is compressed already`);
      } else log.warn(`${filename}: ${otherForm(filename)} has different content; kept both files`);
    });
  }
  for (const picture of renamed) {
    const { entryId, filepath, filename } = picture;
    if (!filename.endsWith(GZIP_SUFFIX)) continue;
    await each(picture, async () => {
      const file = placeOf({ filepath, filename }, { dataDir: manifest.directory, remoteRoot: "", followLinks: false });
      await settled(entryId, filename, await adoptCompressed(file, manifest.storage.originalSha256(entryId)));
    });
  }
}

/** The compressed file exists already: effort and saving do not matter. */
const UNLIMITED = { level: 1, minSavingPercent: 0 };

function note(
  entryId: number,
  filename: string,
  outcome: CompressOutcome,
  storage: Manifest["storage"],
  log: StageLog,
): void {
  if (outcome.kind === "compressed") {
    const { kind: _, ...file } = outcome;
    storage.settleCompressed(entryId, file);
    log.warn(`${filename}: completed the compression that was interrupted when the last run ended`);
  } else if (outcome.kind === "refused") {
    log.error(`${filename}: ${outcome.reason}`);
  }
}
