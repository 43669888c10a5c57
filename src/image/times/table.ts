// Reads a table of capture times: a CSV file with a row for each image, or for each page of one.
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, normalize, resolve } from "node:path";
import { parseString } from "fast-csv";
import { errorCode, hasCode } from "../../failure/error-code.ts";
import { Failure } from "../../failure/failure.ts";
import { counted, shortList } from "../../system/counted.ts";
import { fileFaultReason } from "../../system/fault-of.ts";
import { GZIPPED } from "../../system/numbered-name.ts";
import { decimalOf, readTime } from "../../system/time-text.ts";
import { foreignKind } from "../foreign-kinds.ts";
import { formatOf } from "../format.ts";
import { plainName } from "./plain-name.ts";
import type { Stated } from "./source.ts";
import { utf16Decoder } from "./text-encoding.ts";

const LARGEST_TABLE = 512 * 1024 * 1024;
const FILE_COLUMNS = ["file", "name", "filename", "file_name", "image", "path"];
const PAGE_COLUMNS = ["page", "frame", "index"];
const TIME_COLUMNS = ["time", "timestamp", "datetime", "date_time", "captured_at", "time_utc", "date"];
const ELAPSED_COLUMNS = ["elapsed", "elapsed_s", "elapsed_seconds", "elapsed seconds", "seconds", "time_s"];
const MOST_SHOWN = 5;

interface Row {
  readonly line: number;
  readonly file: string;
  /** Page number as the table counts; undefined for the whole file. */
  readonly page: number | undefined;
  readonly us: number;
}

/** What the columns of a table contain. */
interface TableKind {
  /** Seconds since the start, instead of dates. */
  readonly relative: boolean;
  readonly hasZone: boolean;
  /** Dates and seconds since the start; the dates count. */
  readonly hasBoth: boolean;
}

/** Times by file. */
export class TimeTable {
  readonly #path: string;
  readonly #rows = new Map<string, Row[]>();
  /** Seconds since the start, instead of dates. */
  readonly #relative: boolean;
  /** Number of the first page in the table. */
  readonly #firstPage: number;
  readonly #hasZone: boolean;
  /** Messages about the table, one line each. */
  readonly notes: readonly string[];

  constructor(path: string, rows: readonly Row[], { relative, hasZone, hasBoth }: TableKind) {
    this.#path = path;
    this.#relative = relative;
    this.#hasZone = hasZone;
    const pages = rows.flatMap(({ page }) => page ?? []);
    this.#firstPage = pages.includes(0) ? 0 : 1;
    for (const row of rows) {
      const name = plainName(row.file);
      const known = this.#rows.get(name);
      if (known === undefined) this.#rows.set(name, [row]);
      else known.push(row);
    }
    const both = hasBoth ? [`${this.#name} has the columns time and elapsed; phorest uses time`] : [];
    this.notes = [...both, ...this.#repeated(rows)];
  }

  /** Returns the times of some pages of a file, by page number from 0; undefined if the table has no row for the file. */
  timesOf(file: string, pages: readonly number[]): Stated | undefined {
    const rows = this.#rowsOf(file);
    if (rows.length === 0) return undefined;
    const byPage = new Map<number, number>();
    // A row that also names the directory is more specific.
    rows.sort((a, b) => a.file.length - b.file.length);
    for (const row of rows) byPage.set(row.page === undefined ? (pages[0] ?? 0) : row.page - this.#firstPage, row.us);
    const notes: string[] = [];
    if (!this.#hasZone) notes.push(`the times in ${this.#name} have no time zone; phorest reads them as UTC`);
    const lastUs = Math.max(...byPage.values());
    return { us: pages.map((page) => byPage.get(page)), relative: this.#relative, lastUs, notes };
  }

  /** Returns a line about rows that name pages which a file with `count` images does not have; undefined if there are none. */
  beyond(file: string, count: number): string | undefined {
    const rows = this.#rowsOf(file).filter(({ page }) => page !== undefined && page - this.#firstPage >= count);
    if (rows.length === 0) return undefined;
    const named = some(rows.map(({ line, page }) => `page ${page} (line ${line})`));
    const has = count === 1 ? "only one image" : `only ${count} pages`;
    return `${this.#name} has ${rowsText(rows.length)} for pages that do not exist, because the file has ${has}: ${named}`;
  }

  /** Returns a line about rows that name none of these files, and one about files without a row. */
  compare(files: Iterable<string>): string[] {
    const without: string[] = [];
    const names = new Set<string>();
    for (const file of files) {
      names.add(plainName(file));
      if (!this.#rows.has(plainName(file))) without.push(basename(file));
    }
    const unknown = [...this.#rows]
      .filter(([name]) => !names.has(name))
      .map(([name, [row]]) => `${name} (line ${row?.line})`);
    const lines: string[] = [];
    if (unknown.length > 0)
      lines.push(
        `error: ${this.#name} names ${images(unknown.length)} that ${unknown.length === 1 ? "is" : "are"} not there: ${some(unknown)}`,
      );
    if (without.length > 0) lines.push(`${this.#name} has no time for ${images(without.length)}: ${some(without)}`);
    return lines;
  }

  /**
   * Returns a line about duplicate rows. Failure `usage.invalid` if rows contradict each other: phorest cannot know which one
   * is right.
   */
  #repeated(rows: readonly Row[]): string[] {
    const first = new Map<string, Row>();
    const repeated: string[] = [];
    for (const row of rows) {
      const page = row.page ?? this.#firstPage;
      const key = JSON.stringify([normalize(row.file.replace(GZIPPED, "")), page]);
      const before = first.get(key);
      if (before === undefined) first.set(key, row);
      else if (before.us === row.us) repeated.push(`line ${row.line} repeats line ${before.line}`);
      else throw this.#contradicts(before, row, page);
    }
    if (repeated.length === 0) return [];
    return [`${this.#name} has ${rowsText(repeated.length)} more than once: ${some(repeated)}`];
  }

  #contradicts(before: Row, { line, file, page }: Row, counted: number): Failure {
    const what = page === undefined ? file : `${file}, page ${counted}`;
    const text = `${this.#path}, lines ${before.line} and ${line}: two different times for ${what}`;
    const hint =
      page === undefined ? "remove one of them; for a file with several images add a column page" : undefined;
    return new Failure("usage.invalid", text, { hint: hint ?? "remove one of them" });
  }

  #rowsOf(file: string): Row[] {
    return (this.#rows.get(plainName(file)) ?? []).filter((row) => this.#isMeant(row.file, file));
  }

  get #name(): string {
    return basename(this.#path);
  }

  /** A row with directories refers only to the file in these directories. */
  #isMeant(row: string, file: string): boolean {
    if (!row.includes("/")) return true;
    const whole = resolve(file).replace(GZIPPED, "");
    const meant = row.replace(GZIPPED, "");
    return whole === resolve(dirname(this.#path), meant) || whole.endsWith(`/${meant.replace(/^\.?\//, "")}`);
  }
}

const rowsText = (count: number): string => counted(count, "row");

/** Returns a number with the noun "image" or "images". */
export const images = (count: number): string => counted(count, "image");

/** Returns the first of some names, and the number of the others. */
export function some(names: readonly string[]): string {
  return shortList(names, MOST_SHOWN);
}

/**
 * Reads a table of times: columns `file` (or `name`), optionally `page`, and `time` or `elapsed` (seconds). Separated by
 * commas, semicolons or tabs. Throws Failure `usage.invalid` with the line number if something cannot be read.
 */
export async function readTimeTable(path: string): Promise<TimeTable> {
  const text = await textOf(path);
  const delimiter = delimiterOf(text);
  const lines = await parsed(text, delimiter, path);
  const header = (lines[0] ?? []).map((title) => title.trim().toLowerCase());
  const column = (names: readonly string[]) => header.findIndex((title) => names.includes(title));
  const [file, page, time, elapsed] = [FILE_COLUMNS, PAGE_COLUMNS, TIME_COLUMNS, ELAPSED_COLUMNS].map(column) as [
    number,
    number,
    number,
    number,
  ];
  const invalid = (line: number, why: string) =>
    new Failure("usage.invalid", `${path}, line ${line}: ${why}`, { hint: "correct the table of times" });
  if (file < 0 || (time < 0 && elapsed < 0)) {
    throw invalid(1, "the table needs a column file or name, and a column time or elapsed");
  }
  const times = header.filter((title) => (time < 0 ? ELAPSED_COLUMNS : TIME_COLUMNS).includes(title));
  if (times.length > 1) {
    throw invalid(
      1,
      `the columns ${times.join(" and ")} could each be the ${time < 0 ? "elapsed times" : "times"}; keep one`,
    );
  }
  let hasZone = true;
  const apart = new Apart(path);
  const rows = lines.flatMap((fields, index): Row[] => {
    if (index === 0 || fields.every((text) => text.trim() === "")) return [];
    const line = index + 1;
    const value = (fields[time < 0 ? elapsed : time] ?? "").trim();
    const read = time < 0 ? secondsOf(value, delimiter) : dateOf(value);
    if (read === undefined)
      throw invalid(line, `${JSON.stringify(value)} is not a ${time < 0 ? "number of seconds" : "time"}`);
    hasZone &&= read.hasZone;
    const since = time < 0 || elapsed < 0 ? undefined : secondsOf((fields[elapsed] ?? "").trim(), delimiter);
    if (since !== undefined) apart.check(line, read.us, since.us);
    const name = (fields[file] ?? "").trim();
    if (name === "") throw invalid(line, "the name of the image is missing");
    const ofPage = pageOf(page < 0 ? "" : (fields[page] ?? "").trim(), line, invalid);
    return [{ line, file: name, page: ofPage, us: read.us }];
  });
  return new TimeTable(path, rows, { relative: time < 0, hasZone, hasBoth: time >= 0 && elapsed >= 0 });
}

/** Tolerance, because dates are often written in whole seconds. */
const LARGEST_APART_US = 1e6;

/** Compares the dates and the elapsed times of a table that has both. */
class Apart {
  readonly #path: string;
  #first: { readonly line: number; readonly startUs: number } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws Failure `usage.invalid` if a row implies a different start of the series than the first row. */
  check(line: number, us: number, elapsedUs: number): void {
    const startUs = us - elapsedUs;
    this.#first ??= { line, startUs };
    const apartUs = Math.abs(startUs - this.#first.startUs);
    if (apartUs <= LARGEST_APART_US) return;
    const text = `time and elapsed contradict each other by ${(apartUs / 1e6).toFixed(3)} s`;
    throw new Failure("usage.invalid", `${this.#path}, lines ${this.#first.line} and ${line}: ${text}`, {
      hint: "correct them, or remove one of the columns",
    });
  }
}

async function textOf(path: string): Promise<string> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new Failure("usage.invalid", `${path}: the table of times is not a regular file`);
    if (status.size > LARGEST_TABLE)
      throw new Failure("usage.invalid", `${path}: the table of times is larger than 512 MB`);
    const bytes = await readFile(path);
    const ofUtf16 = utf16Decoder(bytes)?.decode(bytes);
    if (ofUtf16 === undefined && bytes.subarray(0, BEGINNING_BYTES).includes(0)) throw binary(path, bytes);
    return (ofUtf16 ?? bytes.toString("utf8")).replace(/^\ufeff/, "");
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (errorCode(error) === undefined) throw error;
    const why = hasCode(error, "ENOENT", "ENOTDIR") ? "there is no such file" : fileFaultReason(error);
    throw new Failure("usage.invalid", `cannot read the table of times ${path}: ${why}`, {
      hint: "check the name that --times or Camera.times_file gives",
      cause: error,
    });
  }
}

/** A text has no zero among its first bytes. */
const BEGINNING_BYTES = 1024;

function binary(path: string, bytes: Uint8Array): Failure {
  const kind = formatOf(bytes) ?? foreignKind(bytes)?.name;
  const what = kind === undefined ? "a binary file" : kind.replace(/^(?=[A-Z])/, "a ");
  return new Failure("usage.invalid", `${path}: the table of times is ${what}, not text`, {
    hint: "give a CSV file; a spreadsheet program saves its table as CSV",
  });
}

/** Returns the most frequent of comma, semicolon and tab in the header. */
function delimiterOf(text: string): string {
  const header = text.slice(0, text.indexOf("\n") < 0 ? undefined : text.indexOf("\n"));
  const count = (delimiter: string) => header.split(delimiter).length;
  return [",", ";", "\t"].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function parsed(text: string, delimiter: string, path: string): Promise<string[][]> {
  return new Promise((done, failed) => {
    const lines: string[][] = [];
    parseString<string[], string[]>(text, { delimiter })
      .on("data", (fields: string[]) => lines.push(fields))
      .on("error", (error) =>
        failed(
          new Failure("usage.invalid", `${path}: the table of times is not CSV: ${error.message}`, { cause: error }),
        ),
      )
      .on("end", () => done(lines));
  });
}

interface Read {
  readonly us: number;
  readonly hasZone: boolean;
}

function secondsOf(text: string, delimiter: string): Read | undefined {
  // Accepts a decimal comma, which spreadsheets write if the semicolon is the separator.
  const number = delimiter === "," ? text : text.replace(/^(-?\d*),(\d+)$/, "$1.$2");
  const us = Math.round((decimalOf(number) ?? Number.NaN) * 1e6);
  return !Number.isSafeInteger(us) ? undefined : { us, hasZone: true };
}

/** Parses a date, or seconds, milliseconds or microseconds since 1970, depending on the size of the number. */
function dateOf(text: string): Read | undefined {
  if (!/^\d+(\.\d+)?$/.test(text)) return readTime(text);
  const number = Number(text);
  const factor = number < 1e8 ? undefined : number < 1e11 ? 1e6 : number < 1e14 ? 1e3 : 1;
  if (factor === undefined) return undefined;
  const [whole = "", fraction = ""] = text.split(".");
  const us = Number(whole) * factor + (fraction === "" ? 0 : Math.round(Number(`0.${fraction}`) * factor));
  return { us, hasZone: true };
}

function pageOf(text: string, line: number, invalid: (line: number, why: string) => Failure): number | undefined {
  if (text === "") return undefined;
  const page = Number(text);
  if (Number.isSafeInteger(page) && page >= 0) return page;
  throw invalid(line, `${JSON.stringify(text)} is not a page`);
}
