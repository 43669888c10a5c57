// `phorest verify`: compares every file and hash, local and on the share, with the database.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { backupText, damageFound, repairDatabase, repairLines } from "../archive/damaged-database.ts";
import { type Finding, findingLine } from "../archive/finding.ts";
import { type CopiesElsewhere, type Verified, verify } from "../archive/verify.ts";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { type ExperimentLock, experimentHolder, lockExperiment } from "../manifest/lock.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { endRepair, type Repaired } from "../manifest/repair.ts";
import { damageOf } from "../manifest/soundness.ts";
import { Unrecorded } from "../manifest/unrecorded.ts";
import { wallClockUs } from "../system/clock.ts";
import { counted } from "../system/counted.ts";
import { Progress } from "../terminal/progress.ts";
import type { GlobalOptions } from "./global.ts";
import { stoppable } from "./stoppable.ts";

interface VerifyArguments extends GlobalOptions {
  repair: boolean;
}

const FINDINGS = 3;

export const verifyCommand: CommandModule<GlobalOptions, VerifyArguments> = {
  command: "verify",
  describe: "Compare every file and hash, local and on the share, with the database",
  builder: (yargs) =>
    yargs
      .option("repair", {
        type: "boolean",
        default: false,
        describe: "Fix what can be fixed: add, requeue or mark frames; never deletes a file or changes a hash",
      })
      .example("$0 verify", "exit code 0: all files are as recorded, 3: there are findings")
      .example("$0 verify --repair", "fix what can be fixed; not while a run is active"),
  handler: async ({ config: file, json, repair }) => {
    const { config } = loadConfig(file);
    const path = join(config.Paths.data_dir, MANIFEST_FILENAME);
    // Opened first, so that a wrong directory is reported and nothing is created in it. A database of an older version has to
    // be updated before it can be read; --repair does that without capturing.
    if (!existsSync(path)) Manifest.open({ file: path, readonly: true }).close();
    await stoppable((signal) => verifyOnce({ config, path, repair, json, signal }));
  },
};

interface Way {
  readonly config: Config;
  /** Of the manifest. */
  readonly path: string;
  readonly repair: boolean;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

async function verifyOnce({ config, path, repair, json, signal }: Way): Promise<void> {
  let lock = repair ? lockExperiment(config.Paths.data_dir) : undefined;
  const running = !repair && experimentHolder(config.Paths.data_dir) !== undefined;
  let manifest: Manifest | undefined;
  try {
    if (repair) endRepair(path);
    const damage = damageOf(path, true);
    if (damage !== undefined && !repair) return sayDamage(damageFound(path, damage, config), json);
    const repaired = damage === undefined ? undefined : repairNow(path, config, damage, json);
    manifest = Manifest.open({ file: path, readonly: !repair });
    if (!repair && !running && manifest.checks.hasUnrecorded()) {
      lock = lockIfPossible(config.Paths.data_dir);
      if (lock !== undefined) manifest = reopened(manifest, path);
    }
    const records = lock !== undefined;
    const late = repair ? new Unrecorded(config.Paths.data_dir).record(manifest) : 0;
    if (late > 0 && !json) process.stdout.write(`added ${counted(late, "waiting frame")} to the database\n`);
    const findings: Finding[] = [];
    const verified = await check({ config, manifest, repair, records, running, json, findings, signal });
    if (json) process.stdout.write(`${JSON.stringify({ ...verified, findings, repair: repaired })}\n`);
    else process.stdout.write(`${[...verified.elsewhere.map(elsewhereLine), summary(verified, repair)].join("\n")}\n`);
    process.exitCode = verified.findings > 0 || repaired !== undefined ? FINDINGS : 0;
  } finally {
    manifest?.close();
    lock?.release();
  }
}

/**
 * Locks the experiment to record the content of imported images; returns undefined if a run has just started, or if nothing can
 * be written there.
 */
function lockIfPossible(dataDir: string): ExperimentLock | undefined {
  try {
    return lockExperiment(dataDir);
  } catch (error) {
    if (error instanceof Failure || errorCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** Opens it again for writing. */
function reopened(manifest: Manifest, path: string): Manifest {
  manifest.close();
  return Manifest.open({ file: path });
}

/** Reports only the damaged database, because its content is not reliable. */
function sayDamage(finding: Finding, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify({ findings: [finding] })}\n` : `${findingLine(finding)}\n`);
  process.exitCode = FINDINGS;
}

function repairNow(path: string, config: Config, { message }: Failure, json: boolean): Repaired {
  if (!json) process.stdout.write(`${message}\n`);
  let bar: Progress | undefined;
  const repaired = repairDatabase(path, config, {
    nowUs: wallClockUs(),
    progress: (_done, total) => {
      bar ??= new Progress(total, "pages");
      bar.advance();
    },
  });
  bar?.clear();
  const { backup_dir: backupDir } = config.Paths;
  if (!json) process.stdout.write(`${[...repairLines(path, repaired), backupText(backupDir)].join("\n")}\n`);
  return repaired;
}

interface CheckOptions {
  readonly config: Config;
  readonly manifest: Manifest;
  readonly repair: boolean;
  readonly records: boolean;
  readonly running: boolean;
  readonly json: boolean;
  readonly findings: Finding[];
  readonly signal: AbortSignal;
}

async function check({ json, findings, signal, ...options }: CheckOptions): Promise<Verified> {
  let bar: Progress | undefined;
  const verified = await verify({
    ...options,
    nowUs: wallClockUs(),
    found: (finding) => {
      if (json) {
        findings.push(finding);
        return;
      }
      bar?.clear();
      process.stdout.write(`${findingLine(finding)}\n`);
    },
    progress: (_done, total) => {
      signal.throwIfAborted();
      bar ??= new Progress(total, "frames");
      bar.advance();
    },
  });
  bar?.clear();
  return verified;
}

function elsewhereLine({ remoteId, pictures, files, first, last }: CopiesElsewhere): string {
  const names = pictures > 1 ? `, ${first} to ${last}` : first === "" ? "" : `, ${first}`;
  const others = `${files} other ${files === 1 ? "file" : "files"}`;
  const what = `${pictures} ${pictures === 1 ? "image" : "images"}${names}, and ${others}`;
  return `not checked: ${what} on share ${remoteId}, which is not mounted (mount it in place of the current share to check them)`;
}

function summary(verified: Verified, repair: boolean): string {
  const { pictures, archives, backups, findings, repaired, knownMissing, knownDamaged, recorded, unrecorded } =
    verified;
  const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const checked = `${count(pictures, "image")}, ${count(archives, "archive")}, ${count(backups, "backup")} checked`;
  const known = [
    ...(knownMissing > 0 ? [`${knownMissing} already known to be missing`] : []),
    ...(knownDamaged > 0 ? [`${knownDamaged} already known to be damaged`] : []),
  ].join(", ");
  const result =
    findings === 0
      ? "everything is as recorded"
      : `${count(findings, "finding")}${repair ? `, ${repaired} repaired` : ""}`;
  const first =
    recorded > 0
      ? `; recorded size and hash of ${count(recorded, "image")} for the first time, later changes will be found`
      : unrecorded > 0
        ? `; size and hash of ${count(unrecorded, "image")} are not recorded yet: verify again while no run is active`
        : "";
  return `${checked}: ${result}${known === "" ? "" : ` (${known})`}${first}`;
}
