// A snapshot, and the history archived before it, back as an experiment that runs. Everything is checked before anything
// is written, and the directory appears under its name only when it is whole.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { copyFile, cp, mkdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parse, stringify } from "smol-toml";
import { parseConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { CSV_FILENAME, CSV_OUTPUT, updateCsv } from "../delivery/csv-output.ts";
import { Failure } from "../failure.ts";
import { PARTIAL_SUFFIX, syncDirectory, writeDurably } from "../files.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import type { CompressedFile } from "../manifest/storage.ts";
import { adoptCompressed, GZIP_SUFFIX } from "./compress.ts";
import { ARCHIVE } from "./history.ts";
import { contentOf, sumsProblems, unpack } from "./packing.ts";
import { readFacts, SNAPSHOT } from "./snapshot.ts";

export interface RestoreOptions {
  /** The snapshot's directory. */
  readonly snapshot: string;
  /** New or empty. */
  readonly into: string;
  /** Whether archived frames come back into the live files; otherwise their archives are copied as they are. */
  readonly withHistory: boolean;
  /** Directory the pictures are copied from. */
  readonly pictures?: string | undefined;
  readonly nowUs: number;
  /** Called for each picture looked for. */
  progress?(done: number, total: number): void;
}

export interface Restored {
  readonly directory: string;
  /** Live in the restored experiment. */
  readonly entries: number;
  readonly archivesMerged: number;
  readonly archivesKept: number;
  /** Pictures lying in its data directory. */
  readonly pictures: number;
  /** Pictures that are on the share. */
  readonly remote: number;
  /** Pictures that are in neither place, marked as missing. */
  readonly missing: number;
}

const ENTRIES_PER_COPY = 64;

/**
 * Restores a snapshot. Failures: `usage.invalid` (no such backup, a directory that is not empty), `backup.damaged` (a file is
 * missing or not what its list says, all of them named), `disk.full`; nothing is left of what was begun.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const snapshot = resolve(options.snapshot);
  const into = resolve(options.into);
  await checkSnapshot(snapshot);
  checkTarget(into);
  if (options.pictures !== undefined && !existsSync(options.pictures)) {
    throw new Failure("usage.invalid", `--pictures ${options.pictures}: there is no such directory`);
  }
  const facts = readFacts(snapshot);
  const archives = (facts?.archives ?? []).map(({ path, sha256 }) => ({ path: join(dirname(snapshot), path), sha256 }));
  const sound = await checkArchives(archives, options.withHistory);
  const building = join(dirname(into), `.${basename(into)}.restoring${PARTIAL_SUFFIX}`);
  await rm(building, { recursive: true, force: true });
  try {
    await mkdir(building);
    const config = await layOut(snapshot, building);
    const manifest = Manifest.open({ file: join(building, "data", MANIFEST_FILENAME) });
    let pictures: Pick<Restored, "pictures" | "remote" | "missing">;
    let entries: number;
    try {
      if (options.withHistory) {
        for (const path of sound) await mergeArchive(manifest, path, building);
        manifest.forgetArchives();
        manifest.syncing.attributeToFirstShare();
      } else {
        for (const path of sound)
          await cp(path, join(building, "backup", "history", basename(path)), { recursive: true });
      }
      endRecordedRun(manifest, `restored from ${basename(snapshot)}`, options.nowUs);
      // The files on the share are those of the experiment that was: they may have grown since, and are not this one's.
      for (const file of manifest.syncedFiles()) manifest.repairs.forgetSynced(file);
      pictures = await placePictures(manifest, config, building, options);
      await writeCsvAnew(manifest, building);
      entries = manifest.counts().total;
    } finally {
      manifest.close();
    }
    if (existsSync(into)) await rmdir(into);
    await rename(building, into);
    syncDirectory(dirname(into));
    const merged = options.withHistory ? sound.length : 0;
    return { directory: into, entries, archivesMerged: merged, archivesKept: sound.length - merged, ...pictures };
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
}

async function checkSnapshot(snapshot: string): Promise<void> {
  if (!existsSync(snapshot) || !statSync(snapshot).isDirectory()) {
    throw new Failure("usage.invalid", `${snapshot}: there is no such backup`, {
      hint: "name one of the directories in Paths.backup_dir, such as backup/20260304T050607Z",
    });
  }
  if (existsSync(join(snapshot, ARCHIVE.database)) && !existsSync(join(snapshot, SNAPSHOT.database))) {
    throw new Failure("usage.invalid", `${snapshot} is archived history, not a snapshot`, {
      hint: "restore the newest snapshot beside its history directory; it brings this history with it",
    });
  }
  const problems = await sumsProblems(snapshot);
  if (problems.length > 0) throw damaged(problems, "nothing was written; take another backup");
}

function checkTarget(into: string): void {
  if (existsSync(into) && (!statSync(into).isDirectory() || readdirSync(into).length > 0)) {
    throw new Failure("usage.invalid", `--into ${into}: it is not empty, and a restore replaces nothing`, {
      hint: "name a directory that is new or empty",
    });
  }
  if (!existsSync(dirname(into))) {
    throw new Failure("usage.invalid", `--into ${into}: the directory ${dirname(into)} does not exist`, {
      hint: "create it first",
    });
  }
}

/** The archives that are whole; with `required`, Failure `backup.damaged` for any that is not. */
async function checkArchives(
  archives: readonly { readonly path: string; readonly sha256: string }[],
  required: boolean,
): Promise<string[]> {
  const sound: string[] = [];
  const problems: string[] = [];
  for (const { path, sha256 } of archives) {
    const own = await sumsProblems(path);
    const database = join(path, ARCHIVE.database);
    if (own.length === 0 && (await contentOf(database)).sha256 !== sha256) {
      own.push(`${database} is not the one this snapshot knows`);
    }
    if (own.length === 0) sound.push(path);
    problems.push(...own);
  }
  if (required && problems.length > 0) {
    throw damaged(problems, "put the archive back, or restore the rest with --without-history");
  }
  return sound;
}

function damaged(problems: readonly string[], hint: string): Failure {
  return new Failure("backup.damaged", problems.join("\n"), { hint });
}

/** The snapshot's files in their places; returns the configuration they were made with. */
async function layOut(snapshot: string, root: string): Promise<Config> {
  for (const directory of ["data", "results", "logs", "backup", "generated_files"]) await mkdir(join(root, directory));
  await unpack(join(snapshot, SNAPSHOT.database), join(root, "data", MANIFEST_FILENAME));
  for (const name of readdirSync(snapshot).filter((file) => file.startsWith("processed_data_plot"))) {
    await copyFile(join(snapshot, name), join(root, "results", name));
  }
  const settings = parse(readFileSync(join(snapshot, SNAPSHOT.config), "utf8"));
  const made = parseConfig(stringify(settings), root).config;
  const rois = join(snapshot, SNAPSHOT.rois);
  if (existsSync(rois)) await copyFile(rois, join(root, "generated_files", made.Paths.roi_manifest_filename));
  const here = {
    ...settings,
    Paths: {
      ...(settings.Paths as object),
      root_dir: ".",
      data_dir: "data",
      results_dir: "results",
      logs_dir: "logs",
      backup_dir: "backup",
    },
    Assets: { ...(settings.Assets as object), generated_files_dir: "generated_files" },
  };
  const text = `# Restored from ${basename(snapshot)}; paths inside the experiment are relative to this file.\n${stringify(here)}\n`;
  await writeDurably(join(root, "config.toml"), text);
  return made;
}

/** Frames of an archive become live again; rows that are live already stay as they are. */
async function mergeArchive(manifest: Manifest, path: string, root: string): Promise<void> {
  const database = join(root, `.history.sqlite${PARTIAL_SUFFIX}`);
  await unpack(join(path, ARCHIVE.database), database);
  // Opened to be written: an archive of an earlier version is brought up to date first.
  const history = Manifest.open({ file: database });
  try {
    history.copyContext(manifest);
    const ids = history.contents().map(({ entryId }) => entryId);
    for (let at = 0; at < ids.length; at += ENTRIES_PER_COPY) {
      history.copyEntries(manifest, ids.slice(at, at + ENTRIES_PER_COPY));
    }
  } finally {
    history.close();
  }
  for (const name of readdirSync(root).filter((file) => file.startsWith(".history.sqlite"))) await rm(join(root, name));
}

/** The run in which the snapshot was made did not die: it goes on elsewhere, or ended later. */
function endRecordedRun(manifest: Manifest, reason: string, nowUs: number): void {
  const run = manifest.lastRun();
  if (run !== undefined && run.endedAtUs === undefined) manifest.endRun(run.runId, nowUs, reason);
  manifest.storeHeartbeats(
    manifest.heartbeats().map((beat) => ({ ...beat, state: "stopped", detail: "", setAside: undefined })),
  );
}

/** Each picture is brought here, found on the share, or marked as missing: a row never names a file that is not there. */
async function placePictures(
  manifest: Manifest,
  config: Config,
  root: string,
  { pictures: source, nowUs, progress }: RestoreOptions,
): Promise<Pick<Restored, "pictures" | "remote" | "missing">> {
  const counts = { pictures: 0, remote: 0, missing: 0 };
  const all = [...manifest.pictures()];
  const rows = all.filter((row) => row.local);
  counts.remote = all.filter((row) => !row.local && row.synced && !row.missing).length;
  const { repairs } = manifest;
  for (const [index, row] of rows.entries()) {
    progress?.(index + 1, rows.length);
    const inside = row.filepath === join(root, "data");
    const target = join(row.filepath, row.filename);
    const from = source === undefined ? undefined : join(source, row.filename);
    const packed = inside && from !== undefined ? await compressedSince(from, row.sha256) : undefined;
    if (inside && from !== undefined && (await isPicture(from, row.sha256))) {
      await copyFile(from, target);
      if (row.missing) repairs.markReturned(row.entryId);
      counts.pictures += 1;
    } else if (packed !== undefined) {
      await copyFile(`${from}${GZIP_SUFFIX}`, `${target}${GZIP_SUFFIX}`);
      manifest.storage.settleCompressed(row.entryId, packed);
      if (row.missing) repairs.markReturned(row.entryId);
      counts.pictures += 1;
    } else if (existsSync(target)) {
      // A picture that lay outside of data_dir, and still lies there.
      counts.pictures += 1;
    } else if (row.synced && row.remotePath !== undefined) {
      const remote = join(config.Paths.remote_root_dir, row.remotePath);
      repairs.moveToRemote(row.entryId, dirname(remote), basename(remote));
      counts.remote += 1;
    } else {
      if (!row.missing) repairs.markMissing(row.entryId, nowUs);
      counts.missing += 1;
    }
  }
  syncDirectory(join(root, "data"));
  return counts;
}

/** A picture of that name with other content is not the one. */
async function isPicture(path: string, sha256: string | undefined): Promise<boolean> {
  if (!existsSync(path)) return false;
  return sha256 === undefined || (await contentOf(path)).sha256 === sha256;
}

/** The picture as it lies there if it was compressed after the snapshot, and proves to be the same one. */
async function compressedSince(from: string, sha256: string | undefined): Promise<CompressedFile | undefined> {
  const target = `${from}${GZIP_SUFFIX}`;
  if (sha256 === undefined || existsSync(from) || !existsSync(target)) return undefined;
  const outcome = await adoptCompressed(target, sha256);
  return outcome.kind === "compressed" ? outcome : undefined;
}

/** The CSV of exactly what is live now, and the manifest's word for it. */
async function writeCsvAnew(manifest: Manifest, root: string): Promise<void> {
  const read = (cursor: number, limit: number) => manifest.outcomesAfter(cursor, limit);
  const { state } = await updateCsv(join(root, "results", CSV_FILENAME), undefined, read, {
    archive: manifest.lastArchive(),
  });
  manifest.configureOutputs([CSV_OUTPUT]);
  if (state.cursor >= manifest.outputState(CSV_OUTPUT).cursor) {
    manifest.advanceOutput(CSV_OUTPUT, state.cursor, JSON.stringify(state));
  }
}
