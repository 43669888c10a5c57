// Pages of one file in the tables: the first one that was taken carries the file, the others refer to it (page-schema.ts).

/**
 * A column of the file that an `entry` is in: of the entry itself, or of the one that carries the file. For statements
 * without a join, as after RETURNING.
 */
export function fileColumn(column: string): string {
  return `coalesce(entry.${column}, (SELECT f.${column} FROM entry f WHERE f.id = entry.file_entry_id)) AS ${column}`;
}

/** Joins the entry `f` that carries the file to an entry `e` that is one of its further pages. */
export const JOIN_FILE = "LEFT JOIN entry f ON f.id = e.file_entry_id";

/** Name and directory of an entry's file, where JOIN_FILE is. */
export const FILE_NAME =
  "coalesce(e.filename, f.filename) AS filename, coalesce(e.directory, f.directory) AS directory";

/** As SELECT * FROM entry, with name and state of the file that a further page is in. */
export const ENTRY_WITH_FILE = `SELECT e.id, e.captured_at_us, ${FILE_NAME}, e.bytes, e.sha256, e.camera_index, e.collection_error,
  e.status, e.attempts, e.processed_at_us, e.error_code, e.error, e.data_transmitted, e.width, e.height, e.page, e.time_source,
  coalesce(f.image_synced, e.image_synced) AS image_synced, coalesce(f.missing, e.missing) AS missing,
  coalesce(f.compression_attempted, e.compression_attempted) AS compression_attempted
  FROM entry e ${JOIN_FILE}`;

/** The entry and, where it carries a file with more pages, those. */
export const OF_FILE = "(id = @entryId OR file_entry_id = @entryId)";

/** The id of the entry that carries the file of entry @entryId. */
export const FILE_ENTRY = "(SELECT coalesce(file_entry_id, id) FROM entry WHERE id = @entryId)";

/** The file of an entry is larger than it was and holds more pages: what was done with the smaller one is to be done again. */
export const GROWN = `
  UPDATE entry SET bytes = @bytes, sha256 = @sha256, settings = @settings, cut_off = @cutOff, page = coalesce(page, 0),
    image_synced = 0, remote_id = NULL, remote_path = NULL, remote_bytes = NULL, remote_sha256 = NULL, synced_at_us = NULL,
    compression_attempted = 0, original_bytes = NULL, original_sha256 = NULL, damaged = 0
  WHERE directory = @directory AND filename = @filename AND local = 1 RETURNING id`;

/** How a frame is called: the name of its file, and the page where the file has several. Pages count from 1 for people. */
export function frameName(filename: string, page: number | null | undefined): string {
  return page === undefined || page === null ? filename : `${filename}, page ${page + 1}`;
}
