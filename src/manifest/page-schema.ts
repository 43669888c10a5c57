// Migration: a file may hold several frames. Records which page of a file each entry is, and what its pages still need before the
// file may be compressed, copied or removed.
import { OWN } from "./removal-schema.ts";

const REPORTED = "(status = 'processed' AND data_transmitted = 1)";
const COPIED = "image_synced = 1 AND remote_sha256 IS NOT NULL";

/**
 * SQL condition: all pages are finished and reported, and the file has a verified copy on the share. A failed frame has nothing
 * to report.
 */
export const REMOVABLE_COPIED = `${OWN} AND damaged = 0 AND ${COPIED} AND (status = 'failed' OR ${REPORTED}) AND pages_unreported = 0`;

/**
 * SQL condition: all pages are measured and reported, or the file has a verified copy. The image of a failed frame is all there
 * is of it.
 */
export const REMOVABLE = `${OWN} AND damaged = 0
  AND ((${REPORTED} AND measured = 1 AND pages_unmeasured = 0)
    OR (${COPIED} AND (status = 'failed' OR ${REPORTED}) AND pages_unreported = 0))`;

/** SQL condition: a measured image that was not tried to compress yet. */
export const UNCOMPRESSED = `compression_attempted = 0 AND local = 1 AND missing = 0 AND filename IS NOT NULL AND status = 'processed'
  AND pages_unsettled = 0`;

/** SQL condition: the image of a finished entry that has no copy on the share. */
export const UNSYNCED = `image_synced = 0 AND local = 1 AND missing = 0 AND damaged = 0 AND filename IS NOT NULL
  AND status IN ('processed', 'failed') AND pages_unsettled = 0`;

/** Columns in which the entry of a file counts its further pages. */
const COUNTED: Readonly<Record<string, (row: string) => string>> = {
  pages_unsettled: (row) => `(${row}.status IN ('pending', 'processing'))`,
  pages_unreported: (row) =>
    `(${row}.status <> 'failed' AND (${row}.status <> 'processed' OR ${row}.data_transmitted = 0))`,
  pages_unmeasured: (row) => `(${row}.status <> 'processed' OR ${row}.data_transmitted = 0 OR ${row}.measured = 0)`,
};

function counting(change: (count: (row: string) => string) => string): string {
  return Object.entries(COUNTED)
    .map(([name, count]) => `${name} = ${name} ${change(count)}`)
    .join(", ");
}

const COUNTED_NOW = Object.entries(COUNTED)
  .map(([name, count]) => `${name} = (SELECT count(*) FROM entry p WHERE p.file_entry_id = NEW.id AND ${count("p")})`)
  .join(", ");

/** The migration. */
export const PAGES = `
-- Which page of its file the frame is, from 0. NULL: the file is one picture.
ALTER TABLE entry ADD COLUMN page INTEGER CHECK (page >= 0);
-- The entry that carries the file: its name, size, hash, copy and removal. NULL for that entry itself, which is the first of
-- its pages that was taken, and for a single picture. Further pages have no file name of their own.
ALTER TABLE entry ADD COLUMN file_entry_id INTEGER REFERENCES entry
  CHECK (file_entry_id IS NULL OR (page IS NOT NULL AND filename IS NULL));
-- Where the time of capture is from, where it is not the clock at the capture: 'micro-manager', 'ome', 'imagej', 'exif',
-- 'name', 'table', or 'file' for one guessed from the time of the file's last change.
ALTER TABLE entry ADD COLUMN time_source TEXT
  CHECK (time_source IN ('micro-manager', 'ome', 'imagej', 'exif', 'name', 'table', 'file'));
-- Further pages of this file that are still to be measured, are not in every report, and have no reported position: kept by
-- triggers, so that what may be done with a file is a question to its own row.
ALTER TABLE entry ADD COLUMN pages_unsettled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN pages_unreported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN pages_unmeasured INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX entry_page ON entry (file_entry_id, page) WHERE file_entry_id IS NOT NULL;

-- Entries that are further pages, so that files are counted as entries less these.
ALTER TABLE counter ADD COLUMN further_pages INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER page_added AFTER INSERT ON entry WHEN NEW.file_entry_id IS NOT NULL BEGIN
  UPDATE entry SET ${counting((count) => `+ ${count("NEW")}`)} WHERE id = NEW.file_entry_id;
  UPDATE counter SET further_pages = further_pages + 1;
END;
CREATE TRIGGER page_removed AFTER DELETE ON entry WHEN OLD.file_entry_id IS NOT NULL BEGIN
  UPDATE entry SET ${counting((count) => `- ${count("OLD")}`)} WHERE id = OLD.file_entry_id;
  UPDATE counter SET further_pages = further_pages - 1;
END;
CREATE TRIGGER page_changed AFTER UPDATE OF status, data_transmitted, measured ON entry WHEN NEW.file_entry_id IS NOT NULL BEGIN
  UPDATE entry SET ${counting((count) => `+ ${count("NEW")} - ${count("OLD")}`)} WHERE id = NEW.file_entry_id;
END;
-- A row that was copied from another manifest brings counts with it; only the pages that are here count.
CREATE TRIGGER first_page_added AFTER INSERT ON entry WHEN NEW.page IS NOT NULL AND NEW.file_entry_id IS NULL BEGIN
  UPDATE entry SET ${COUNTED_NOW} WHERE id = NEW.id;
END;

DROP INDEX entry_removable;
DROP INDEX entry_removable_copied;
DROP INDEX entry_uncompressed;
DROP INDEX entry_unsynced;
-- Frames whose time is guessed: the state of the experiment says so.
CREATE INDEX entry_guessed ON entry (id) WHERE time_source = 'file';
CREATE INDEX entry_removable ON entry (id) WHERE ${REMOVABLE};
CREATE INDEX entry_removable_copied ON entry (id) WHERE ${REMOVABLE_COPIED};
CREATE INDEX entry_uncompressed ON entry (id) WHERE ${UNCOMPRESSED};
CREATE INDEX entry_unsynced ON entry (id) WHERE ${UNSYNCED};

DROP VIEW frame;
CREATE VIEW frame AS
SELECT e.id AS entry, strftime('%Y-%m-%dT%H:%M:%fZ', e.captured_at_us / 1e6, 'unixepoch') AS captured_at, e.time_source,
  coalesce(e.filename, f.filename) AS filename, e.page, e.status, e.error, a.method, o.analysis_id AS analysis, o.ok,
  o.brightness, o.contrast,
  (SELECT group_concat(r.sensor || ' ' || coalesce(r.value, 'failed') || ' ' || r.unit, ', ')
     FROM reading r WHERE r.entry_id = e.id) AS readings
FROM entry e LEFT JOIN entry f ON f.id = e.file_entry_id LEFT JOIN outcome o ON o.entry_id = e.id
  LEFT JOIN analysis a ON a.id = o.analysis_id;
`;
