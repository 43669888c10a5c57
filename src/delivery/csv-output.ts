// Exactly-once appending to communicating_results.csv.
//
// The state of the file (how far, how long, what its end looks like) lives in the manifest, not in the file. A step is:
//   1. check that the file is the one the state describes, 2. write the next lines after the recorded end, fsync,
//   3. hand the new state to the supervisor, which commits it.
// Killed before 3, the file is longer than the state says and the rest is the beginning of exactly the lines that step 2
// writes next: it is written again, over itself. So no line is missing and none is there twice, wherever the kill falls.
// A file that is missing, shorter or changed by somebody is written anew from the manifest, under a temporary name;
// one that somebody changed is kept under another name first. A rewrite that was killed before its state was committed
// leaves a file that is a prefix of the next rewrite, which tells it from an edited one.
// When history has been archived, the file is written anew from what is still live: the state says which archive it knows.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { writeToBuffer } from "fast-csv";
import { z } from "zod";
import { Failure } from "../failure/failure.ts";
import type { Outcome } from "../manifest/outcomes.ts";
import { ensureDirectory, fileSize, syncDirectory, temporaryPath } from "../system/files.ts";
import { csvColumns, csvLines, widenColumns } from "./report.ts";

export const CSV_FILENAME = "communicating_results.csv";
/** Name of the output in the manifest. */
export const CSV_OUTPUT = "csv";

/** What the manifest remembers about the file. */
export interface CsvState {
  /** The last outcome in the file. */
  readonly cursor: number;
  readonly bytes: number;
  /** SHA-256 of the last TAIL_BYTES, hexadecimal. */
  readonly tail: string;
  readonly columns: readonly string[];
  /** The last archive whose lines are no longer in the file; absent before the first. */
  readonly archive?: number | undefined;
}

/** The state as the manifest keeps it; undefined for none, or for one this version cannot use: the file is then written anew. */
export function parseCsvState(json: string | undefined): CsvState | undefined {
  if (json === undefined) return undefined;
  try {
    const parsed = STATE.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const STATE = z.object({
  cursor: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  tail: z.string(),
  columns: z.array(z.string()),
  archive: z.int().nonnegative().optional(),
});

/** Reads outcomes with a cursor above `cursor`, oldest first, at most `limit`; always the same for the same arguments. */
export type ReadOutcomes = (cursor: number, limit: number) => readonly Outcome[];

export interface CsvUpdate {
  /** To be committed by the caller before the next step. */
  readonly state: CsvState;
  /** Lines written, the header not counted. */
  readonly lines: number;
  /** Why the file was written anew, if it was. */
  readonly rewritten: "new" | "missing" | "incomplete" | "edited" | "columns" | "asked" | "archived" | undefined;
  /** Where the file that somebody had changed lies now. */
  readonly keptAside: string | undefined;
  /** True when nothing newer was waiting. */
  readonly upToDate: boolean;
}

export interface CsvOptions {
  /** Outcomes read and written at a time; bounds the memory. */
  readonly outcomesPerStep?: number;
  readonly signal?: AbortSignal;
  /** Write the whole file anew even if it is as it should be. */
  readonly anew?: boolean;
  /** The last archive: where the file still has its lines, it is written anew without them. */
  readonly archive?: number;
}

const TAIL_BYTES = 65_536;
const OUTCOMES_PER_STEP = 64;

/**
 * One step: appends the next outcomes to the file at `path`, or writes the whole file anew where it is not the one
 * `recorded` describes. Durable when the promise resolves. Call again with the committed state until `upToDate`.
 * An outcome with a method or sensor that has no column yet makes the file be written anew with the union of columns.
 * Throws what the file system throws (the file is then as good as before) and the signal's reason when aborted.
 */
export async function updateCsv(
  path: string,
  recorded: CsvState | undefined,
  read: ReadOutcomes,
  options: CsvOptions = {},
): Promise<CsvUpdate> {
  const update = await step(path, recorded, read, options);
  const archive = options.archive ?? recorded?.archive;
  // A file written anew ends at the last outcome that is still live. Later ones that were archived were in the file before.
  const cursor = Math.max(update.state.cursor, recorded?.cursor ?? 0);
  return { ...update, state: { ...update.state, cursor, ...(archive === undefined ? {} : { archive }) } };
}

async function step(
  path: string,
  recorded: CsvState | undefined,
  read: ReadOutcomes,
  options: CsvOptions,
): Promise<CsvUpdate> {
  const limit = options.outcomesPerStep ?? OUTCOMES_PER_STEP;
  if (recorded === undefined) {
    return await rewrite(path, existsSync(path) ? "edited" : "new", [], read, limit, options.signal);
  }
  const outcomes = read(recorded.cursor, limit);
  const columns = widenColumns(recorded.columns, outcomes);
  const next = columns === recorded.columns ? await formatted(outcomes, columns) : NOTHING;
  const verdict = await compare(path, recorded, next);
  if (verdict !== "intact") return await rewrite(path, verdict, columns, read, limit, options.signal);
  if (options.anew === true) return await rewrite(path, "asked", columns, read, limit, options.signal);
  if (options.archive !== undefined && options.archive !== (recorded.archive ?? 0)) {
    return await rewrite(path, "archived", columns, read, limit, options.signal);
  }
  if (columns !== recorded.columns) return await rewrite(path, "columns", columns, read, limit, options.signal);
  const cursor = outcomes.at(-1)?.outcomeId ?? recorded.cursor;
  const upToDate = outcomes.length < limit;
  if (next.length === 0) {
    return { state: { ...recorded, cursor }, lines: 0, rewritten: undefined, keptAside: undefined, upToDate };
  }
  const handle = await open(path, "r+");
  try {
    await writeAt(handle, next, recorded.bytes);
    await handle.sync();
    const bytes = recorded.bytes + next.length;
    const state = { cursor, bytes, tail: await tailDigest(handle, bytes), columns };
    return { state, lines: lineCount(outcomes), rewritten: undefined, keptAside: undefined, upToDate };
  } finally {
    await handle.close();
  }
}

/** Whether the file is the recorded one, possibly with the beginning of `next` already behind it. */
async function compare(path: string, recorded: CsvState, next: Buffer): Promise<"intact" | "missing" | "edited"> {
  const size = fileSize(path);
  if (size === undefined) return "missing";
  if (size < recorded.bytes || size > recorded.bytes + next.length) return "edited";
  const handle = await open(path, "r");
  try {
    const header = await formatted([], recorded.columns, true);
    if (!header.equals(await readAt(handle, 0, header.length))) return "edited";
    if ((await tailDigest(handle, recorded.bytes)) !== recorded.tail) return "edited";
    const rest = await readAt(handle, recorded.bytes, size - recorded.bytes);
    return rest.equals(next.subarray(0, rest.length)) ? "intact" : "edited";
  } finally {
    await handle.close();
  }
}

/** Reasons to write an intact file of our own anew. */
const OURS: ReadonlySet<CsvUpdate["rewritten"]> = new Set(["columns", "asked", "archived"]);

/** Writes the whole file from the manifest, page by page, and puts it in place in one rename. */
async function rewrite(
  path: string,
  reason: Exclude<CsvUpdate["rewritten"], undefined>,
  startColumns: readonly string[],
  read: ReadOutcomes,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<CsvUpdate> {
  const directory = dirname(path);
  await ensureDirectory(directory);
  const temporary = temporaryPath(path, "anew");
  let columns = startColumns.length > 0 ? startColumns : widenColumns(csvColumns([], []), read(0, 1));
  try {
    for (;;) {
      const written = await writeAll(temporary, path, columns, read, limit, signal);
      if ("wider" in written) {
        columns = written.wider;
        continue;
      }
      // Our own, intact file is simply replaced: everything in it is in the new one.
      const edited = !OURS.has(reason) && existsSync(path) && !written.containsOld;
      const keptAside = edited ? await keepAside(path) : undefined;
      await rename(temporary, path);
      syncDirectory(directory);
      // What is a beginning of the new file was only cut off, or lost its state: there is nothing of anybody's in it.
      const rewritten = reason === "edited" && !edited ? "incomplete" : reason;
      return { state: written.state, lines: written.lines, rewritten, keptAside, upToDate: true };
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Closes `handle` and passes the failure on. */
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
  signal: AbortSignal | undefined,
): Promise<Written> {
  const oldSize = fileSize(path) ?? 0;
  // The new file first: where the directory cannot be written, nothing is left open.
  const handle = await open(temporary, "w+");
  const old = oldSize > 0 ? await open(path, "r").catch(closing(handle)) : undefined;
  try {
    let bytes = 0;
    let cursor = 0;
    let lines = 0;
    let containsOld = true;
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
    return { state, lines, containsOld: containsOld && oldSize <= bytes };
  } finally {
    await handle.close();
    await old?.close();
  }
}

/** Moves a changed file to the first free `<name>.edited-<n>.csv` beside it. */
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

const NOTHING = Buffer.alloc(0);

async function formatted(outcomes: readonly Outcome[], columns: readonly string[], header = false): Promise<Buffer> {
  const rows = outcomes.flatMap((outcome) => csvLines(outcome, columns));
  if (header) rows.unshift([...columns]);
  if (rows.length === 0) return NOTHING;
  return await writeToBuffer(rows, { headers: false, includeEndRowDelimiter: true });
}

function lineCount(outcomes: readonly Outcome[]): number {
  return outcomes.reduce((sum, { labels, measured }) => sum + (measured === undefined ? 0 : labels.length), 0);
}

async function tailDigest(handle: FileHandle, end: number): Promise<string> {
  const length = Math.min(end, TAIL_BYTES);
  return createHash("sha256")
    .update(await readAt(handle, end - length, length))
    .digest("hex");
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

async function writeAt(handle: FileHandle, buffer: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesWritten } = await handle.write(buffer, done, buffer.length - done, position + done);
    done += bytesWritten;
  }
}

/**
 * The file at `path` opened for reading, if its first `state.bytes` are the recorded ones; undefined when they are not.
 * What lies behind them may be in the middle of being written. The caller closes it.
 */
export async function openRecordedCsv(path: string, state: CsvState): Promise<FileHandle | undefined> {
  if ((fileSize(path) ?? -1) < state.bytes) return undefined;
  const handle = await open(path, "r");
  if ((await tailDigest(handle, state.bytes)) === state.tail) return handle;
  await handle.close();
  return undefined;
}
