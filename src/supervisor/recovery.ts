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
  /** Where the copies are that removed pictures are known by. */
  readonly remoteRoot: string;
  /** False if the source itself takes the pictures in the data directory. */
  readonly adopt: boolean;
  /** Also add links to images. */
  readonly followLinks: boolean;
  readonly log: StageLog;
  nowUs(): number;
}

/**
 * Pictures whose compression was interrupted; `settleForms` looks into them. `skipped`: those that cannot be adopted;
 * `foreign`: those that `adoptForeign` adopts.
 */
export interface Interrupted extends Pick<Recovery, "twofold" | "renamed"> {
  readonly foreign: readonly UnknownFile[];
  readonly skipped: SkippedList;
}

/** Brings files and rows into agreement (invariant 2). Loses nothing: it deletes only temporary files. */
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
 * Ends what a crash interrupted between two steps of a compression: of two files that hold the same picture the
 * compressed one stays. Files that hold different things are both left where they are.
 */
export async function settleForms(
  { twofold, renamed }: Pick<Interrupted, "twofold" | "renamed">,
  manifest: Manifest,
  log: StageLog,
): Promise<void> {
  /** One whose files cannot be read is left for the next start; the others do not wait for it. */
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

/** The compressed file is there already: neither effort nor saving is in question. */
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
