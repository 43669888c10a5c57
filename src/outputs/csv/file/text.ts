// Text in CSV files. A spreadsheet takes a cell that begins with one of a few characters for a formula and runs it; labels, file
// names and markers come from other people's files. Such a cell gets an apostrophe in front, which spreadsheets take for "text".

/** What begins a formula, also in its full-width form, and white space that spreadsheets skip before one. */
const FORMULA = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/**
 * A text as it is written into a CSV file. Only for texts: numbers are written as they are. Apostrophes that stand before such a
 * character already get one more, so that `plainText` gives back exactly what was written.
 */
export function safeText(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** The text that a cell of one of our CSV files stands for. */
export function plainText(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}
