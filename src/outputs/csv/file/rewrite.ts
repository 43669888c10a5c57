// Rewrites communicating_results.csv from the manifest, under a temporary name, and replaces the old file with one rename.
import { existsSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { Failure } from "../../../failure/failure.ts";
import { ensureDirectory, fileSize, syncDirectory, temporaryPath } from "../../../system/files.ts";
import { csvColumns, formatted, lineCount, widenColumns } from "./lines.ts";
import { type CsvState, type CsvUpdate, type ReadOutcomes, readAt, tailDigest, writeAt } from "./state.ts";

/** Reasons to rewrite an intact file of our own. */
const OURS: ReadonlySet<CsvUpdate["rewritten"]> = new Set(["columns", "asked", "archived"]);

/** Writes the whole file from the manifest, in batches, and puts it in place with one rename. */
export async function rewrite(
  path: string,
  reason: Exclude<CsvUpdate["rewritten"], undefined>,
  startColumns: readonly string[],
  read: ReadOutcomes,
  limit: number,
  { from = 0, signal }: { readonly from?: number; readonly signal?: AbortSignal | undefined },
): Promise<CsvUpdate> {
  const directory = dirname(path);
  await ensureDirectory(directory);
  const temporary = temporaryPath(path, "anew");
  let columns = startColumns.length > 0 ? startColumns : widenColumns(csvColumns([], []), read(from, 1));
  try {
    for (;;) {
      const written = await writeAll(temporary, path, columns, read, limit, from, signal);
      if ("wider" in written) {
        columns = written.wider;
        continue;
      }
      // An intact file of our own is simply replaced: the new one contains everything in it.
      const edited = !OURS.has(reason) && existsSync(path) && !written.containsOld;
      const keptAside = edited ? await keepAside(path) : undefined;
      await rename(temporary, path);
      syncDirectory(directory);
      // A file that is the beginning of the new one was truncated, or lost its state: no other program has changed it.
      const rewritten = reason === "edited" && !edited ? "incomplete" : reason;
      return { state: written.state, lines: written.lines, rewritten, keptAside, upToDate: true };
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Returns an error handler that closes `handle` and rethrows. */
function closing(handle: FileHandle): (error: unknown) => Promise<never> {
  return async (error) => {
    await handle.close();
    throw error;
  };
}

type Written = { state: CsvState; lines: number; containsOld: boolean } | { wider: readonly string[] };

async function writeAll(
  temporary: string,
  path: string,
  columns: readonly string[],
  read: ReadOutcomes,
  limit: number,
  from: number,
  signal: AbortSignal | undefined,
): Promise<Written> {
  const oldSize = fileSize(path) ?? 0;
  // Opens the new file first: if the directory is not writable, nothing stays open.
  const handle = await open(temporary, "w+");
  const old = oldSize > 0 ? await open(path, "r").catch(closing(handle)) : undefined;
  try {
    let bytes = 0;
    let cursor = from;
    let lines = 0;
    let containsOld = true;
    // The file that a run writes before anything is measured. If it was killed before the state was committed, only the header
    // remains.
    const bare = await formatted([], csvColumns([], []), true);
    const isBare = old !== undefined && oldSize === bare.length && bare.equals(await readAt(old, 0, oldSize));
    const put = async (buffer: Buffer) => {
      if (old !== undefined && containsOld && bytes < oldSize) {
        const before = await readAt(old, bytes, Math.min(buffer.length, oldSize - bytes));
        containsOld = before.equals(buffer.subarray(0, before.length));
      }
      await writeAt(handle, buffer, bytes);
      bytes += buffer.length;
    };
    await put(await formatted([], columns, true));
    for (;;) {
      signal?.throwIfAborted();
      const outcomes = read(cursor, limit);
      const wider = widenColumns(columns, outcomes);
      if (wider !== columns) return { wider };
      await put(await formatted(outcomes, columns));
      lines += lineCount(outcomes);
      cursor = outcomes.at(-1)?.outcomeId ?? cursor;
      if (outcomes.length < limit) break;
    }
    await handle.sync();
    const state = { cursor, bytes, tail: await tailDigest(handle, bytes), columns };
    return { state, lines, containsOld: isBare || (containsOld && oldSize <= bytes) };
  } finally {
    await handle.close();
    await old?.close();
  }
}

/** Moves a changed file to the first free `<name>.edited-<n>.csv` next to it. */
async function keepAside(path: string): Promise<string> {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  for (let number = 1; number < 10_000; number += 1) {
    const aside = `${stem}.edited-${number}${extension}`;
    if (existsSync(aside)) continue;
    await rename(path, aside);
    return aside;
  }
  throw new Failure("report.failed", `${path}: there are ten thousand changed copies next to it`, {
    hint: "remove some",
  });
}
