// What the manifest remembers about communicating_results.csv, and whether the file is still the one it describes.
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import * as z from "zod";
import { OUTPUT_FACTS } from "../../../config/output-methods.ts";
import type { Outcome } from "../../../manifest/outcomes.ts";
import { isPlainPath } from "../../../system/file-name.ts";
import { fileSize } from "../../../system/files.ts";

export const CSV_FILENAME = "communicating_results.csv";

/** Name of the file that holds the results of one analysis, next to that of the run's. */
export function analysisCsvName(name: string, filename: string = CSV_FILENAME): string {
  const stem = filename.slice(0, -".csv".length);
  return `${stem}_${name.replaceAll(/[^\p{L}\p{N}._+-]+/gu, "_")}.csv`;
}

/** Name of the output in the manifest. */
export const CSV_OUTPUT = OUTPUT_FACTS.CSV_PLOT.name;

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
  /** The cursor before the first outcome of the file; absent in a state that an earlier version has written. */
  readonly from?: number | undefined;
  /** The analysis that the file holds; absent before its first measured frame. */
  readonly analysis?: number | undefined;
  /** Up to this outcome it may hold other analyses, as earlier versions wrote them. */
  readonly mixedTo?: number | undefined;
  /** The file holds all of its analysis and gets this name. */
  readonly finishedAs?: string | undefined;
}

/** The state as the manifest keeps it; undefined for none, or for one this version cannot use: the file is then rewritten. */
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

/** What a step has done. */
export interface CsvUpdate {
  /** To be committed by the caller before the next step. */
  readonly state: CsvState;
  /** Lines written, the header not counted. */
  readonly lines: number;
  /** Why the file was written again from the start, if it was. */
  readonly rewritten: "new" | "missing" | "incomplete" | "edited" | "columns" | "asked" | "archived" | undefined;
  /** The path that a file changed by another program was moved to. */
  readonly keptAside: string | undefined;
  /** True when nothing newer was waiting. */
  readonly upToDate: boolean;
}

/** Reads outcomes with a cursor above `cursor`, oldest first, at most `limit`; always the same for the same arguments. */
export type ReadOutcomes = (cursor: number, limit: number) => readonly Outcome[];

const TAIL_BYTES = 65_536;

/** SHA-256, hexadecimal, of what is before `end`: the last TAIL_BYTES of it. */
export async function tailDigest(handle: FileHandle, end: number): Promise<string> {
  const length = Math.min(end, TAIL_BYTES);
  return createHash("sha256")
    .update(await readAt(handle, end - length, length))
    .digest("hex");
}

/** Bytes from `position` on: `length` of them, or fewer where the file ends. */
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
 * The file at `path` opened for reading, if its first `state.bytes` are the recorded ones; undefined when they are not.
 * What follows them may be in the middle of being written. The caller closes it.
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
