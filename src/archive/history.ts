// Archives: finished history in a separate database with the same schema as the live one. They are written and verified here by a
// process that only reads the live manifest; archive-move.ts, in the process that writes it, deletes the rows from the live
// tables.
//
//   write under a temporary name ▸ count, check, read back ▸ rename ▸ record in the manifest ▸ delete live rows ▸ "moved"
//
// A crash before the record leaves an archive that the next pass finds and records. A crash after it leaves rows in both, and the
// next pass continues deleting. So a row may be in both for a while, but is never in neither.
import { createReadStream, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate as yieldToEventLoop } from "node:timers/promises";
import { Failure } from "../failure/failure.ts";
import type { FinishedEntry } from "../manifest/archives.ts";
import type { ArchivedEntry } from "../manifest/contents.ts";
import { Manifest } from "../manifest/manifest.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { updateCsv } from "../outputs/csv/file/append.ts";
import { analysisCsvName } from "../outputs/csv/file/state.ts";
import { packageVersion, writeDurably } from "../system/files.ts";
import { numberedName } from "../system/numbered-name.ts";
import { backupName, buildWhole, HISTORY } from "./backup-directory.ts";
import { pack, writeSums } from "./compressed-file.ts";
import { historyReadme } from "./readme.ts";

/** Names of the files in an archive; the results of additional analyses are in `history_NAME.csv.gz`. */
export const ARCHIVE = { database: "history.sqlite.gz", csv: "history.csv.gz", index: "index.json" } as const;
const DATABASE = "history.sqlite";
const CSV = "history.csv";

/** Largest number of frames in one archive; limits memory and the duration of a pass. */
const ENTRIES_PER_ARCHIVE = 10_000;
const ENTRIES_PER_COPY = 16;

const DAY_US = 86_400_000_000;

/** A complete, durable and verified archive. Plain data. */
export interface WrittenArchive {
  /** Relative to the backup directory. */
  readonly path: string;
  readonly sha256: string;
  readonly firstCapturedAtUs: number;
  readonly lastCapturedAtUs: number;
  readonly contents: readonly ArchivedEntry[];
}

export interface HistoryOptions {
  readonly manifestFile: string;
  readonly backupDir: string;
  /** Age from which finished frames are archived, days; 0: never. */
  readonly afterDays: number;
  /** Whether images are copied to a share, so that their copies are required. */
  readonly syncing: boolean;
  readonly nowUs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes finished frames that are old enough to a new archive. Returns undefined if there are none or too few: an archive is made
 * at most once a day, because each one is a directory that stays for ever. `more`: another archive is due.
 */
export async function writeHistory(
  options: HistoryOptions,
): Promise<{ readonly written: WrittenArchive; readonly more: boolean } | undefined> {
  const { backupDir, afterDays, nowUs, syncing } = options;
  if (afterDays === 0) return undefined;
  const live = Manifest.open({ file: options.manifestFile, readonly: true });
  try {
    const beforeUs = nowUs - afterDays * DAY_US;
    const found = live.archives.finishedEntries({ beforeUs, limit: ENTRIES_PER_ARCHIVE, syncing });
    const dataDir = dirname(options.manifestFile);
    const entries = found.filter(({ filename }) => isGone(dataDir, filename));
    const [oldest] = entries;
    if (oldest === undefined) return undefined;
    const last = entries.reduce((one, other) => (other.capturedAtUs > one.capturedAtUs ? other : one), oldest);
    const full = found.length >= ENTRIES_PER_ARCHIVE;
    if (!full && oldest.capturedAtUs > beforeUs - Math.min(1, afterDays) * DAY_US) return undefined;
    let sha256 = "";
    const contents = entries.map(({ entryId, outcomeIds }) => ({ entryId, outcomeIds }));
    const name = await buildWhole(join(backupDir, HISTORY), nowUs, async (directory) => {
      sha256 = await fill(directory, live, contents, options, [oldest, last]);
    });
    const span = { firstCapturedAtUs: oldest.capturedAtUs, lastCapturedAtUs: last.capturedAtUs };
    return { written: { path: `${HISTORY}/${name}`, sha256, contents, ...span }, more: full };
  } finally {
    live.close();
  }
}

/** A row may say that its image is gone before the file is; the row stays until the file is gone too. */
function isGone(dataDir: string, filename: string | undefined): boolean {
  if (filename === undefined) return true;
  const plain = filename.replace(/\.gz$/, "");
  return !existsSync(join(dataDir, plain)) && !existsSync(join(dataDir, `${plain}.gz`));
}

async function fill(
  directory: string,
  live: Manifest,
  contents: readonly ArchivedEntry[],
  { nowUs, signal }: HistoryOptions,
  [first, last]: readonly [FinishedEntry, FinishedEntry],
): Promise<string> {
  const database = join(directory, DATABASE);
  const history = Manifest.open({ file: database });
  const ids = contents.map(({ entryId }) => entryId);
  try {
    live.contents.copyContextTo(history.contents);
    for (let at = 0; at < ids.length; at += ENTRIES_PER_COPY) {
      signal?.throwIfAborted();
      live.contents.copyEntriesTo(history.contents, ids.slice(at, at + ENTRIES_PER_COPY));
      await yieldToEventLoop();
    }
  } finally {
    history.close();
  }
  const copy = Manifest.open({ file: database, readonly: true });
  let csvs: string[];
  try {
    prove(copy, live, contents, directory);
    csvs = await writeCsvs(copy, directory);
  } finally {
    copy.close();
  }
  const hashes = new Map<string, string>();
  for (const plain of [DATABASE, ...csvs]) {
    const packed = `${plain}.gz`;
    hashes.set(packed, (await pack(createReadStream(join(directory, plain)), join(directory, packed), signal)).sha256);
    await rm(join(directory, plain));
  }
  const index = {
    format: 1,
    first_captured_at: isoFromUs(first.capturedAtUs),
    last_captured_at: isoFromUs(last.capturedAtUs),
    // For each frame: its entry id, then the ids of its outcomes.
    entries: contents.map(({ entryId, outcomeIds }) => [entryId, ...outcomeIds]),
  };
  await writeDurably(join(directory, ARCHIVE.index), `${JSON.stringify(index)}\n`);
  const span = `${index.first_captured_at} to ${index.last_captured_at}`;
  const readme = historyReadme(backupName(nowUs), isoFromUs(nowUs), packageVersion(), ids.length, span);
  await writeDurably(join(directory, "README.txt"), readme);
  await writeSums(directory, hashes);
  const sha256 = hashes.get(ARCHIVE.database);
  if (sha256 === undefined) throw new Error("the database of the archive was not compressed");
  return sha256;
}

/** Writes the results of a run, one file per analysis as a run does; history.csv has those of the last one. Returns the names. */
async function writeCsvs({ analyses, outcomes }: Manifest, directory: string): Promise<string[]> {
  const lastId = outcomes.analysisBeside(outcomes.lastId(), "before");
  const ofRuns = analyses.all().filter(({ remeasuredAtUs }) => remeasuredAtUs === undefined);
  const written = new Set<number>();
  const names: string[] = [];
  for (const analysis of ofRuns.sort((a, b) => Number(b.analysisId === lastId) - Number(a.analysisId === lastId))) {
    if (written.has(analysis.analysisId)) continue;
    const same = analyses.sameMeasure(analysis);
    for (const id of same) written.add(id);
    const name = names.length === 0 ? CSV : freeName(analysisCsvName(analysis.name, CSV), names);
    const path = join(directory, name);
    const { lines } = await updateCsv(path, undefined, (cursor, limit) =>
      outcomes.after(cursor, limit, { analyses: same }),
    );
    if (lines > 0 || names.length === 0) names.push(name);
    else await rm(path, { force: true });
  }
  if (names.length > 0) return names;
  await updateCsv(join(directory, CSV), undefined, (cursor, limit) => outcomes.after(cursor, limit));
  return [CSV];
}

/** Returns the name with the first number that is not taken. */
function freeName(wanted: string, taken: readonly string[]): string {
  for (let n = 0; ; n += 1) {
    const name = numberedName(wanted, n);
    if (!taken.includes(name)) return name;
  }
}

/** Throws Failure `backup.failed` unless the copy contains exactly what the live tables contain of these entries. */
function prove(copy: Manifest, live: Manifest, contents: readonly ArchivedEntry[], where: string): void {
  const wanted = live.contents.tally(contents.map(({ entryId }) => entryId));
  const got = copy.contents.tally();
  const wrong = Object.keys(wanted).find((table) => wanted[table] !== got[table]);
  const [problem] = copy.checks.integrityProblems();
  if (wrong === undefined && problem === undefined) return;
  const what = wrong === undefined ? problem : `it has ${got[wrong]} of ${wanted[wrong]} rows of ${wrong}`;
  throw new Failure("backup.failed", `the archive in ${where} is incomplete: ${what}`, {
    hint: "check the disk; nothing was removed from the database",
    retry: "later",
  });
}
