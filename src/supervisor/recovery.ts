// What a start makes good of a death: half-written files go, claims of the dead go back, files without a row get one.
import { statSync } from "node:fs";
import { join } from "node:path";
import { isPictureName } from "../analysis/decode.ts";
import {
  adoptCompressed,
  type CompressOutcome,
  compressPicture,
  dropOriginal,
  GZIP_SUFFIX,
} from "../archive/compress.ts";
import { unusableNameLine } from "../file-names.ts";
import { sweepPartials } from "../files.ts";
import { captureTimeOf } from "../frame/frame.ts";
import { BRIGHTFIELD_PREFIX } from "../frame/storing.ts";
import type { StageLog } from "../log.ts";
import { otherForm } from "../manifest/entries.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Recovery } from "../manifest/recovery.ts";
import type { SkippedList } from "./messages.ts";
import { skippedList } from "./skipped-pictures.ts";

export interface RecoveryOptions {
  readonly manifest: Manifest;
  readonly dataDir: string;
  readonly runId: number;
  readonly maxAttempts: number;
  /** Where the copies lie that removed pictures are known by. */
  readonly remoteRoot: string;
  /** False when the source itself takes the pictures lying in the data directory. */
  readonly adopt: boolean;
  readonly log: StageLog;
  nowUs(): number;
}

/** Pictures whose compression was interrupted; `settleForms` looks into them. `skipped`: those that cannot be adopted. */
export interface Interrupted extends Pick<Recovery, "twofold" | "renamed"> {
  readonly skipped: SkippedList;
}

/** Brings files and rows into agreement (invariant 2). Loses nothing: it deletes only temporary files. */
export function recover(options: RecoveryOptions): Interrupted {
  const { manifest, dataDir, log, maxAttempts, remoteRoot } = options;
  for (const name of sweepPartials(dataDir)) log.warn(`removed ${name}, half-written when the last run ended`);
  const found = manifest.recover({ maxAttempts, nowUs: options.nowUs(), remoteRoot });
  const { requeued, failed, missing, unclaimed, unusable, twofold, renamed } = found;
  if (requeued > 0) log.warn(`${requeued} frames were in hand when the last run ended; they are measured again`);
  for (const { filename, reason } of failed) log.error(`${filename}: failed: ${reason}`);
  for (const filename of missing) log.error(`${filename}: the picture is gone, its row is marked as missing`);
  if (options.adopt) adoptUnknownFiles(unclaimed, options);
  const skipped = options.adopt ? unusable.filter(isAdoptable).map(unusableNameLine) : [];
  return { twofold, renamed, skipped: skippedList(skipped) };
}

/**
 * Ends what a death interrupted between two steps of a compression: of two files that hold the same picture the
 * compressed one stays. Files that hold different things are both left where they are.
 */
export async function settleForms(
  { twofold, renamed }: Pick<Interrupted, "twofold" | "renamed">,
  { storage }: Manifest,
  log: StageLog,
): Promise<void> {
  for (const { entryId, filepath, filename, sha256 } of twofold) {
    const path = join(filepath, filename);
    if (filename.endsWith(GZIP_SUFFIX)) {
      if (await dropOriginal(path)) log.warn(`${filename}: its original lay beside it again and was removed`);
      else log.warn(`${filename}: beside it lies ${otherForm(filename)}, which holds something else; both stay`);
      continue;
    }
    const outcome = await compressPicture(path, sha256, UNLIMITED);
    note(entryId, filename, outcome, storage, log);
  }
  for (const { entryId, filepath, filename } of renamed) {
    if (!filename.endsWith(GZIP_SUFFIX)) continue;
    const outcome = await adoptCompressed(join(filepath, filename), storage.originalSha256(entryId));
    note(entryId, filename, outcome, storage, log);
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
    log.warn(`${filename}: its compression, interrupted when the last run ended, is completed`);
  } else if (outcome.kind === "refused") {
    log.error(`${filename}: ${outcome.reason}`);
  }
}

const isAdoptable = (name: string): boolean => isPictureName(name) && !name.startsWith(BRIGHTFIELD_PREFIX);

function adoptUnknownFiles(unclaimed: readonly string[], { manifest, dataDir, runId, log }: RecoveryOptions): void {
  const unknown = unclaimed
    .filter((name) => isAdoptable(name) && !manifest.knowsFile(name))
    .map((name) => ({ name, capturedAtUs: captureTimeUs(dataDir, name) }))
    .sort((a, b) => a.capturedAtUs - b.capturedAtUs);
  for (const { name, capturedAtUs } of unknown) {
    const bytes = statSync(join(dataDir, name)).size;
    manifest.adoptFile({ runId, filename: name, filepath: dataDir, capturedAtUs, bytes });
    log.warn(`${name}: a picture without a row, adopted`);
  }
}

/** The moment of capture, µs UTC: from the name we give to captures, otherwise from the file's modification time. */
function captureTimeUs(directory: string, filename: string): number {
  return captureTimeOf(filename) ?? Math.round(statSync(join(directory, filename)).mtimeMs * 1000);
}
