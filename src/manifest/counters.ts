// Counters for the status line. Counting a million rows would be too slow, so triggers keep one row of counters up to date.
/** For each counter column, the SQL expression for what a row of `entry` adds to it. */
export type Counted = Readonly<Record<string, (row: string) => string>>;

/** Counters in the first version of the schema. */
export const COUNTED: Counted = {
  pending: (row) => `(${row}.status = 'pending')`,
  processing: (row) => `(${row}.status = 'processing')`,
  processed: (row) => `(${row}.status = 'processed')`,
  failed: (row) => `(${row}.status = 'failed')`,
  transmitted: (row) => `${row}.data_transmitted`,
  synced: (row) => `${row}.image_synced`,
  compressed: (row) => `${row}.compression_attempted`,
  missing: (row) => `${row}.missing`,
  collection_errors: (row) => `(${row}.collection_error IS NOT NULL)`,
  image_bytes: (row) => `coalesce(${row}.bytes, 0)`,
};

function counting(counted: Counted, change: (count: (row: string) => string) => string): string {
  return Object.entries(counted)
    .map(([name, count]) => `${name} = ${name} ${change(count)}`)
    .join(", ");
}

/**
 * Returns the triggers that keep `counted` up to date in the one row of table `counter`. `columns`: the columns of entry that can
 * change a count.
 */
export function countingTriggers(counted: Counted, columns: string): string {
  return `
CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
  UPDATE counter SET ${counting(counted, (count) => `+ ${count("NEW")}`)};
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
  UPDATE counter SET ${counting(counted, (count) => `- ${count("OLD")}`)};
END;
CREATE TRIGGER entry_changed AFTER UPDATE OF ${columns} ON entry BEGIN
  UPDATE counter SET ${counting(counted, (count) => `+ ${count("NEW")} - ${count("OLD")}`)};
END;
`;
}
