// Migration: the ring buffer keeps images that were never measured. Defines which images may be removed and in which order, and
// adds a machine-readable code to the heartbeat of a stage.

/** SQL condition: images in the manifest's own directory. Those elsewhere belong to another program. */
export const OWN = "local = 1 AND missing = 0 AND filename IS NOT NULL AND directory = '.'";
const COPIED = "image_synced = 1 AND remote_sha256 IS NOT NULL";
const REPORTED = "(status = 'processed' AND data_transmitted = 1)";

/** SQL condition: finished and reported, with a verified copy on the share. A failed frame has nothing to report. */
const REMOVABLE_COPIED = `${OWN} AND damaged = 0 AND ${COPIED} AND (status = 'failed' OR ${REPORTED})`;

/** SQL condition: measured and reported, or with a verified copy. The image of a failed frame is all there is of it. */
const REMOVABLE = `${OWN} AND damaged = 0
  AND ((${REPORTED} AND measured = 1) OR (${COPIED} AND (status = 'failed' OR ${REPORTED})))`;

/** The migration. */
export const REMOVAL = `
-- 1 once a measurement gave a position for at least one ROI: the picture is then not the only form of the frame.
ALTER TABLE entry ADD COLUMN measured INTEGER NOT NULL DEFAULT 0 CHECK (measured IN (0, 1));
UPDATE entry SET measured = 1 WHERE id IN (SELECT entry_id FROM outcome WHERE ok = 1);

-- By id, the order in which pictures came: the clock may have been wrong.
DROP INDEX entry_removable;
DROP INDEX entry_removable_synced;
CREATE INDEX entry_removable ON entry (id) WHERE ${REMOVABLE};
CREATE INDEX entry_removable_copied ON entry (id) WHERE ${REMOVABLE_COPIED};
CREATE INDEX entry_own ON entry (id) WHERE ${OWN};

-- What \`detail\` says, as one of a closed list of codes (StageCondition); NULL where nothing needs a reaction.
ALTER TABLE heartbeat ADD COLUMN code TEXT;
`;

/** Migration: a stored result counts as a measurement only if it has a position. */
export const MEASURED = `
UPDATE entry SET measured = 0 WHERE measured = 1 AND local = 1 AND NOT EXISTS (
  SELECT 1 FROM outcome o JOIN result r ON r.analysis_id = o.analysis_id AND r.block = o.entry_id >> 4 AND r.entry_id = o.entry_id
  WHERE o.entry_id = entry.id AND o.ok = 1 AND r.position IS NOT NULL);
`;
