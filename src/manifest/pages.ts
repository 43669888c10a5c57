// Reads a query of any length a page at a time. One long read would keep SQLite from folding the write-ahead log into the database.

/**
 * All rows in the order of the query, read lazily.
 * @param after the page that follows the row of a cursor, the first page for `start`; an empty page ends the reading.
 * @param cursorOf the cursor of a row.
 */
export function* pages<Row, Cursor>(
  start: Cursor,
  after: (cursor: Cursor) => readonly Row[],
  cursorOf: (row: Row) => Cursor,
): Generator<Row> {
  let cursor = start;
  for (;;) {
    const rows = after(cursor);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    cursor = cursorOf(last);
  }
}
