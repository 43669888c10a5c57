// Reads a query of any length in batches. One long read would keep SQLite from copying the write-ahead log into the database.

/**
 * Yields all rows in the order of the query, read lazily.
 * @param after returns the batch that follows the row of a cursor, the first batch for `start`; an empty batch ends the reading.
 * @param cursorOf returns the cursor of a row.
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
