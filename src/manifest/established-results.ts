// Reads the results of an established experiment from the live file and from backups, compressed or not, as lines or as one list.
import { createReadStream } from "node:fs";
import { createGunzip, gunzipSync, constants as zlib } from "node:zlib";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { type Method, POSITION_COLUMN, QUANTITIES, STATISTICS } from "../measurement/method.ts";
import { type GivenKind, givenLines, linesOf, readGivenFile } from "../system/given-file.ts";
import { type EstablishedResult, parseResultLine } from "./established-result.ts";
import type { Findings } from "./import-findings.ts";
import { encodeStatistics } from "./statistics-codec.ts";

/** A record of a large chip with the values of every row takes several megabytes. */
const MOST_LINE_BYTES = 64e6;
/** Files from the first months contain one list of results. */
const LIST_KIND: GivenKind = {
  what: "a list of results",
  code: "usage.invalid",
  mostBytes: 500e6,
  hint: "nothing was imported; fix the file",
};
const RECORD_START = /\{\s*"manifest_entry_timestamp"/g;
const TORN = "lines of results torn or not usable, left out";

/** A result and its location, for messages. */
export interface PlacedResult {
  readonly result: EstablishedResult;
  readonly where: string;
}

/**
 * Yields the results in a file, in its order. Counts what cannot be used; of a damaged file, yields what can be read. Calls
 * `failed` for each line about a frame that was not measured.
 */
export async function* resultsIn(
  file: string,
  findings: Findings,
  failed: (where: string) => void = () => undefined,
): AsyncGenerator<PlacedResult> {
  try {
    for await (const { text, where } of textsIn(file)) {
      if (text?.trim() === "") continue;
      const found = text === undefined ? [undefined] : recordsIn(text.trim());
      if (found.includes(undefined)) findings.add(TORN, where);
      for (const result of found) {
        if (result === "failed") failed(where);
        else if (result !== undefined) yield { result, where };
      }
    }
  } catch (error) {
    if (isDamage(error)) findings.add("files of results damaged, read up to the damage", file);
    else if (isUnreadable(error)) findings.add("files of results that are no files or cannot be read, left out", file);
    else throw error;
  }
}

/** Returns the record on a line; if it is torn and another record was appended after the tear, that one too. */
function recordsIn(line: string): ReturnType<typeof parseResultLine>[] {
  const whole = parseResultLine(line);
  if (whole !== undefined) return [whole];
  const starts = [...line.matchAll(RECORD_START)].map(({ index }) => index);
  const pieces = starts.map((start, at) => line.slice(start, starts[at + 1] ?? line.length).trimEnd());
  return pieces.length < 2 ? [undefined] : pieces.map(parseResultLine);
}

interface PlacedText {
  /** undefined: too long for a record. */
  readonly text: string | undefined;
  readonly where: string;
}

async function* textsIn(file: string): AsyncGenerator<PlacedText> {
  if (/\.json(?:\.gz)?$/.test(file)) {
    yield* recordsOfList(file);
    return;
  }
  const lines = file.endsWith(".gz") ? linesOf(unpacked(file), MOST_LINE_BYTES) : givenLines(file, MOST_LINE_BYTES);
  let number = 0;
  for await (const { line } of lines) {
    number += 1;
    yield { text: line?.toString("utf8").replace(/^\uFEFF/, ""), where: `${file}, line ${number}` };
  }
}

/** Decompresses a file; of a truncated one, yields what can be read. */
function unpacked(file: string): AsyncIterable<Buffer> {
  const packed = createReadStream(file);
  const gunzip = createGunzip({ finishFlush: zlib.Z_SYNC_FLUSH });
  packed.on("error", (error) => gunzip.destroy(error));
  return packed.pipe(gunzip);
}

function* recordsOfList(file: string): Generator<PlacedText> {
  const bytes = readGivenFile(file, LIST_KIND);
  const options = { maxOutputLength: LIST_KIND.mostBytes, finishFlush: zlib.Z_SYNC_FLUSH };
  const text = (file.endsWith(".gz") ? gunzipSync(bytes, options) : bytes).toString("utf8");
  const starts = [...text.matchAll(RECORD_START)].map(({ index }) => index);
  for (const [at, start] of starts.entries()) {
    const piece = text.slice(start, starts[at + 1] ?? text.length);
    yield { text: piece.trimEnd().replace(/[\s,\]]+$/, ""), where: `${file}, result ${at + 1}` };
  }
}

/** Whether something in place of a file of results cannot be read: a directory, or a file without permission. */
function isUnreadable(error: unknown): boolean {
  return error instanceof Failure || hasCode(error, "EISDIR", "EACCES", "EPERM", "ENOENT", "ELOOP");
}

/** Whether this is a zlib error for bytes that are not valid gzip. */
function isDamage(error: unknown): boolean {
  return /^(?:Z_|ERR_BUFFER_TOO_LARGE)/.test(errorCode(error) ?? "");
}

/** Returns the result as it is stored; without errors and flags if the line has none. */
export function storedResult({ method, labels, statistics, doubt, brightness, contrast }: EstablishedResult) {
  const perRoi = QUANTITIES[method].length * STATISTICS.length;
  const median = medianColumn(method);
  const unknown = () => new Float64Array(labels.length).fill(Number.NaN);
  return {
    position: Float64Array.from(labels, (_, roi) => statistics[roi * perRoi + median] ?? Number.NaN),
    standardError: unknown(),
    quality: unknown(),
    flags: new Uint8Array(labels.length),
    ...doubt,
    statistics: encodeStatistics(statistics, perRoi),
    brightness,
    contrast,
  };
}

function medianColumn(method: Method): number {
  return POSITION_COLUMN[method] * STATISTICS.length + STATISTICS.indexOf("Median");
}
