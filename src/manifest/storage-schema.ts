// Migration: the storage of images: where each image is, what was copied, what was archived.
import { COUNTED, type Counted, countingTriggers } from "./counters.ts";

// Where each image is: here, compressed, on the share, or gone. Only images in the manifest's own directory are counted: those
// elsewhere belong to another program, and the ring buffer leaves them alone.
const STORED: Counted = {
  ...COUNTED,
  local_images: (row) => `(${row}.local = 1 AND ${row}.directory IS '.' AND ${row}.missing = 0)`,
  local_bytes: (row) =>
    `iif(${row}.local = 1 AND ${row}.directory IS '.' AND ${row}.missing = 0, coalesce(${row}.bytes, 0), 0)`,
  damaged: (row) => `${row}.damaged`,
};

/** Images that the ring buffer removed before the migration in removal-schema.ts. */
const REMOVABLE_THEN = `local = 1 AND missing = 0 AND directory = '.'
  AND (status = 'failed' OR (status = 'processed' AND data_transmitted = 1))`;

/** The migration. */
export const STORAGE = `
-- 1 while the picture is (to be) found in \`directory\` on this machine. 0 once it was moved to the share, which
-- \`directory\` and \`filename\` then name, or once the ring buffer let go of the only copy (image_synced = 0).
ALTER TABLE entry ADD COLUMN local INTEGER NOT NULL DEFAULT 1 CHECK (local IN (0, 1));
-- Set before the file is removed, while local is still 1: a death in between is put right by looking at the file.
ALTER TABLE entry ADD COLUMN removed_at_us INTEGER;
-- 1 once \`verify --repair\` has found the picture to differ from its size or hash here. What was recorded stays.
ALTER TABLE entry ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0 CHECK (damaged IN (0, 1));
-- \`bytes\` and \`sha256\` are those of the file as it lies there; these, of the picture before it was compressed.
ALTER TABLE entry ADD COLUMN original_bytes INTEGER;
ALTER TABLE entry ADD COLUMN original_sha256 TEXT;
-- The verified copy: relative to the remote root, as it was written there.
ALTER TABLE entry ADD COLUMN remote_path TEXT;
ALTER TABLE entry ADD COLUMN remote_bytes INTEGER;
ALTER TABLE entry ADD COLUMN remote_sha256 TEXT;
ALTER TABLE entry ADD COLUMN synced_at_us INTEGER;

CREATE INDEX entry_uncompressed ON entry (id)
  WHERE compression_attempted = 0 AND local = 1 AND missing = 0 AND filename IS NOT NULL AND status = 'processed';
CREATE INDEX entry_unsynced ON entry (id)
  WHERE image_synced = 0 AND local = 1 AND missing = 0 AND damaged = 0 AND filename IS NOT NULL
    AND status IN ('processed', 'failed');
-- Oldest capture first, and all that a start needs to compare rows with files, however long the history is.
CREATE INDEX entry_local ON entry (captured_at_us, id, directory, filename)
  WHERE local = 1 AND missing = 0 AND filename IS NOT NULL;
-- What the ring buffer may remove, oldest first: without syncing, and with it.
CREATE INDEX entry_removable ON entry (captured_at_us, id) WHERE ${REMOVABLE_THEN};
CREATE INDEX entry_removable_synced ON entry (captured_at_us, id)
  WHERE ${REMOVABLE_THEN} AND image_synced = 1 AND remote_sha256 IS NOT NULL;
CREATE INDEX entry_damaged ON entry (id) WHERE damaged = 1;
CREATE INDEX entry_removing ON entry (id) WHERE local = 1 AND removed_at_us IS NOT NULL;
-- Pictures that moved away are still known by their name: one that comes back is not a new frame.
CREATE INDEX entry_away ON entry (filename) WHERE local = 0 AND filename IS NOT NULL;

-- Files beside the pictures (results, CSV, plots, snapshots, backups) as they were last copied and verified.
CREATE TABLE synced_file (
  -- Relative to the experiment's root.
  path TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL,
  modified_at_us INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  -- Relative to the remote root.
  remote_path TEXT NOT NULL,
  synced_at_us INTEGER NOT NULL,
  -- Content that was about to take the copy's place: after a death either may stand there, and both are ours.
  staged_sha256 TEXT
) STRICT, WITHOUT ROWID;

-- The remote that this experiment is copied to. Another one mounted in its place has another id.
CREATE TABLE remote (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  remote_id TEXT NOT NULL,
  root TEXT NOT NULL,
  bound_at_us INTEGER NOT NULL
) STRICT;

-- Finished history that was moved out of the live tables.
CREATE TABLE archive (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Relative to the backup directory.
  path TEXT NOT NULL UNIQUE,
  made_at_us INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  entries INTEGER NOT NULL,
  first_captured_at_us INTEGER,
  last_captured_at_us INTEGER,
  -- NULL until all of its entries have left the live tables; a death in between is taken up again from here.
  moved_at_us INTEGER
) STRICT;

-- Names of archived pictures: one that turns up again is known, and not taken for a new one.
CREATE TABLE archived_file (
  directory TEXT NOT NULL,
  filename TEXT NOT NULL,
  archive_id INTEGER NOT NULL REFERENCES archive,
  PRIMARY KEY (directory, filename)
) STRICT, WITHOUT ROWID;
-- One that was moved to the share is known by its name alone where somebody copies it back.
CREATE INDEX archived_name ON archived_file (filename);

ALTER TABLE counter ADD COLUMN local_images INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counter ADD COLUMN local_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE counter ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;
UPDATE counter SET
  local_images = (SELECT count(*) FROM entry WHERE directory = '.' AND missing = 0),
  local_bytes = (SELECT coalesce(sum(bytes), 0) FROM entry WHERE directory = '.' AND missing = 0);
DROP TRIGGER entry_added;
DROP TRIGGER entry_removed;
DROP TRIGGER entry_changed;
${countingTriggers(
  STORED,
  "status, data_transmitted, image_synced, compression_attempted, missing, collection_error, bytes, local, directory, damaged",
)}`;
