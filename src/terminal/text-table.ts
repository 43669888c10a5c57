// A table of text for the terminal.

/** `align` has a letter for each column: l or r. Columns without any text are left out. Ends with a line break. */
export function textTable(names: readonly string[], rows: readonly (readonly string[])[], align: string): string {
  const used = names.flatMap((_, column) => (rows.some((row) => row[column] !== "") ? [column] : []));
  const lines = [names, ...rows].map((row) => used.map((column) => row[column] ?? ""));
  const widths = used.map((_, at) => Math.max(...lines.map((line) => (line[at] as string).length)));
  const padded = (text: string, at: number) =>
    align[used[at] as number] === "r" ? text.padStart(widths[at] as number) : text.padEnd(widths[at] as number);
  return lines.map((line) => `${line.map(padded).join("  ").trimEnd()}\n`).join("");
}
