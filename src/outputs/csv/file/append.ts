// Exactly-once appending to communicating_results.csv.
//
// The state of the file (the last outcome, the length, a hash of its end) is stored in the manifest, not in the file. A step is:
//   1. check that the file is the one that the state describes
//   2. write the next lines after the recorded end, and flush them
//   3. pass the new state to the supervisor, which commits it
//
// If the process is killed before 3, the file is longer than the state says, and the rest is the beginning of exactly those lines
// that step 2 writes next, over themselves. So no line is missing or duplicated, whenever the process is killed.
//
// A file that is missing, too short or changed by another program is rewritten from the manifest, under a temporary name; a
// changed one is kept under another name first. A rewrite that was killed before its state was committed leaves a file that is a
// prefix of the next rewrite, which distinguishes it from an edited one. When history has been archived, the file is rewritten
// from what is still live: the state records the last archive that the file reflects.
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { fileSize } from "../../../system/files.ts";
import { formatted, lineCount, widenColumns } from "./lines.ts";
import { rewrite } from "./rewrite.ts";
import { type CsvState, type CsvUpdate, type ReadOutcomes, readAt, tailDigest, writeAt } from "./state.ts";

export interface CsvOptions {
  /** Outcomes read and written at a time; limits the memory. */
  readonly outcomesPerStep?: number;
  readonly signal?: AbortSignal;
  /** Rewrite the whole file even if it is correct. */
  readonly rewrite?: boolean;
  /** The cursor before the first outcome of the file; absent: 0. */
  readonly from?: number;
  /** The last archive: if the file still has its lines, it is rewritten without them. */
  readonly archive?: number;
}

const OUTCOMES_PER_STEP = 64;

/**
 * Does one step: appends the next outcomes to the file at `path`, or rewrites the whole file if it is not the one that `recorded`
 * describes. Durable when the promise resolves. Call again with the committed state until `upToDate`. If an outcome has a method
 * or sensor without a column, the file is rewritten with all columns. Throws errors of the file system (the file is then still
 * valid) and the signal's reason when aborted.
 */
export async function updateCsv(
  path: string,
  recorded: CsvState | undefined,
  read: ReadOutcomes,
  options: CsvOptions = {},
): Promise<CsvUpdate> {
  const update = await step(path, recorded, read, options);
  const archive = options.archive ?? recorded?.archive;
  // A rewritten file ends at the last live outcome. Later ones that were archived were in the file before.
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
    return await rewrite(path, existsSync(path) ? "edited" : "new", [], read, limit, options);
  }
  const outcomes = read(recorded.cursor, limit);
  const columns = widenColumns(recorded.columns, outcomes);
  const next = columns === recorded.columns ? await formatted(outcomes, columns) : Buffer.alloc(0);
  const verdict = await compare(path, recorded, next);
  if (verdict !== "intact") return await rewrite(path, verdict, columns, read, limit, options);
  if (options.rewrite === true) return await rewrite(path, "asked", columns, read, limit, options);
  if (options.archive !== undefined && options.archive !== (recorded.archive ?? 0)) {
    return await rewrite(path, "archived", columns, read, limit, options);
  }
  if (columns !== recorded.columns) return await rewrite(path, "columns", columns, read, limit, options);
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

/** Whether the file is exactly the recorded one. */
export async function isRecordedCsv(path: string, recorded: CsvState): Promise<boolean> {
  return (await compare(path, recorded, Buffer.alloc(0))) === "intact";
}

/** Whether the file is the recorded one, possibly followed by the beginning of `next`. */
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
