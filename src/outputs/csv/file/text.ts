// Makes text safe for CSV files. A spreadsheet treats a cell that begins with certain characters as a formula and runs it, and
// labels, file names and markers come from other people's files. Such a cell gets a leading apostrophe, which spreadsheets take
// as "text".

/** Characters that start a formula, including their full-width forms, and white space that spreadsheets skip before one. */
const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/**
 * Returns a text as it is written into a CSV file. Only for texts: numbers are written as they are. If apostrophes already
 * precede such a character, one more is added, so that `plainText` restores exactly the original.
 */
export function safeText(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** Returns the original text of a cell of one of our CSV files. */
export function plainText(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}
