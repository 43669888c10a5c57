// Checks everything that an experiment consists of: database, images, copies, archives, backups, leftovers.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { capabilitiesOf } from "../cameras/camera.ts";
import type { Config } from "../config/schema.ts";
import { DAMAGE_CURE } from "../failure/database-failure.ts";
import { captureTimeOf } from "../image/capture-name.ts";
import { usableStatus } from "../image/picture-files.ts";
import { isPictureName } from "../image/picture-name.ts";
import type { PictureRow, SyncedFile } from "../manifest/checks.ts";
import { MANIFEST_FILENAME, type Manifest } from "../manifest/manifest.ts";
import { pictureRoots } from "../manifest/picture-place.ts";
import { digestOpened, withConfinedFile } from "../system/confined-file.ts";
import { checkedFaultReason } from "../system/fault-of.ts";
import { PARTIAL_SUFFIX } from "../system/files.ts";
import { readNamesNow } from "../system/names-in-bytes.ts";
import type { Content } from "./compressed-file.ts";
import type { Finding } from "./finding.ts";
import { inspectRemote, type RemoteInspection, type RemoteState } from "./remote.ts";
import { checkArchives, checkBackups, isCopy, type Report } from "./verify-archives.ts";
import { checkPicture, unreadable } from "./verify-pictures.ts";

/** States of a remote root in which its copies can be read. */
const READABLE: ReadonlySet<RemoteState> = new Set(["ready", "read_only", "full"]);

/** During a run, an image may be between two names or two places: it is checked again after these times. */
const LOOK_AGAIN_MS = [100, 400];

export interface VerifyOptions {
  readonly config: Config;
  /** Opened for writing if repairs are wanted. */
  readonly manifest: Manifest;
  readonly repair: boolean;
  /** Whether the manifest is opened for writing, so that what imported and found images contain can be recorded. */
  readonly records: boolean;
  /** Whether a run is active: files may then appear and disappear during the check. */
  readonly running: boolean;
  readonly nowUs: number;
  found(finding: Finding): void;
  progress(done: number, total: number): void;
}

export interface Verified {
  readonly pictures: number;
  /** Images known to be missing or damaged before this check. */
  readonly knownMissing: number;
  readonly knownDamaged: number;
  /** Copies that could not be checked, because the share is not available. */
  readonly unseenCopies: number;
  /** Copies on other shares of this experiment, which are not mounted now. */
  readonly elsewhere: readonly CopiesElsewhere[];
  readonly archives: number;
  readonly backups: number;
  readonly findings: number;
  readonly repaired: number;
  /** Imported and found images whose size and hash were recorded for the first time, and those for which that was not possible now. */
  readonly recorded: number;
  readonly unrecorded: number;
}

/** The copies on a share that is not the mounted one. */
export interface CopiesElsewhere {
  readonly remoteId: string;
  readonly pictures: number;
  /** Number of auxiliary files. */
  readonly files: number;
  /** Names of the first and the last image; empty if there is none. */
  readonly first: string;
  readonly last: string;
}

/**
 * Checks everything. Deletes nothing, and changes nothing without `repair`; `records` adds sizes and hashes that were not
 * recorded yet.
 */
export async function verify(options: VerifyOptions): Promise<Verified> {
  const { config, manifest, repair, running, nowUs } = options;
  let findings = 0;
  let repaired = 0;
  const report = (finding: Finding): void => {
    findings += 1;
    if (finding.repaired !== undefined) repaired += 1;
    options.found(finding);
  };
  for (const problem of manifest.checks.integrityProblems()) report(databaseFinding(problem));
  if (!running) checkClaims(manifest, repair, report);

  const remote = inspectOwn(config.Paths.remote_root_dir, manifest);
  const remoteRoot = READABLE.has(remote.state) ? config.Paths.remote_root_dir : undefined;
  const shareId = remoteRoot === undefined ? manifest.shares.current()?.remoteId : remote.remoteId;
  const elsewhere = new Map<string, { names: string[]; files: number }>();
  const on = (remoteId: string) => {
    const known = elsewhere.get(remoteId) ?? { names: [], files: 0 };
    elsewhere.set(remoteId, known);
    return known;
  };
  const unseen = new Set<number>();
  const first = new Set<number>();
  const remoteThere = () => {
    // Another share in its place counts as none.
    const now = inspectRemote(config.Paths.remote_root_dir, remote.remoteId);
    return READABLE.has(now.state);
  };
  const context = {
    roots: { ...pictureRoots(config), remoteRoot: config.Paths.remote_root_dir },
    remoteRoot,
    shareId,
    repairs: repair ? manifest.repairs : undefined,
    nowUs,
    firstContent: (entryId: number, { bytes, sha256 }: Content) => {
      first.add(entryId);
      if (options.records) manifest.repairs.recordContent(entryId, bytes, sha256);
    },
    remoteThere,
    unseen: (entryId: number) => unseen.add(entryId),
    elsewhere: ({ remoteId = "", filename }: PictureRow) => {
      on(remoteId).names.push(filename);
    },
  };
  const total = manifest.history.counts().total;
  const counts = { pictures: 0, knownMissing: 0, knownDamaged: 0 };
  for (const row of manifest.checks.pictures()) {
    counts.pictures += 1;
    counts.knownMissing += row.missing ? 1 : 0;
    counts.knownDamaged += row.damaged ? 1 : 0;
    let found = await checkPicture(row, context);
    // The image may have been compressed, moved or removed during the check: only a problem that persists is a finding.
    for (const pauseMs of running ? LOOK_AGAIN_MS : []) {
      if (found.length === 0) break;
      await sleep(pauseMs);
      const again = manifest.checks.picture(row.entryId);
      found = again === undefined ? [] : await checkPicture(again, context);
    }
    for (const finding of found) report(finding);
    options.progress(counts.pictures, total);
  }
  const files = manifest.checks.syncedFiles();
  for (const { remoteId } of files.filter((file) => file.remoteId !== shareId)) on(remoteId).files += 1;
  if (remoteRoot !== undefined) {
    const mounted = files.filter(({ remoteId }) => remoteId === shareId);
    await checkSyncedFiles(options, { root: remoteRoot, files: mounted, remoteThere }, report);
  }
  if (unseen.size > 0) {
    const copies = unseen.size === 1 ? "1 copy was" : `${unseen.size} copies were`;
    const why = remoteRoot === undefined ? remote.words : `${remoteRoot} was disconnected meanwhile`;
    report({
      kind: "remote away",
      subject: config.Paths.remote_root_dir,
      meaning: `${why}; ${copies} not checked`,
      cure: `${remote.remedy === "" ? "mount the share" : remote.remedy}, and verify again`,
    });
  }
  await checkUnknownFiles(options, report);
  const archives = await checkArchives(config.Paths.backup_dir, manifest, report);
  const backups = await checkBackups(config.Paths.backup_dir, report);
  return {
    ...counts,
    unseenCopies: unseen.size,
    elsewhere: [...elsewhere].map(([remoteId, { names, files: beside }]) => ({
      remoteId,
      pictures: names.length,
      files: beside,
      first: names[0] ?? "",
      last: names.at(-1) ?? "",
    })),
    archives,
    backups,
    findings,
    repaired,
    recorded: options.records ? first.size : 0,
    unrecorded: options.records ? 0 : first.size,
  };
}

/** Inspects the mounted share if this experiment was ever copied to it; any other counts as none. */
function inspectOwn(root: string, manifest: Manifest): RemoteInspection {
  const found = inspectRemote(root);
  const known = manifest.shares.all();
  if (known.length === 0 || known.some(({ remoteId }) => remoteId === found.remoteId)) return found;
  return inspectRemote(root, manifest.shares.current()?.remoteId);
}

function databaseFinding(problem: string): Finding {
  return {
    kind: "database",
    subject: MANIFEST_FILENAME,
    meaning: problem,
    cure: DAMAGE_CURE,
  };
}

function checkClaims(manifest: Manifest, repair: boolean, report: Report): void {
  const { processing } = manifest.history.counts();
  if (processing === 0) return;
  if (repair) manifest.repairs.releaseClaims();
  report({
    kind: "stuck",
    subject: `${processing} frames`,
    meaning: "marked as being measured, but no run is active",
    cure: "the next run measures them; --repair requeues them",
    repaired: repair ? "requeued" : undefined,
  });
}

async function checkSyncedFiles(
  { manifest, repair, running }: VerifyOptions,
  {
    root,
    files,
    remoteThere,
  }: { readonly root: string; readonly files: readonly SyncedFile[]; remoteThere(): boolean },
  report: Report,
): Promise<void> {
  for (const file of files) {
    const path = join(root, file.remotePath);
    const found = await isCopy(root, file);
    if (found === true) continue;
    // During a run, its copy may just have been replaced by a newer one.
    const now = running ? manifest.syncing.syncedFile(file.remoteId, file.path) : file;
    if (now === undefined || (running && (await isCopy(root, now)) === true)) continue;
    if (!remoteThere()) return;
    if (typeof found === "string") {
      report(unreadable(path, found));
      continue;
    }
    const there = existsSync(path);
    if (repair) manifest.repairs.forgetSynced(file);
    report({
      kind: there ? "copy damaged" : "copy gone",
      subject: path,
      meaning: there ? "its content has changed since it was copied" : "the copy on the share is missing",
      cure: "--repair has it copied again",
      repaired: repair ? "it is copied again by the next sync" : undefined,
    });
  }
}

/** Checks for files in data_dir that have no row. */
async function checkUnknownFiles({ config, manifest, repair, running }: VerifyOptions, report: Report): Promise<void> {
  const dataDir = config.Paths.data_dir;
  const importer = capabilitiesOf(config.Camera.camera_type).inPlace;
  const { names, unusable } = readNamesNow(dataDir);
  for (const name of unusable.filter(isPictureName)) {
    report({
      kind: "unknown file",
      subject: name,
      meaning: "an image whose name is not valid UTF-8; phorest cannot measure it",
      cure: "rename it",
    });
  }
  for (const name of names) {
    if (name.endsWith(PARTIAL_SUFFIX)) {
      if (running) continue;
      report({
        kind: "leftover",
        subject: name,
        meaning: "an incomplete file of an interrupted run; it is not used",
        cure: "the next `phorest run` removes it",
      });
    } else if (isPictureName(name) && !importer && !manifest.entries.knowsFile(name)) {
      // A capture is durable a moment before its row exists: during a run, such a file is new, not unknown.
      if (running) continue;
      const { follow_links: followLinks } = config.Camera;
      const status = usableStatus(dataDir, name, followLinks, (line) =>
        report({ kind: "refused", subject: name, meaning: line, cure: "remove it, or allow it" }),
      );
      if (status === undefined) continue;
      const capturedAtUs = captureTimeOf(name);
      // Images of other programs have pages, a series and times of their own, which only a run finds out.
      const isOwn = capturedAtUs !== undefined;
      if (repair && isOwn) {
        try {
          const content = await withConfinedFile(dataDir, name, (file) => digestOpened(file), { followLinks });
          manifest.entries.adopt({ filename: name, filepath: dataDir, capturedAtUs, ...content });
        } catch (error) {
          const reason = checkedFaultReason(error);
          if (reason === undefined) throw error;
          report(unreadable(name, reason));
          continue;
        }
      }
      report({
        kind: "unknown file",
        subject: name,
        meaning: "an image that is not in the database",
        cure: isOwn ? "--repair or the next run adds it" : "the next run adds it, with the times and pages that it has",
        repaired: repair && isOwn ? "added to the queue" : undefined,
      });
    }
  }
}
