// Pages of one file in the tables: the first one that was taken carries the file, the others refer to it (page-schema.ts).

/**
 * Returns a column of the file that an `entry` is in: of the entry itself, or of the one that carries the file. For statements
 * that cannot join, such as after RETURNING.
 */
export function fileColumn(column: string): string {
  return `coalesce(entry.${column}, (SELECT f.${column} FROM entry f WHERE f.id = entry.file_entry_id)) AS ${column}`;
}

/** Joins the entry `f` that carries the file to an entry `e` that is a further page of it. */
export const JOIN_FILE = "LEFT JOIN entry f ON f.id = e.file_entry_id";

/** Name and directory of an entry's file; requires JOIN_FILE. */
export const FILE_NAME =
  "coalesce(e.filename, f.filename) AS filename, coalesce(e.directory, f.directory) AS directory";

/** Like SELECT * FROM entry, but further pages have the name and state of their file. */
export const ENTRY_WITH_FILE = `SELECT e.id, e.captured_at_us, ${FILE_NAME}, e.bytes, e.sha256, e.camera_index, e.collection_error,
  e.status, e.attempts, e.processed_at_us, e.error_code, e.error, e.data_transmitted, e.width, e.height, e.page, e.time_source,
  coalesce(f.image_synced, e.image_synced) AS image_synced, coalesce(f.missing, e.missing) AS missing,
  coalesce(f.compression_attempted, e.compression_attempted) AS compression_attempted
  FROM entry e ${JOIN_FILE}`;

/** SQL condition: the entry itself and, if it carries a multi-page file, the entries of its further pages. */
export const OF_FILE = "(id = @entryId OR file_entry_id = @entryId)";

/** The id of the entry that carries the file of entry @entryId. */
export const FILE_ENTRY = "(SELECT coalesce(file_entry_id, id) FROM entry WHERE id = @entryId)";

/** Resets the state of a file that has become larger: it must be compressed and copied again. It may have been removed before. */
export const GROWN = `
  UPDATE entry SET bytes = @bytes, sha256 = @sha256, settings = @settings, cut_off = @cutOff, page = coalesce(page, 0),
    image_synced = 0, remote_id = NULL, remote_path = NULL, remote_bytes = NULL, remote_sha256 = NULL, synced_at_us = NULL,
    compression_attempted = 0, original_bytes = NULL, original_sha256 = NULL, damaged = 0, local = 1, missing = 0,
    removed_at_us = NULL
  WHERE directory = @directory AND filename = @filename RETURNING id`;

/** Updates the record of a file whose content is as it was: its copy on the share and its compression stay valid. */
export const UNCHANGED = `
  UPDATE entry SET settings = @settings, page = coalesce(page, 0)
  WHERE directory = @directory AND filename = @filename AND local = 1 AND damaged = 0 AND sha256 = @sha256 RETURNING id`;

/** The pages of a file, from 0, that have a row, by the name of the file. */
export const PAGES_OF_NAME = `
  WITH file AS (SELECT id, page FROM entry WHERE directory = @directory AND filename IN (@filename, @other)
    UNION SELECT id, page FROM entry WHERE local = 0 AND filename IN (@filename, @other))
  SELECT coalesce(page, 0) AS page FROM file
  UNION SELECT p.page FROM entry p WHERE p.file_entry_id IN (SELECT id FROM file) ORDER BY page`;

/** Returns the name of a frame for people: the name of its file, and the page number (from 1) if the file has several. */
export function frameName(filename: string, page: number | null | undefined): string {
  return page === undefined || page === null ? filename : `${filename}, page ${page + 1}`;
}
