// What the manifest records about communicating_results.csv, and whether the file is still the one it describes.
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import * as z from "zod";
import { OUTPUT_FACTS } from "../../../config/output-methods.ts";
import type { Outcome } from "../../../manifest/outcomes.ts";
import { isPlainPath } from "../../../system/file-name.ts";
import { fileSize } from "../../../system/files.ts";

export const CSV_FILENAME = "communicating_results.csv";

/** Returns the name of the file with the results of one analysis, in the same directory as the run's file. */
export function analysisCsvName(name: string, filename: string = CSV_FILENAME): string {
  const stem = filename.slice(0, -".csv".length);
  return `${stem}_${name.replaceAll(/[^\p{L}\p{N}._+-]+/gu, "_")}.csv`;
}

/** Name of the output in the manifest. */
export const CSV_OUTPUT = OUTPUT_FACTS.CSV_PLOT.name;

/** What the manifest records about the file. */
export interface CsvState {
  /** The last outcome in the file. */
  readonly cursor: number;
  readonly bytes: number;
  /** SHA-256 of the last TAIL_BYTES, hexadecimal. */
  readonly tail: string;
  readonly columns: readonly string[];
  /** The last archive whose lines are no longer in the file; absent before the first. */
  readonly archive?: number | undefined;
  /** The cursor before the first outcome of the file; absent in a state that an earlier version has written. */
  readonly from?: number | undefined;
  /** The analysis that the file holds; absent before its first measured frame. */
  readonly analysis?: number | undefined;
  /** Up to this outcome, the file may contain other analyses, as written by earlier versions. */
  readonly mixedTo?: number | undefined;
  /** The file has all results of its analysis, and gets this name. */
  readonly finishedAs?: string | undefined;
}

/** Parses the stored state; undefined if there is none, or one that this version cannot use: the file is then rewritten. */
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
  from: z.int().nonnegative().optional(),
  analysis: z.int().optional(),
  mixedTo: z.int().nonnegative().optional(),
  finishedAs: z
    .string()
    .refine((name) => isPlainPath(name) && !name.includes("/"))
    .optional(),
});

/** The result of a step. */
export interface CsvUpdate {
  /** The caller must commit it before the next step. */
  readonly state: CsvState;
  /** Number of lines written, without the header. */
  readonly lines: number;
  /** Why the file was rewritten from the start, if it was. */
  readonly rewritten: "new" | "missing" | "incomplete" | "edited" | "columns" | "asked" | "archived" | undefined;
  /** The path that a file changed by another program was moved to. */
  readonly keptAside: string | undefined;
  /** True if nothing newer was waiting. */
  readonly upToDate: boolean;
}

/** Reads up to `limit` outcomes with a cursor above `cursor`, oldest first; always the same for the same arguments. */
export type ReadOutcomes = (cursor: number, limit: number) => readonly Outcome[];

const TAIL_BYTES = 65_536;

/** Returns the SHA-256, hexadecimal, of the last TAIL_BYTES before `end`. */
export async function tailDigest(handle: FileHandle, end: number): Promise<string> {
  const length = Math.min(end, TAIL_BYTES);
  return createHash("sha256")
    .update(await readAt(handle, end - length, length))
    .digest("hex");
}

/** Reads `length` bytes from `position`, or fewer if the file ends. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

/**
 * Opens the file at `path` for reading if its first `state.bytes` are the recorded ones; otherwise returns undefined. The bytes
 * after them may be incomplete. The caller closes the file.
 */
export async function openRecordedCsv(path: string, state: CsvState): Promise<FileHandle | undefined> {
  if ((fileSize(path) ?? -1) < state.bytes) return undefined;
  const handle = await open(path, "r");
  if ((await tailDigest(handle, state.bytes)) === state.tail) return handle;
  await handle.close();
  return undefined;
}

/** Writes all of `buffer` at `position`. */
export async function writeAt(handle: FileHandle, buffer: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesWritten } = await handle.write(buffer, done, buffer.length - done, position + done);
    done += bytesWritten;
  }
}
