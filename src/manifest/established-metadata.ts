// Reads the entries of an established experiment from all its metadata files, including damaged ones. An entry that cannot be
// used is left out and counted; the rest of its file is still used.
import { gunzipSync, constants as zlib } from "node:zlib";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure, failureLine } from "../failure/failure.ts";
import { type GivenKind, parseGivenJson, readGivenFile } from "../system/given-file.ts";
import { type EstablishedEntry, parseEntry } from "./established-entry.ts";
import type { Findings } from "./import-findings.ts";
import { frameName } from "./page-rows.ts";
import { plainName } from "./plain-name.ts";
import { isoFromUs } from "./timestamps.ts";

/** A JavaScript string holds half a gigabyte: a month of captures at an interval of 10 s. */
const KIND: GivenKind = {
  what: "a metadata manifest",
  code: "usage.invalid",
  mostBytes: 500e6,
  hint: "nothing was imported; fix the file or use a backup of it",
};

const TORN = "entries torn or damaged, left out";
const UNUSABLE = "entries not usable, left out";

/** Every entry starts with this key in files written by the established system or by phorest. */
const ENTRY_START = /\{\s*"entry_timestamp_iso"/g;

/**
 * Returns all entries, oldest first, each once. Throws a one-line Failure `usage.invalid` if no file has an entry and one of them
 * is not a metadata manifest.
 */
export function readEntries(files: readonly string[], findings: Findings): EstablishedEntry[] {
  const entries = new Map<string, EstablishedEntry>();
  let failure: Failure | undefined;
  for (const file of files) {
    try {
      for (const entry of entriesIn(file, findings)) merge(entries, entry, findings);
    } catch (error) {
      const unusable = error instanceof Failure ? error : unreadable(file, error);
      if (unusable === undefined) throw error;
      failure ??= unusable;
      findings.add("metadata files not readable, left out", unusable.message);
    }
  }
  if (entries.size === 0) {
    const unusable = findings.all().find(({ kind }) => kind === UNUSABLE || kind === TORN);
    if (failure === undefined && unusable !== undefined) {
      failure = new Failure("usage.invalid", `no entry can be used; ${unusable.first}`, { hint: KIND.hint });
    }
    if (failure !== undefined) throw failure;
  }
  return newestOf([...entries.values()], findings).sort((a, b) => a.capturedAtUs - b.capturedAtUs);
}

/** Whether entries were left out because they are damaged. */
export function hasDamagedEntries(findings: Findings): boolean {
  return findings.all().some(({ kind }) => kind === UNUSABLE || kind === TORN);
}

/** A file that is there and may not be read, as wrong input; undefined for other errors. */
function unreadable(file: string, error: unknown): Failure | undefined {
  if (!hasCode(error, "EACCES", "EPERM", "ENOENT", "ELOOP")) return undefined;
  return new Failure("usage.invalid", `${file}: cannot be read: ${failureLine(error)}`, {
    hint: "check its permissions, and where it leads if it is a link",
    cause: error,
  });
}

/**
 * Where entries give different times for one image, keeps the one that was read last: the live file is read after its backups.
 */
function newestOf(entries: readonly EstablishedEntry[], findings: Findings): EstablishedEntry[] {
  const byPicture = new Map<string, EstablishedEntry>();
  const withoutPicture: EstablishedEntry[] = [];
  for (const entry of entries) {
    if (entry.picture === undefined) {
      withoutPicture.push(entry);
      continue;
    }
    const { directory, filename, page } = entry.picture;
    const name = frameName(plainName(filename), page);
    const key = `${directory}/${name}`;
    const older = byPicture.get(key);
    if (older !== undefined) {
      const times = `${name}: ${isoFromUs(older.capturedAtUs)}, now ${isoFromUs(entry.capturedAtUs)}`;
      findings.add("entries with another time for an image than a later entry has, left out", times);
    }
    byPicture.set(key, older === undefined ? entry : { ...entry, isContradicted: true });
  }
  return [...withoutPicture, ...byPicture.values()];
}

function merge(entries: Map<string, EstablishedEntry>, entry: EstablishedEntry, findings: Findings): void {
  const { picture } = entry;
  const name = picture === undefined ? "" : frameName(plainName(picture.filename), picture.page);
  const key = `${entry.capturedAtUs} ${name}`;
  const known = entries.get(key);
  if (known === undefined) {
    entries.set(key, entry);
    return;
  }
  const example = name === "" ? "a capture without an image" : name;
  findings.add("entries there more than once, of which the one that got furthest was taken", example);
  const further = isFurther(entry, known) ? entry : known;
  entries.set(key, {
    ...further,
    compressionAttempted: entry.compressionAttempted || known.compressionAttempted,
    imageSynced: entry.imageSynced || known.imageSynced,
    dataTransmitted: entry.dataTransmitted || known.dataTransmitted,
  });
}

const PROGRESS = { pending: 0, processing: 1, failed: 2, processed: 3 } as const;

/** Whether an entry of the same capture, read later, is in a later state than `known`. */
function isFurther(entry: EstablishedEntry, known: EstablishedEntry): boolean {
  const more = PROGRESS[entry.status] - PROGRESS[known.status];
  return more > 0 || (more === 0 && (entry.processedAtUs ?? 0) >= (known.processedAtUs ?? 0));
}

function* entriesIn(file: string, findings: Findings): Generator<EstablishedEntry> {
  const values = valuesIn(file, findings);
  for (const [index, value] of values.entries()) {
    const where = `${file}, entry ${index + 1}`;
    if (value === undefined) {
      findings.add(TORN, where);
      continue;
    }
    const { entry, problem, note } = parseEntry(value);
    if (note !== undefined) findings.add(note, where);
    if (entry !== undefined) yield entry;
    else if (problem !== undefined) findings.add(UNUSABLE, `${where}: ${problem}`);
  }
}

/** Returns the entries of a file as values; undefined if it is not JSON. */
function valuesIn(file: string, findings: Findings): unknown[] {
  const text = textOf(file);
  if (text.trim() === "") {
    findings.add("metadata files empty", file);
    return [];
  }
  try {
    return listIn(parseGivenJson(text, file, KIND), file);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const values = piecesOf(text).map(parseLoosely);
    if (values.every((value) => value === undefined)) throw error;
    return values;
  }
}

function listIn(content: unknown, file: string): unknown[] {
  if (Array.isArray(content)) return content;
  throw new Failure("usage.invalid", `${file}: expected array of entries`, { hint: KIND.hint });
}

/** Splits the text at the start of each entry. */
function piecesOf(text: string): string[] {
  const starts = [...text.matchAll(ENTRY_START)].map(({ index }) => index);
  return starts.map((start, at) => text.slice(start, starts[at + 1] ?? text.length));
}

/** Parses JSON that may be followed by the rest of its list and may contain Python's NaN and Infinity; undefined if it cannot. */
function parseLoosely(piece: string): unknown {
  const trimmed = piece.trimEnd().replace(/[\s,\]]+$/, "");
  for (const text of [trimmed, withoutNan(trimmed)]) {
    try {
      return parseGivenJson(text, "", KIND);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }
  return undefined;
}

/** Replaces the numbers that JSON does not allow by null. */
export function withoutNan(text: string): string {
  return text.replace(/([:[,]\s*)-?(?:NaN|Infinity)(?=\s*[,\]}])/g, "$1null");
}

/** Returns the text of a file, decompressed; of a truncated file, the part that can be read. */
function textOf(file: string): string {
  const bytes = readGivenFile(file, KIND);
  if (!file.endsWith(".gz")) return bytes.toString("utf8").replace(/^\uFEFF/, "");
  try {
    const options = { maxOutputLength: KIND.mostBytes, finishFlush: zlib.Z_SYNC_FLUSH };
    return gunzipSync(bytes, options)
      .toString("utf8")
      .replace(/^\uFEFF/, "");
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    const reason = code === "ERR_BUFFER_TOO_LARGE" ? "it is too large" : "it is not gzip, or damaged";
    throw new Failure("usage.invalid", `${file}: cannot unpack it: ${reason}`, { hint: KIND.hint, cause: error });
  }
}
