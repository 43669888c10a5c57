// Restores a snapshot, and the history archived before it, as an experiment that can run. Everything is checked before anything
// is written, and the directory gets its name only when it is complete.
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parse, stringify } from "smol-toml";
import { parseConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { stepCurrentCsv } from "../outputs/csv/file/current.ts";
import { CSV_OUTPUT, type CsvState } from "../outputs/csv/file/state.ts";
import { readConfined, withConfinedFile } from "../system/confined-file.ts";
import { isFileName, printable } from "../system/file-name.ts";
import { PARTIAL_SUFFIX, syncDirectory, writeDurably } from "../system/files.ts";
import { copyInto } from "../system/new-file.ts";
import { isArchivePath } from "./backup-directory.ts";
import { contentOf, sumsProblems, unpack } from "./compressed-file.ts";
import { ARCHIVE } from "./history.ts";
import { type PlacedPictures, placePictures } from "./restore-pictures.ts";
import { readFacts, SNAPSHOT } from "./snapshot.ts";

export interface RestoreOptions {
  /** The snapshot's directory. */
  readonly snapshot: string;
  /** A new or empty directory. */
  readonly into: string;
  /** Whether archived frames are put back into the live tables; otherwise their archives are copied as they are. */
  readonly withHistory: boolean;
  /** Directory that the images are copied from. */
  readonly pictures?: string | undefined;
  readonly nowUs: number;
  /** Called for each image that was looked for. */
  progress?(done: number, total: number): void;
  /** Called for each image in the directory of images that cannot be copied from there. */
  unread?(name: string, reason: string): void;
}

export interface Restored extends PlacedPictures {
  readonly directory: string;
  /** Live entries in the restored experiment. */
  readonly entries: number;
  readonly archivesMerged: number;
  readonly archivesKept: number;
}

const ENTRIES_PER_COPY = 64;

/**
 * Restores a snapshot. Failures: `usage.invalid` (no such backup, a directory that is not empty), `backup.damaged` (files that
 * are missing or do not match the list, all of them named), `disk.full`; nothing remains of an unfinished restore.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const snapshot = resolve(options.snapshot);
  const into = resolve(options.into);
  await checkSnapshot(snapshot);
  checkTarget(into);
  if (options.pictures !== undefined && !existsSync(options.pictures)) {
    throw new Failure("usage.invalid", `--pictures ${options.pictures}: the directory does not exist`);
  }
  const facts = readFacts(snapshot);
  const named = facts?.archives ?? [];
  const invalid = named.find(({ path }) => !isArchivePath(path));
  if (invalid !== undefined) {
    const where = `${join(snapshot, SNAPSHOT.facts)}: ${printable(invalid.path)} is not a valid path of an archive`;
    throw damaged([where], "nothing was written; use another backup");
  }
  const archives = named.map(({ path, sha256 }) => ({ path: join(dirname(snapshot), path), sha256 }));
  const sound = await checkArchives(archives, options.withHistory);
  const building = join(dirname(into), `.${basename(into)}.restoring${PARTIAL_SUFFIX}`);
  await rm(building, { recursive: true, force: true });
  try {
    await mkdir(building);
    const config = await layOut(snapshot, building);
    const manifest = Manifest.open({ file: join(building, "data", MANIFEST_FILENAME) });
    let pictures: PlacedPictures;
    let entries: number;
    try {
      if (options.withHistory) {
        for (const path of sound) await mergeArchive(manifest, path, building);
        manifest.archives.forgetAll();
        manifest.shares.attributeToFirst();
      } else {
        for (const path of sound) await copyArchive(path, join(building, "backup", "history", basename(path)));
      }
      endRecordedRun(manifest, `restored from ${basename(snapshot)}`, options.nowUs);
      // The files on the share belong to the original experiment: they may have grown since.
      for (const file of manifest.checks.syncedFiles()) manifest.repairs.forgetSynced(file);
      const { pictures: source, nowUs, progress, unread } = options;
      const { remote_root_dir: remoteRoot } = config.Paths;
      pictures = await placePictures(manifest, {
        source,
        dataDir: join(building, "data"),
        remoteRoot,
        nowUs,
        progress,
        unread,
      });
      await rewriteCsv(manifest, building);
      entries = manifest.history.counts().total;
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

/** Copies the files of an archive, which has no subdirectories. */
async function copyArchive(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const { name } of readdirSync(from, { withFileTypes: true }).filter((entry) => entry.isFile())) {
    await withConfinedFile(from, name, (file) => copyInto(file, to, name, { numbered: false }));
  }
}

async function checkSnapshot(snapshot: string): Promise<void> {
  if (!existsSync(snapshot) || !statSync(snapshot).isDirectory()) {
    throw new Failure("usage.invalid", `${snapshot}: the backup does not exist`, {
      hint: "name a directory in Paths.backup_dir, such as backup/20260304T050607Z",
    });
  }
  if (existsSync(join(snapshot, ARCHIVE.database)) && !existsSync(join(snapshot, SNAPSHOT.database))) {
    throw new Failure("usage.invalid", `${snapshot} is an archive, not a backup`, {
      hint: "restore the newest backup next to the history directory; this includes the archive",
    });
  }
  const problems = await sumsProblems(snapshot);
  if (problems.length > 0) throw damaged(problems, "nothing was written; use another backup");
}

function checkTarget(into: string): void {
  if (existsSync(into) && (!statSync(into).isDirectory() || readdirSync(into).length > 0)) {
    throw new Failure("usage.invalid", `--into ${into}: the directory is not empty`, {
      hint: "choose an empty one; restore never overwrites files",
    });
  }
  if (!existsSync(dirname(into))) {
    throw new Failure("usage.invalid", `--into ${into}: the directory ${dirname(into)} does not exist`, {
      hint: "create it first",
    });
  }
}

/** Returns the intact archives; with `required`, throws Failure `backup.damaged` for any other. */
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
      own.push(`${database} does not match this backup`);
    }
    if (own.length === 0) sound.push(path);
    problems.push(...own);
  }
  if (required && problems.length > 0) {
    throw damaged(problems, "put the archive back, or restore without it using --without-history");
  }
  return sound;
}

function damaged(problems: readonly string[], hint: string): Failure {
  return new Failure("backup.damaged", problems.join("\n"), { hint });
}

/** Puts the snapshot's files in their places; returns the configuration they were made with. */
async function layOut(snapshot: string, root: string): Promise<Config> {
  for (const directory of ["data", "results", "logs", "backup", "generated_files"]) await mkdir(join(root, directory));
  await unpack(snapshot, SNAPSHOT.database, join(root, "data", MANIFEST_FILENAME));
  for (const name of readdirSync(snapshot).filter((file) => file.startsWith("processed_data_plot"))) {
    await copyPlain(snapshot, name, join(root, "results"), name);
  }
  const settings = parse((await readConfined(snapshot, SNAPSHOT.config, LARGEST_SETTINGS_BYTES)).toString("utf8"));
  const made = parseConfig(stringify(settings), root).config;
  const { roi_manifest_filename: given } = made.Paths;
  // The backup's settings are untrusted: a name in them must not lead out of the restored directory, now or later.
  const roiManifest = isFileName(given) ? given : SNAPSHOT.rois;
  if (existsSync(join(snapshot, SNAPSHOT.rois))) {
    await copyPlain(snapshot, SNAPSHOT.rois, join(root, "generated_files"), roiManifest);
  }
  const here = {
    ...settings,
    Paths: {
      ...(settings.Paths as object),
      root_dir: ".",
      data_dir: "data",
      results_dir: "results",
      logs_dir: "logs",
      backup_dir: "backup",
      roi_manifest_filename: roiManifest,
    },
    Assets: { ...(settings.Assets as object), generated_files_dir: "generated_files" },
  };
  const text = `# Restored from ${basename(snapshot)}; paths inside the experiment are relative to this file.\n${stringify(here)}\n`;
  await writeDurably(join(root, "config.toml"), text);
  return made;
}

const LARGEST_SETTINGS_BYTES = 4e6;

async function copyPlain(from: string, name: string, directory: string, as: string): Promise<void> {
  await withConfinedFile(from, name, (file) => copyInto(file, directory, as, { numbered: false }));
}

/** Adds the frames of an archive to the live tables; rows that are live already are not changed. */
async function mergeArchive(manifest: Manifest, path: string, root: string): Promise<void> {
  const database = join(root, `.history.sqlite${PARTIAL_SUFFIX}`);
  await unpack(path, ARCHIVE.database, database);
  // Opened for writing: an archive of an earlier version is migrated first.
  const history = Manifest.open({ file: database });
  try {
    history.contents.copyContextTo(manifest.contents);
    const ids = history.contents.all().map(({ entryId }) => entryId);
    for (let at = 0; at < ids.length; at += ENTRIES_PER_COPY) {
      history.contents.copyEntriesTo(manifest.contents, ids.slice(at, at + ENTRIES_PER_COPY));
    }
  } finally {
    history.close();
  }
  for (const name of readdirSync(root).filter((file) => file.startsWith(".history.sqlite"))) await rm(join(root, name));
}

/** The run in which the snapshot was made was not killed: it continues elsewhere, or ended later. */
function endRecordedRun(manifest: Manifest, reason: string, nowUs: number): void {
  const run = manifest.runs.last();
  if (run !== undefined && run.endedAtUs === undefined) manifest.runs.end(run.runId, nowUs, reason);
  manifest.heartbeats.store(
    manifest.heartbeats.all().map((beat) => ({ ...beat, state: "stopped", detail: "", setAside: undefined })),
  );
}

/** Writes the CSVs of exactly what is live now, one for each analysis, and stores the state of the last one in the manifest. */
async function rewriteCsv(manifest: Manifest, root: string): Promise<void> {
  const archive = manifest.archives.last();
  const step = (known?: CsvState) => stepCurrentCsv(join(root, "results"), manifest, known, { archive });
  let { state, upToDate } = await step();
  while (!upToDate) ({ state, upToDate } = await step(state));
  manifest.outputs.configure([CSV_OUTPUT]);
  if (state.cursor >= manifest.outputs.state(CSV_OUTPUT).cursor) {
    manifest.outputs.advance(CSV_OUTPUT, state.cursor, JSON.stringify(state));
  }
}
