// Reads a TOML file written by people: plain errors for everything that can be wrong with its form, and the line number of each
// key.
import { statSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { parse, TomlError } from "smol-toml";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { excerpt } from "../failure/quote.ts";
import { refuseOtherKind } from "../measurement/known-file.ts";
import { DEEPEST_NESTING, depthOf, type GivenKind, readGivenFile } from "../system/given-file.ts";
import { tomlOfIni } from "./ini-file.ts";

export type Table = Record<string, unknown>;

/** A parsed file. `lines` has the line number of a key ("Section.key") or of a section's header, if found. */
export interface TomlFile {
  readonly table: Table;
  readonly lines: ReadonlyMap<string, number>;
}

/** The whole reference, with all its comments, takes 25 kB. */
const TOML_KIND: GivenKind = {
  what: "a TOML file of settings",
  code: "config.invalid",
  mostBytes: 1e6,
  hint: "check the file name",
};

const EXPECTED = { configuration: "a configuration", features: "a feature file" } as const;

/**
 * Returns the text of `file`, without byte order mark; an INI file is converted to TOML. Throws a one-line Failure
 * config.invalid, also if the file is another kind of phorest file than `expected`.
 */
export function readToml(file: string, expected: keyof typeof EXPECTED): string {
  const shown = shownPath(file);
  refuseOtherKind(file, expected, EXPECTED[expected], "config.invalid", shown);
  try {
    if (statSync(file).isDirectory()) throw new Failure("config.invalid", `${shown}: is a directory, not a file`);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readGivenFile(file, TOML_KIND));
    return file.endsWith(".ini") ? tomlOfIni(text) : text;
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (error instanceof TypeError) {
      throw new Failure("config.invalid", `${shown}: is not UTF-8 text`, {
        hint: "save it again as UTF-8",
        cause: error,
      });
    }
    // The disk it is on may not be mounted yet.
    const hint = hasCode(error, "ENOENT") ? { hint: "check the name" } : {};
    throw new Failure("config.invalid", `${shown}: ${unreadable(error)}`, { cause: error, retry: "later", ...hint });
  }
}

function unreadable(error: unknown): string {
  const code = errorCode(error);
  if (code === "ENOENT") return "no such file";
  if (code === "EACCES" || code === "EPERM") return "no permission to read it";
  return `cannot be read: ${error instanceof Error ? error.message : error}`;
}

/** Longest key that is searched for; a key is at the beginning of its line. */
const LONGEST_KEY = 500;

/** One table per grating of a chip, for each of several values, is far less. */
const MOST_TABLES = 10_000;
/** A section header, or a dotted key, which creates tables too. */
const TABLE_LINE = /^\s*(?:\[|(?:"[^"]*"|'[^']*'|[\w-]+)\s*\.)/;

/**
 * Refuses a file with more tables than any configuration has: creating all of them, and naming each one, would take many seconds.
 */
function checkTables(text: string, shown: string): void {
  const lines = text.split("\n").filter((line) => TABLE_LINE.test(line.slice(0, LONGEST_KEY))).length;
  const tables = lines + (text.match(/\{/g)?.length ?? 0);
  if (tables <= MOST_TABLES) return;
  throw new Failure("config.invalid", `${shown}: it has ${tables} tables, more than the limit of ${MOST_TABLES}`, {
    hint: TOML_KIND.hint,
  });
}

/** Parses TOML. `shown` names the file in the Failure (config.invalid) for a syntax error. */
export function parseToml(text: string, shown: string): TomlFile {
  checkTables(text, shown);
  let table: Table;
  try {
    table = parse(text, { integersAsBigInt: "asNeeded" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [summary = ""] = error.message.split("\n");
    const reason = summary.replace(/^Invalid TOML document: /, "");
    const source = excerpt(text.split(/\r?\n/)[error.line - 1]?.trim() ?? "");
    throw new Failure(
      "config.invalid",
      `${shown}:${error.line}: not valid TOML, column ${error.column}: ${reason}: ${source}`,
    );
  }
  if (depthOf(table) > DEEPEST_NESTING) {
    throw new Failure(
      "config.invalid",
      `${shown}: nested more than ${DEEPEST_NESTING} levels deep, which no setting is`,
    );
  }
  const lines = keyLines(text);
  const huge = hugeNumber(table);
  if (huge !== undefined) {
    const line = lines.get(huge.name);
    const where = line === undefined ? shown : `${shown}:${line}`;
    throw new Failure(
      "config.invalid",
      `${where}: ${excerpt(huge.name)} = ${huge.value}: the number is larger than 9e15`,
    );
  }
  return { table, lines };
}

/** Finds a number too large to be exact: no setting needs one, and products with it become infinite. */
function hugeNumber(table: Table, prefix = ""): { name: string; value: number } | undefined {
  for (const [key, value] of Object.entries(table)) {
    const name = `${prefix}${key}`;
    if (typeof value === "number" && Number.isFinite(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER)
      return { name, value };
    if (typeof value !== "object" || value === null) continue;
    const inside = hugeNumber(value as Table, `${name}.`);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** Returns a path as a user would write it from the current directory. */
export function shownPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near === "" || near.startsWith("..") || isAbsolute(near) ? file : near;
}

const NAME = /"[^"]*"|'[^']*'|[\w-]+/;
const NAMES = new RegExp(NAME, "g");
const DOTTED = `(?:${NAME.source})(?:\\s*\\.\\s*(?:${NAME.source}))*`;
const HEADER = new RegExp(`^\\s*\\[\\[?\\s*(${DOTTED})\\s*\\]`);
const KEY = new RegExp(`^\\s*(${DOTTED})\\s*=`);

/** Good enough for messages: the parser does not say where a key was. */
function keyLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const tables = new Map<string, number>();
  let header = "";
  text.split("\n").forEach((whole, index) => {
    const line = whole.slice(0, LONGEST_KEY);
    const table = HEADER.exec(line)?.[1];
    const name = table ?? KEY.exec(line)?.[1];
    if (name === undefined) return;
    const plain = [...name.matchAll(NAMES)].map(([part]) => part.replaceAll(/["']/g, "")).join(".");
    if (table !== undefined) {
      header = plain;
      if (/^\s*\[\[/.test(line)) {
        const count = tables.get(plain) ?? 0;
        tables.set(plain, count + 1);
        header = `${plain}[${count}]`;
        if (count === 0) lines.set(plain, index + 1);
      }
    }
    const full = table !== undefined ? header : [header, plain].filter((part) => part !== "").join(".");
    if (!lines.has(full)) lines.set(full, index + 1);
  });
  return lines;
}
