// What a start makes good of a death: half-written files go, claims of the dead go back, files without a row get one.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isPictureName } from "../analysis/decode.ts";
import { sweepPartials } from "../files.ts";
import { captureTimeOf } from "../frame/frame.ts";
import { BRIGHTFIELD_PREFIX } from "../frame/storing.ts";
import type { StageLog } from "../log.ts";
import type { Manifest } from "../manifest/manifest.ts";

export interface RecoveryOptions {
  readonly manifest: Manifest;
  readonly dataDir: string;
  readonly runId: number;
  readonly maxAttempts: number;
  /** False when the source itself takes the pictures lying in the data directory. */
  readonly adopt: boolean;
  readonly log: StageLog;
  nowUs(): number;
}

/** Brings files and rows into agreement (invariant 2). Loses nothing: it deletes only temporary files. */
export function recover(options: RecoveryOptions): void {
  const { manifest, dataDir, log } = options;
  for (const name of sweepPartials(dataDir)) log.warn(`removed ${name}, half-written when the last run ended`);
  const { requeued, failed, missing } = manifest.recover({ maxAttempts: options.maxAttempts, nowUs: options.nowUs() });
  if (requeued > 0) log.warn(`${requeued} frames were in hand when the last run ended; they are measured again`);
  for (const { filename, reason } of failed) log.error(`${filename}: failed: ${reason}`);
  for (const filename of missing) log.error(`${filename}: the picture is gone, its row is marked as missing`);
  if (options.adopt) adoptUnknownFiles(options);
}

function adoptUnknownFiles({ manifest, dataDir, runId, log }: RecoveryOptions): void {
  const unknown = readdirSync(dataDir)
    .filter((name) => isPictureName(name) && !name.startsWith(BRIGHTFIELD_PREFIX) && !manifest.knowsFile(name))
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
