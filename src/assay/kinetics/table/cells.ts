// Splits the text of a table into cells: detects the separator, comments and the number format.
import { parseString } from "fast-csv";
import { Failure } from "../../../failure/failure.ts";

export interface Cells {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Line of each row in the file, from 1. */
  readonly lines: readonly number[];
  readonly headerLine: number;
  readonly comments: readonly string[];
  readonly hasDecimalComma: boolean;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const COMMA_NUMBER = /^[+-]?(\d+,\d*|,\d+)(e[+-]?\d+)?$/i;
/** Ways in which programs write a missing value. */
const MISSING = /^(|nan|na|n\/a|null|none|-|--|#n\/a|[+-]?inf(inity)?)$/i;

/** Returns the cells of a file's text. `where`: its name, for errors. Failure `usage.invalid` if it contains no table. */
export async function cellsOf(text: string, where: string): Promise<Cells> {
  const kept: string[] = [];
  const numbers: number[] = [];
  const comments: string[] = [];
  text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .forEach((line, at) => {
      if (line.trim() === "") return;
      if (line.trimStart().startsWith("#")) {
        comments.push(line.trim().slice(1).trim());
        return;
      }
      kept.push(line);
      numbers.push(at + 1);
    });
  const [first] = kept;
  if (first === undefined || kept.length < 2) {
    throw new Failure("usage.invalid", `${where}: there is no table in this file`, {
      hint: "give a line of column names, then a line for each point",
    });
  }
  const delimiter = delimiterOf(first);
  const lines = delimiter === " " ? kept.map((line) => line.trim().replaceAll(/\s+/g, "\t")) : kept;
  const rows = await parsed(lines, delimiter === " " ? "\t" : delimiter, where);
  if (rows.length !== lines.length) {
    throw new Failure("usage.invalid", `${where}: a quotation mark is not closed`, { hint: "correct the file" });
  }
  const [header = [], ...data] = rows;
  const cells = data.slice(0, 200).flat();
  const hasDecimalComma = cells.some((cell) => COMMA_NUMBER.test(cell)) && !cells.some((cell) => /\d\.\d/.test(cell));
  return {
    header,
    rows: data,
    lines: numbers.slice(1),
    headerLine: numbers[0] ?? 1,
    comments,
    hasDecimalComma,
  };
}

function delimiterOf(line: string): string {
  if (line.includes("\t")) return "\t";
  if (line.includes(";")) return ";";
  return line.includes(",") ? "," : " ";
}

function parsed(lines: readonly string[], delimiter: string, where: string): Promise<string[][]> {
  return new Promise((resolve, reject) => {
    const rows: string[][] = [];
    parseString<string[], string[]>(lines.join("\n"), { delimiter, trim: true })
      .on("data", (row) => rows.push(row))
      .on("end", () => resolve(rows))
      .on("error", (error) => {
        reject(
          new Failure("usage.invalid", `${where}: not a table: ${error.message}`, {
            hint: "every line must have the same number of cells",
            cause: error,
          }),
        );
      });
  });
}

/** Returns the number in a cell; NaN for a missing value, undefined for other text. */
export function numberIn(cell: string | undefined, hasDecimalComma: boolean): number | undefined {
  const text = (cell ?? "").trim();
  if (MISSING.test(text)) return Number.NaN;
  const plain = hasDecimalComma ? text.replace(",", ".") : text;
  return NUMBER.test(plain) ? Number(plain) : undefined;
}

/** Returns the number in a cell. Failure `usage.invalid` names the line. */
export function numberAt(cells: Cells, row: number, column: number, what: string, where: string): number {
  const cell = cells.rows[row]?.[column];
  const value = numberIn(cell, cells.hasDecimalComma);
  if (value !== undefined) return value;
  throw new Failure("usage.invalid", `${where}: line ${cells.lines[row]}: the ${what} "${cell}" is not a number`, {
    hint: "correct the line, or leave the cell empty",
  });
}
