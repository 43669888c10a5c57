// Migration: every copy records the share that it is on. When a full disk is replaced by another one, the copies on the first
// stay known.

/** The migration. Until now there was one share at a time, so every copy belongs to the one that was bound last. */
export const SHARES = `
-- The share that holds the verified copy, by the id in its marker. NULL: not copied, or by another program.
ALTER TABLE entry ADD COLUMN remote_id TEXT;
UPDATE entry SET remote_id = (SELECT remote_id FROM remote) WHERE remote_path IS NOT NULL;

-- Every share this experiment was ever copied to; \`remote\` names the one in use.
CREATE TABLE share (
  remote_id TEXT PRIMARY KEY,
  root TEXT NOT NULL,
  first_bound_at_us INTEGER NOT NULL,
  -- Live entries whose copy lies there, kept by triggers.
  pictures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO share SELECT remote_id, root, bound_at_us,
  (SELECT count(*) FROM entry WHERE image_synced = 1 AND entry.remote_id IS NOT NULL) FROM remote;
CREATE TRIGGER copy_added AFTER INSERT ON entry WHEN NEW.image_synced = 1 AND NEW.remote_id IS NOT NULL BEGIN
  UPDATE share SET pictures = pictures + 1 WHERE remote_id = NEW.remote_id;
END;
CREATE TRIGGER copy_removed AFTER DELETE ON entry WHEN OLD.image_synced = 1 AND OLD.remote_id IS NOT NULL BEGIN
  UPDATE share SET pictures = pictures - 1 WHERE remote_id = OLD.remote_id;
END;
CREATE TRIGGER copy_changed AFTER UPDATE OF image_synced, remote_id ON entry BEGIN
  UPDATE share SET pictures = pictures - 1 WHERE OLD.image_synced = 1 AND remote_id = OLD.remote_id;
  UPDATE share SET pictures = pictures + 1 WHERE NEW.image_synced = 1 AND remote_id = NEW.remote_id;
END;

-- The same file beside the pictures has a copy on each share, of the time when that share was in use.
ALTER TABLE synced_file RENAME TO synced_file_of_one_share;
CREATE TABLE synced_file (
  remote_id TEXT NOT NULL,
  -- Relative to the experiment's root.
  path TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  modified_at_us INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  -- Relative to the remote root.
  remote_path TEXT NOT NULL,
  synced_at_us INTEGER NOT NULL,
  -- Content that was about to take the copy's place: after a death either may stand there, and both are ours.
  staged_sha256 TEXT,
  PRIMARY KEY (remote_id, path)
) STRICT, WITHOUT ROWID;
INSERT INTO synced_file
  SELECT remote.remote_id, path, bytes, modified_at_us, sha256, remote_path, synced_at_us, staged_sha256
  FROM synced_file_of_one_share, remote;
DROP TABLE synced_file_of_one_share;
`;
