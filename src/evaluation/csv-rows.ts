// Reads the rows of a CSV file that a user made, perhaps in a spreadsheet.
import { readFile } from "node:fs/promises";
import { parseString } from "fast-csv";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";

/** A line of the file, accessed by lower-case column names. */
export interface CsvLine {
  /** The file and the number of the line, for messages. */
  readonly where: string;
  /** Returns the trimmed cell of the first of these columns that exists; undefined if it is empty or absent. */
  cell(...names: readonly string[]): string | undefined;
}

/**
 * Returns the non-empty lines of a CSV, and the names of its columns. Failure `usage.invalid` if the text is not a CSV, or has two
 * columns of one name.
 */
export async function csvLines(csv: string, where: string): Promise<{ names: readonly string[]; lines: CsvLine[] }> {
  const [header = [], ...rows] = await rowsOf(csv.replace(/^\uFEFF/, ""), where);
  const names = header.map((name) => name.trim().toLowerCase());
  const twice = names.find((name, at) => name !== "" && names.indexOf(name) < at);
  if (twice !== undefined) {
    throw new Failure("usage.invalid", `${where}: line 1 names the column ${twice} twice`, {
      hint: "remove one of them, or give it another name",
    });
  }
  const lines = rows.flatMap((row, index) => {
    if (row.every((cell) => cell.trim() === "")) return [];
    const cell = (...wanted: readonly string[]) => {
      const at = names.findIndex((name) => wanted.includes(name));
      return row[at]?.trim() || undefined;
    };
    return [{ where: `${where}: line ${index + 2}`, cell }];
  });
  return { names, lines };
}

/** Returns the text of a file that the user named. Failure `usage.invalid` if it cannot be read. */
export async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new Failure(
      "usage.invalid",
      code === "ENOENT" ? `${path}: there is no such file` : `${path}: cannot read this file (${code})`,
      {
        hint: "name a CSV file",
        cause: error,
      },
    );
  }
}

function rowsOf(csv: string, where: string): Promise<string[][]> {
  const [first = ""] = csv.split("\n", 1);
  // Spreadsheets write semicolons where the comma is the decimal separator.
  const delimiter = first.includes(";") && !first.includes(",") ? ";" : ",";
  return new Promise((resolve, reject) => {
    const rows: string[][] = [];
    parseString<string[], string[]>(csv, { delimiter })
      .on("data", (row) => rows.push(row))
      .on("end", () => resolve(rows))
      .on("error", (error) => {
        reject(new Failure("usage.invalid", `${where}: not a CSV file: ${error.message}`, { cause: error }));
      });
  });
}
