// Formats tables of text for the terminal.

/**
 * Returns one line per row, with cells padded to the width of their column (on the left if `isRight`), two spaces between
 * columns, and no trailing blanks. The first row determines the number of columns that are measured.
 */
export function alignedLines(
  rows: readonly (readonly string[])[],
  isRight: (column: number) => boolean = () => false,
): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const padded = (cell: string, column: number) =>
    isRight(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(padded).join("  ").trimEnd());
}

/**
 * Returns a table. `align` has a letter for each column: l or r. Columns without any text are left out. Ends with a line break.
 */
export function textTable(names: readonly string[], rows: readonly (readonly string[])[], align: string): string {
  const used = names.flatMap((_, column) => (rows.some((row) => row[column] !== "") ? [column] : []));
  const lines = [names, ...rows].map((row) => used.map((column) => row[column] ?? ""));
  return alignedLines(lines, (at) => align[used[at] as number] === "r")
    .map((line) => `${line}\n`)
    .join("");
}
