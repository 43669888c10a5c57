// Writes a snapshot: everything live at one moment, as one directory. It only reads the experiment, so a run can continue
// meanwhile.
import { existsSync, readFileSync } from "node:fs";
import { open, realpath, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { stringify } from "smol-toml";
import * as z from "zod";
import type { Config } from "../config/schema.ts";
import { damagedDatabase } from "../failure/database-failure.ts";
import { decodeFailure, encodeFailure, Failure } from "../failure/failure.ts";
import { outcomeRecords } from "../manifest/established-export.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { updateCsv } from "../outputs/csv/file/append.ts";
import { currentCsv } from "../outputs/csv/file/current.ts";
import { CSV_FILENAME, CSV_OUTPUT, openRecordedCsv, parseCsvState } from "../outputs/csv/file/state.ts";
import { wholeMegabytes } from "../system/byte-size.ts";
import { withConfinedFile } from "../system/confined-file.ts";
import { diskSpace } from "../system/disk-space.ts";
import { fileFaultReason, isFileFault } from "../system/fault-of.ts";
import { ensureDirectory, fileSize, packageVersion, writeDurably } from "../system/files.ts";
import { copyInto } from "../system/new-file.ts";
import { backupName, buildWhole, newestBackup } from "./backup-directory.ts";
import { pack, writeSums } from "./compressed-file.ts";
import { snapshotReadme } from "./readme.ts";

/** Names of the files in a snapshot. */
export const SNAPSHOT = {
  database: `${MANIFEST_FILENAME}.gz`,
  csv: `${CSV_FILENAME}.gz`,
  results: "results.jsonl.gz",
  config: "config.toml",
  rois: "ROI_manifest.json",
  facts: "backup.json",
} as const;
const PLOTS = ["processed_data_plot.png", "processed_data_plot.svg"] as const;

const FACTS = z.object({
  format: z.literal(1),
  made_at: z.string(),
  phorest: z.string(),
  /** results.jsonl.gz contains the outcomes after the first and up to the last. */
  outcomes: z.tuple([z.int(), z.int()]),
  entries: z.int(),
  archives: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

/** Returns the description of a snapshot; undefined if this version does not know its format. */
export function readFacts(directory: string): z.output<typeof FACTS> | undefined {
  const path = join(directory, SNAPSHOT.facts);
  if (!existsSync(path)) return undefined;
  const parsed = FACTS.safeParse(JSON.parse(readFileSync(path, "utf8")));
  return parsed.success ? parsed.data : undefined;
}

export interface SnapshotOptions {
  readonly config: Config;
  /** The current ROI manifest. */
  readonly roiManifestFile: string;
  readonly nowUs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Snapshot {
  /** Its directory, absolute. */
  readonly path: string;
  readonly bytes: number;
  readonly entries: number;
  /** Files that could not be read; the snapshot is complete without them. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Writes a snapshot; it is complete and durable when the promise resolves. Failures, which leave nothing behind: `disk.full`
 * (before anything is written, if capture would have to pause for it), `backup.failed`, `manifest.corrupt`.
 */
export async function writeSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const { config, nowUs, signal } = options;
  const { data_dir: dataDir, backup_dir: backupDir, results_dir: resultsDir } = config.Paths;
  const live = Manifest.open({ file: join(dataDir, MANIFEST_FILENAME), readonly: true });
  try {
    await ensureDirectory(backupDir);
    checkSpace(config);
    const newest = newestBackup(backupDir, nowUs);
    const before = newest === undefined ? 0 : (readFacts(join(backupDir, newest))?.outcomes[1] ?? 0);
    let bytes = 0;
    let entries = 0;
    const leftOut: { name: string; reason: string }[] = [];
    const name = await buildWhole(backupDir, nowUs, async (directory) => {
      const hashes = new Map<string, string>();
      const packed = async (file: string, source: Parameters<typeof pack>[0]): Promise<void> => {
        const content = await pack(source, join(directory, file), signal);
        hashes.set(file, content.sha256);
        bytes += content.bytes;
      };
      const database = join(directory, MANIFEST_FILENAME);
      await live.snapshotTo(database, signal);
      const snapshot = openCopy(database, dataDir);
      try {
        refuseDamaged(snapshot, dataDir);
        const facts = factsOf(snapshot, before, nowUs);
        entries = facts.entries;
        await packed(SNAPSHOT.results, outcomeRecords(snapshot, facts.outcomes[0]));
        await packCsv(snapshot, join(resultsDir, CSV_FILENAME), directory, packed);
        await writeDurably(join(directory, SNAPSHOT.facts), `${JSON.stringify(facts, null, 2)}\n`);
        const archives = facts.archives.map(({ path }) => path);
        const readme = snapshotReadme(backupName(nowUs), facts.made_at, facts.phorest, archives);
        await writeDurably(join(directory, "README.txt"), readme);
      } finally {
        snapshot.close();
      }
      await packed(SNAPSHOT.database, await chunksOf(database));
      await rm(database);
      const copy = async (file: string, to = basename(file)): Promise<void> => {
        const reason = await copyIfThere(file, directory, to);
        if (reason !== undefined) leftOut.push({ name: file, reason });
      };
      for (const plot of PLOTS) await copy(join(resultsDir, plot));
      await copy(await realOf(options.roiManifestFile), SNAPSHOT.rois);
      // TOML has no null: keys without a value are left out.
      const settings = stringify(JSON.parse(JSON.stringify(config)));
      await writeDurably(join(directory, SNAPSHOT.config), `# The complete effective configuration.\n${settings}\n`);
      await writeSums(directory, hashes);
    });
    return { path: join(backupDir, name), bytes, entries, leftOut };
  } finally {
    live.close();
  }
}

/** A backup that fills the disk would make capture pause, so it is refused. */
function checkSpace({ Paths: paths, Storage: storage }: Config): void {
  const freeBytes = diskSpace(paths.backup_dir)?.freeBytes;
  const database = fileSize(join(paths.data_dir, MANIFEST_FILENAME)) ?? 0;
  const csv = fileSize(join(paths.results_dir, CSV_FILENAME)) ?? 0;
  // For a while, the copy and its compressed form exist at the same time.
  const needed = 2 * database + csv + storage.min_free_bytes;
  if (freeBytes === undefined || freeBytes >= needed) return;
  throw new Failure(
    "disk.full",
    `${paths.backup_dir}: ${wholeMegabytes(freeBytes)} free, but a backup needs ${wholeMegabytes(needed)}`,
    {
      hint: "free some space, lower Backup.keep, or put Paths.backup_dir on another disk; phorest retries",
      retry: "later",
    },
  );
}

/** Opens the copy. If it is damaged, so is the database that it was copied from. */
function openCopy(database: string, dataDir: string): Manifest {
  try {
    return Manifest.open({ file: database, readonly: true });
  } catch (error) {
    const { code, message } = encodeFailure(error);
    if (code !== "manifest.corrupt") throw error;
    throw decodeFailure(damagedDatabase(join(dataDir, MANIFEST_FILENAME), `a copy of it cannot be read (${message})`));
  }
}

function refuseDamaged(snapshot: Manifest, dataDir: string): void {
  const [first, ...rest] = snapshot.checks.integrityProblems();
  if (first === undefined) return;
  const more = rest.length === 0 ? "" : ` and ${rest.length} more`;
  throw decodeFailure(damagedDatabase(join(dataDir, MANIFEST_FILENAME), `${first}${more}; it cannot be backed up`));
}

function factsOf(snapshot: Manifest, before: number, nowUs: number): z.output<typeof FACTS> {
  const last = snapshot.outcomes.lastId();
  return {
    format: 1,
    made_at: isoFromUs(nowUs),
    phorest: packageVersion(),
    // A manifest that was restored from a copy is behind the last backup: everything in it is new.
    outcomes: [before > last ? 0 : before, last],
    entries: snapshot.history.counts().total,
    archives: snapshot.archives.all().map(({ path, sha256 }) => ({ path, sha256 })),
  };
}

type Packed = (file: string, source: Parameters<typeof pack>[0]) => Promise<void>;

/**
 * Compresses the part of the live CSV that the snapshot knows; writes the CSV from the snapshot if the file is a different one by
 * now.
 */
async function packCsv(snapshot: Manifest, csv: string, directory: string, packed: Packed): Promise<void> {
  const state = parseCsvState(snapshot.outputs.state(CSV_OUTPUT).state);
  const handle = state === undefined ? undefined : await openRecordedCsv(csv, state);
  if (handle !== undefined && state !== undefined && state.bytes > 0) {
    // The stream closes the file.
    await packed(SNAPSHOT.csv, handle.createReadStream({ start: 0, end: state.bytes - 1 }));
    return;
  }
  await handle?.close();
  const anew = join(directory, CSV_FILENAME);
  const { read, from } = currentCsv(snapshot, state);
  await updateCsv(anew, undefined, read, { from });
  await packed(SNAPSHOT.csv, await chunksOf(anew));
  await rm(anew);
}

async function chunksOf(path: string) {
  return (await open(path, "r")).createReadStream();
}

/**
 * Copies a file if it exists. Returns why it was left out: it is a link or not a file, or it cannot be read. Throws errors of the
 * disk.
 */
async function copyIfThere(path: string, directory: string, name: string): Promise<string | undefined> {
  try {
    await withConfinedFile(dirname(path), basename(path), (file) =>
      copyInto(file, directory, name, { numbered: false }),
    );
    return undefined;
  } catch (error) {
    if (error instanceof Failure && error.code === "file.missing") return undefined;
    if (!(await isFileFault(error, directory))) throw error;
    return fileFaultReason(error);
  }
}

/** The user may have replaced the ROI manifest by a link. */
async function realOf(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}
