// The second half of archiving, done by the process that writes the manifest: deletes the archived rows from the live tables, in
// short transactions. Finds and continues what a crash interrupted.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as yieldToEventLoop } from "node:timers/promises";
import * as z from "zod";
import { failureLine } from "../failure/failure.ts";
import { Manifest } from "../manifest/manifest.ts";
import { usFromIso } from "../manifest/timestamps.ts";
import { isOfTheProcess } from "../system/fault-of.ts";
import { completeBackups, HISTORY } from "./backup-directory.ts";
import { contentOf, sumsProblems } from "./compressed-file.ts";
import { ARCHIVE, type WrittenArchive } from "./history.ts";

/** Number of entries whose rows are deleted per transaction: one block of results, a few milliseconds. */
const ENTRIES_PER_DELETE = 16;

/**
 * Records an archive and deletes its rows from the live tables; returns how many entries were deleted. If aborted, throws the
 * signal's reason; the next call deletes the rest.
 */
export async function moveOut(
  manifest: Manifest,
  archive: WrittenArchive,
  { syncing, nowUs, signal }: { readonly syncing: boolean; nowUs(): number; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const { contents, ...rest } = archive;
  const archiveId = await manifest.whenFree(() =>
    manifest.archives.add({ ...rest, entries: contents.length }, nowUs()),
  );
  let moved = 0;
  // Backwards, so that the pages of a file are deleted before the entry that carries it.
  for (let end = contents.length; end > 0; end -= ENTRIES_PER_DELETE) {
    signal?.throwIfAborted();
    const part = contents.slice(Math.max(0, end - ENTRIES_PER_DELETE), end);
    moved += await manifest.whenFree(() => manifest.archives.drop(archiveId, part, syncing));
    await yieldToEventLoop();
  }
  await manifest.whenFree(() => manifest.archives.finish(archiveId, nowUs()));
  return moved;
}

const INDEX = z.object({
  first_captured_at: z.string(),
  last_captured_at: z.string(),
  entries: z.array(z.array(z.int())),
});

/**
 * Finds archives whose move out of the live tables is not complete: written but not recorded, or recorded but not yet moved. Each
 * is verified again first; one that is damaged is named in `damaged` and left alone.
 */
export async function unfinishedArchives({
  manifestFile,
  backupDir,
}: {
  readonly manifestFile: string;
  readonly backupDir: string;
}): Promise<{ archives: WrittenArchive[]; damaged: string[] }> {
  const live = Manifest.open({ file: manifestFile, readonly: true });
  try {
    const moved = new Set(
      live.archives
        .all()
        .filter(({ movedAtUs }) => movedAtUs !== undefined)
        .map(({ path }) => path),
    );
    const archives: WrittenArchive[] = [];
    const damaged: string[] = [];
    for (const name of completeBackups(join(backupDir, HISTORY))) {
      const path = `${HISTORY}/${name}`;
      if (moved.has(path)) continue;
      const directory = join(backupDir, path);
      const problems = await sumsProblems(directory);
      if (problems.length > 0 || !existsSync(join(directory, ARCHIVE.index))) {
        damaged.push(problems[0] ?? `${directory} has no ${ARCHIVE.index}`);
        continue;
      }
      try {
        archives.push(await readArchive(backupDir, path));
      } catch (error) {
        // An unreadable index or file must not hold up the other archives.
        if (isOfTheProcess(error)) throw error;
        damaged.push(`${directory}: ${failureLine(error)}`);
      }
    }
    return { archives, damaged };
  } finally {
    live.close();
  }
}

async function readArchive(backupDir: string, path: string): Promise<WrittenArchive> {
  const directory = join(backupDir, path);
  const index = INDEX.parse(JSON.parse(readFileSync(join(directory, ARCHIVE.index), "utf8")));
  const { sha256 } = await contentOf(join(directory, ARCHIVE.database));
  return {
    path,
    sha256,
    firstCapturedAtUs: usFromIso(index.first_captured_at) ?? 0,
    lastCapturedAtUs: usFromIso(index.last_captured_at) ?? 0,
    contents: index.entries.map(([entryId = 0, ...outcomeIds]) => ({ entryId, outcomeIds })),
  };
}
