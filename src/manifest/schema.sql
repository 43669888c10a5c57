-- The schema of a new manifest (phorest.sqlite). Written by `npm run schema`; do not edit.
-- The migrations in src/manifest/schema.ts make it and say why it is so.

PRAGMA user_version = 15;

-- Tables
CREATE TABLE analysis (
  id INTEGER PRIMARY KEY,
  method TEXT NOT NULL,
  settings TEXT NOT NULL,
  roi_manifest_id INTEGER REFERENCES roi_manifest,
  kernel_version TEXT NOT NULL,
  fingerprint TEXT NOT NULL UNIQUE
, name TEXT, remeasured_at_us INTEGER) STRICT;
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
CREATE TABLE archived_file (
  directory TEXT NOT NULL,
  filename TEXT NOT NULL,
  archive_id INTEGER NOT NULL REFERENCES archive,
  PRIMARY KEY (directory, filename)
) STRICT, WITHOUT ROWID;
CREATE TABLE baseline (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  from_us INTEGER NOT NULL,
  to_us INTEGER NOT NULL CHECK (to_us > from_us),
  made_at_us INTEGER NOT NULL
) STRICT;
CREATE TABLE chosen_line (
  analysis_id INTEGER PRIMARY KEY REFERENCES analysis,
  -- ChosenLines (src/analysis/chosen-lines.ts). Replaced with each of the first frames, in the transaction of that frame's result.
  lines BLOB NOT NULL
) STRICT;
CREATE TABLE companion (
  analysis_id INTEGER NOT NULL REFERENCES analysis,
  tracking_id INTEGER NOT NULL REFERENCES analysis,
  PRIMARY KEY (analysis_id, tracking_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE counter (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  pending INTEGER NOT NULL DEFAULT 0, processing INTEGER NOT NULL DEFAULT 0, processed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, transmitted INTEGER NOT NULL DEFAULT 0, synced INTEGER NOT NULL DEFAULT 0, compressed INTEGER NOT NULL DEFAULT 0, missing INTEGER NOT NULL DEFAULT 0, collection_errors INTEGER NOT NULL DEFAULT 0, image_bytes INTEGER NOT NULL DEFAULT 0
, local_images INTEGER NOT NULL DEFAULT 0, local_bytes INTEGER NOT NULL DEFAULT 0, damaged INTEGER NOT NULL DEFAULT 0, further_pages INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE delivery (id INTEGER PRIMARY KEY CHECK (id = 1), cursor INTEGER NOT NULL) STRICT;
CREATE TABLE detail (
  outcome_id INTEGER PRIMARY KEY REFERENCES outcome ON DELETE CASCADE,
  statistics BLOB NOT NULL,
  row_values BLOB
) STRICT;
CREATE TABLE displacement (
  outcome_id INTEGER PRIMARY KEY REFERENCES outcome ON DELETE CASCADE,
  dx REAL NOT NULL, dy REAL NOT NULL, turn_degrees REAL NOT NULL,
  standard_error REAL,
  patches INTEGER NOT NULL,
  -- The chip has moved further than its ROIs allow.
  astray INTEGER NOT NULL CHECK (astray IN (0, 1))
) STRICT;
CREATE TABLE drift_reference (
  analysis_id INTEGER PRIMARY KEY REFERENCES analysis,
  -- By encodeDriftReference; empty where the picture had nothing to hold on to.
  patches BLOB NOT NULL
) STRICT;
CREATE TABLE entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER REFERENCES run,
  origin TEXT NOT NULL DEFAULT 'captured' CHECK (origin IN ('captured', 'adopted', 'imported')),
  captured_at_us INTEGER NOT NULL,
  -- Directory of the picture, relative to the manifest's own where it lies inside it, so that an experiment can be moved.
  directory TEXT,
  filename TEXT,
  bytes INTEGER,
  sha256 TEXT,
  width INTEGER, height INTEGER, bit_depth INTEGER,
  camera_type TEXT, camera_index INTEGER,
  settings TEXT,
  warnings TEXT,
  collection_error TEXT,
  status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'processed', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  -- Number of the last claim. An answer to an earlier one changes nothing.
  claim INTEGER NOT NULL DEFAULT 0,
  claimed_at_us INTEGER,
  processed_at_us INTEGER,
  error_code TEXT,
  error TEXT,
  data_transmitted INTEGER NOT NULL DEFAULT 0 CHECK (data_transmitted IN (0, 1)),
  image_synced INTEGER NOT NULL DEFAULT 0 CHECK (image_synced IN (0, 1)),
  compression_attempted INTEGER NOT NULL DEFAULT 0 CHECK (compression_attempted IN (0, 1)),
  missing INTEGER NOT NULL DEFAULT 0 CHECK (missing IN (0, 1)), local INTEGER NOT NULL DEFAULT 1 CHECK (local IN (0, 1)), removed_at_us INTEGER, damaged INTEGER NOT NULL DEFAULT 0 CHECK (damaged IN (0, 1)), original_bytes INTEGER, original_sha256 TEXT, remote_path TEXT, remote_bytes INTEGER, remote_sha256 TEXT, synced_at_us INTEGER, remote_id TEXT, measured INTEGER NOT NULL DEFAULT 0 CHECK (measured IN (0, 1)), page INTEGER CHECK (page >= 0), file_entry_id INTEGER REFERENCES entry
  CHECK (file_entry_id IS NULL OR (page IS NOT NULL AND filename IS NULL)), time_source TEXT
  CHECK (time_source IN ('micro-manager', 'ome', 'imagej', 'exif', 'name', 'table', 'file')), pages_unsettled INTEGER NOT NULL DEFAULT 0, pages_unreported INTEGER NOT NULL DEFAULT 0, pages_unmeasured INTEGER NOT NULL DEFAULT 0, cut_off TEXT,
  CHECK ((directory IS NULL) = (filename IS NULL))
) STRICT;
CREATE TABLE heartbeat (
  stage TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  detail TEXT
, code TEXT, set_aside TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE injection (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Injections that belong together: one of a sample, and the regeneration after it.
  cycle INTEGER NOT NULL CHECK (cycle > 0),
  solution TEXT NOT NULL CHECK (length(solution) BETWEEN 1 AND 200),
  type TEXT NOT NULL CHECK (type IN ('sample', 'blank', 'calibration', 'buffer', 'regeneration')),
  -- M (mol/l). NULL: not known.
  concentration REAL CHECK (concentration >= 0),
  -- Of a calibration.
  refractive_index REAL,
  -- The solution flows over the chip from start to end; then follows the dissociation, up to its end where that is known.
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL CHECK (end_us > start_us),
  dissociation_end_us INTEGER CHECK (dissociation_end_us >= end_us),
  note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE injection_change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  injection_id INTEGER NOT NULL,
  made_at_us INTEGER NOT NULL,
  author TEXT NOT NULL,
  before TEXT,
  after TEXT CHECK (before IS NOT NULL OR after IS NOT NULL)
) STRICT;
CREATE TABLE marker (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_us INTEGER NOT NULL,
  text TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 200),
  made_at_us INTEGER NOT NULL
) STRICT;
CREATE TABLE outcome (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  entry_id INTEGER NOT NULL REFERENCES entry,
  analysis_id INTEGER NOT NULL REFERENCES analysis,
  ok INTEGER NOT NULL CHECK (ok IN (0, 1)),
  error_code TEXT,
  error TEXT,
  processed_at_us INTEGER NOT NULL,
  brightness REAL,
  contrast REAL,
  -- Per ROI a little-endian float32 position, then per ROI one byte of flags: what a plot needs of a frame, in one read.
  curve BLOB,
  UNIQUE (entry_id, analysis_id)
) STRICT;
CREATE TABLE output (
  name TEXT PRIMARY KEY,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  cursor INTEGER NOT NULL DEFAULT 0,
  state TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE reading (
  entry_id INTEGER NOT NULL REFERENCES entry ON DELETE CASCADE,
  sensor TEXT NOT NULL,
  value REAL,
  unit TEXT NOT NULL,
  taken_at_us INTEGER NOT NULL,
  error TEXT,
  PRIMARY KEY (entry_id, sensor)
) STRICT, WITHOUT ROWID;
CREATE TABLE remote (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  remote_id TEXT NOT NULL,
  root TEXT NOT NULL,
  bound_at_us INTEGER NOT NULL
) STRICT;
CREATE TABLE result (
  analysis_id INTEGER NOT NULL,
  block INTEGER NOT NULL CHECK (block = entry_id >> 4),
  roi INTEGER NOT NULL,
  entry_id INTEGER NOT NULL,
  position REAL,
  standard_error REAL,
  quality REAL,
  flags INTEGER NOT NULL,
  PRIMARY KEY (analysis_id, block, roi, entry_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE roi (
  roi_manifest_id INTEGER NOT NULL REFERENCES roi_manifest,
  roi INTEGER NOT NULL,
  label TEXT NOT NULL,
  flip INTEGER NOT NULL,
  y REAL NOT NULL, x REAL NOT NULL, height REAL NOT NULL, width REAL NOT NULL,
  PRIMARY KEY (roi_manifest_id, roi)
) STRICT, WITHOUT ROWID;
CREATE TABLE roi_manifest (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  image_angle REAL NOT NULL,
  json TEXT NOT NULL
) STRICT;
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at_us INTEGER NOT NULL,
  ended_at_us INTEGER,
  end_reason TEXT,
  config TEXT NOT NULL,
  roi_manifest_id INTEGER REFERENCES roi_manifest,
  phorest_version TEXT NOT NULL,
  kernel_version TEXT,
  node_version TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL
) STRICT;
CREATE TABLE share (
  remote_id TEXT PRIMARY KEY,
  root TEXT NOT NULL,
  first_bound_at_us INTEGER NOT NULL,
  -- Live entries whose copy lies there, kept by triggers.
  pictures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
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
CREATE TABLE tracking_reference (
  analysis_id INTEGER PRIMARY KEY REFERENCES analysis,
  -- TrackingReference.bytes. Replaced with each of the first frames, in the transaction of that frame's result.
  reference BLOB NOT NULL
) STRICT;

-- Indexes
CREATE INDEX archived_name ON archived_file (filename);
CREATE INDEX entry_away ON entry (filename) WHERE local = 0 AND filename IS NOT NULL;
CREATE INDEX entry_cut_off ON entry (id) WHERE cut_off IS NOT NULL;
CREATE INDEX entry_damaged ON entry (id) WHERE damaged = 1;
CREATE INDEX entry_failed ON entry (status) WHERE status = 'failed';
CREATE UNIQUE INDEX entry_file ON entry (directory, filename) WHERE filename IS NOT NULL;
CREATE INDEX entry_guessed ON entry (id) WHERE time_source = 'file';
CREATE INDEX entry_local ON entry (captured_at_us, id, directory, filename)
  WHERE local = 1 AND missing = 0 AND filename IS NOT NULL;
CREATE INDEX entry_missing ON entry (missing) WHERE missing = 1;
CREATE INDEX entry_own ON entry (id) WHERE local = 1 AND missing = 0 AND filename IS NOT NULL AND directory = '.';
CREATE UNIQUE INDEX entry_page ON entry (file_entry_id, page) WHERE file_entry_id IS NOT NULL;
CREATE INDEX entry_pending ON entry (status) WHERE status = 'pending';
CREATE INDEX entry_processing ON entry (status) WHERE status = 'processing';
CREATE INDEX entry_removable ON entry (id) WHERE local = 1 AND missing = 0 AND filename IS NOT NULL AND directory = '.' AND damaged = 0
  AND (((status = 'processed' AND data_transmitted = 1) AND measured = 1 AND pages_unmeasured = 0)
    OR (image_synced = 1 AND remote_sha256 IS NOT NULL AND (status = 'failed' OR (status = 'processed' AND data_transmitted = 1)) AND pages_unreported = 0));
CREATE INDEX entry_removable_copied ON entry (id) WHERE local = 1 AND missing = 0 AND filename IS NOT NULL AND directory = '.' AND damaged = 0 AND image_synced = 1 AND remote_sha256 IS NOT NULL AND (status = 'failed' OR (status = 'processed' AND data_transmitted = 1)) AND pages_unreported = 0;
CREATE INDEX entry_removing ON entry (id) WHERE local = 1 AND removed_at_us IS NOT NULL;
CREATE INDEX entry_time ON entry (captured_at_us);
CREATE INDEX entry_uncompressed ON entry (id) WHERE compression_attempted = 0 AND local = 1 AND missing = 0 AND filename IS NOT NULL AND status = 'processed'
  AND pages_unsettled = 0;
CREATE INDEX entry_unsynced ON entry (id) WHERE image_synced = 0 AND local = 1 AND missing = 0 AND damaged = 0 AND filename IS NOT NULL
  AND status IN ('processed', 'failed') AND pages_unsettled = 0;
CREATE INDEX injection_change_of ON injection_change (injection_id);
CREATE INDEX injection_time ON injection (start_us);
CREATE INDEX marker_time ON marker (at_us);
CREATE INDEX outcome_analysis ON outcome (analysis_id, ok);

-- Triggers
CREATE TRIGGER copy_added AFTER INSERT ON entry WHEN NEW.image_synced = 1 AND NEW.remote_id IS NOT NULL BEGIN
  UPDATE share SET pictures = pictures + 1 WHERE remote_id = NEW.remote_id;
END;
CREATE TRIGGER copy_changed AFTER UPDATE OF image_synced, remote_id ON entry BEGIN
  UPDATE share SET pictures = pictures - 1 WHERE OLD.image_synced = 1 AND remote_id = OLD.remote_id;
  UPDATE share SET pictures = pictures + 1 WHERE NEW.image_synced = 1 AND remote_id = NEW.remote_id;
END;
CREATE TRIGGER copy_removed AFTER DELETE ON entry WHEN OLD.image_synced = 1 AND OLD.remote_id IS NOT NULL BEGIN
  UPDATE share SET pictures = pictures - 1 WHERE remote_id = OLD.remote_id;
END;
CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
  UPDATE counter SET pending = pending + (NEW.status = 'pending'), processing = processing + (NEW.status = 'processing'), processed = processed + (NEW.status = 'processed'), failed = failed + (NEW.status = 'failed'), transmitted = transmitted + NEW.data_transmitted, synced = synced + NEW.image_synced, compressed = compressed + NEW.compression_attempted, missing = missing + NEW.missing, collection_errors = collection_errors + (NEW.collection_error IS NOT NULL), image_bytes = image_bytes + coalesce(NEW.bytes, 0), local_images = local_images + (NEW.local = 1 AND NEW.directory IS '.' AND NEW.missing = 0), local_bytes = local_bytes + iif(NEW.local = 1 AND NEW.directory IS '.' AND NEW.missing = 0, coalesce(NEW.bytes, 0), 0), damaged = damaged + NEW.damaged;
END;
CREATE TRIGGER entry_changed AFTER UPDATE OF status, data_transmitted, image_synced, compression_attempted, missing, collection_error, bytes, local, directory, damaged ON entry BEGIN
  UPDATE counter SET pending = pending + (NEW.status = 'pending') - (OLD.status = 'pending'), processing = processing + (NEW.status = 'processing') - (OLD.status = 'processing'), processed = processed + (NEW.status = 'processed') - (OLD.status = 'processed'), failed = failed + (NEW.status = 'failed') - (OLD.status = 'failed'), transmitted = transmitted + NEW.data_transmitted - OLD.data_transmitted, synced = synced + NEW.image_synced - OLD.image_synced, compressed = compressed + NEW.compression_attempted - OLD.compression_attempted, missing = missing + NEW.missing - OLD.missing, collection_errors = collection_errors + (NEW.collection_error IS NOT NULL) - (OLD.collection_error IS NOT NULL), image_bytes = image_bytes + coalesce(NEW.bytes, 0) - coalesce(OLD.bytes, 0), local_images = local_images + (NEW.local = 1 AND NEW.directory IS '.' AND NEW.missing = 0) - (OLD.local = 1 AND OLD.directory IS '.' AND OLD.missing = 0), local_bytes = local_bytes + iif(NEW.local = 1 AND NEW.directory IS '.' AND NEW.missing = 0, coalesce(NEW.bytes, 0), 0) - iif(OLD.local = 1 AND OLD.directory IS '.' AND OLD.missing = 0, coalesce(OLD.bytes, 0), 0), damaged = damaged + NEW.damaged - OLD.damaged;
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
  UPDATE counter SET pending = pending - (OLD.status = 'pending'), processing = processing - (OLD.status = 'processing'), processed = processed - (OLD.status = 'processed'), failed = failed - (OLD.status = 'failed'), transmitted = transmitted - OLD.data_transmitted, synced = synced - OLD.image_synced, compressed = compressed - OLD.compression_attempted, missing = missing - OLD.missing, collection_errors = collection_errors - (OLD.collection_error IS NOT NULL), image_bytes = image_bytes - coalesce(OLD.bytes, 0), local_images = local_images - (OLD.local = 1 AND OLD.directory IS '.' AND OLD.missing = 0), local_bytes = local_bytes - iif(OLD.local = 1 AND OLD.directory IS '.' AND OLD.missing = 0, coalesce(OLD.bytes, 0), 0), damaged = damaged - OLD.damaged;
END;
CREATE TRIGGER first_page_added AFTER INSERT ON entry WHEN NEW.page IS NOT NULL AND NEW.file_entry_id IS NULL BEGIN
  UPDATE entry SET pages_unsettled = (SELECT count(*) FROM entry p WHERE p.file_entry_id = NEW.id AND (p.status IN ('pending', 'processing'))), pages_unreported = (SELECT count(*) FROM entry p WHERE p.file_entry_id = NEW.id AND (p.status <> 'failed' AND (p.status <> 'processed' OR p.data_transmitted = 0))), pages_unmeasured = (SELECT count(*) FROM entry p WHERE p.file_entry_id = NEW.id AND (p.status <> 'processed' OR p.data_transmitted = 0 OR p.measured = 0)) WHERE id = NEW.id;
END;
CREATE TRIGGER page_added AFTER INSERT ON entry WHEN NEW.file_entry_id IS NOT NULL BEGIN
  UPDATE entry SET pages_unsettled = pages_unsettled + (NEW.status IN ('pending', 'processing')), pages_unreported = pages_unreported + (NEW.status <> 'failed' AND (NEW.status <> 'processed' OR NEW.data_transmitted = 0)), pages_unmeasured = pages_unmeasured + (NEW.status <> 'processed' OR NEW.data_transmitted = 0 OR NEW.measured = 0) WHERE id = NEW.file_entry_id;
  UPDATE counter SET further_pages = further_pages + 1;
END;
CREATE TRIGGER page_changed AFTER UPDATE OF status, data_transmitted, measured ON entry WHEN NEW.file_entry_id IS NOT NULL BEGIN
  UPDATE entry SET pages_unsettled = pages_unsettled + (NEW.status IN ('pending', 'processing')) - (OLD.status IN ('pending', 'processing')), pages_unreported = pages_unreported + (NEW.status <> 'failed' AND (NEW.status <> 'processed' OR NEW.data_transmitted = 0)) - (OLD.status <> 'failed' AND (OLD.status <> 'processed' OR OLD.data_transmitted = 0)), pages_unmeasured = pages_unmeasured + (NEW.status <> 'processed' OR NEW.data_transmitted = 0 OR NEW.measured = 0) - (OLD.status <> 'processed' OR OLD.data_transmitted = 0 OR OLD.measured = 0) WHERE id = NEW.file_entry_id;
END;
CREATE TRIGGER page_removed AFTER DELETE ON entry WHEN OLD.file_entry_id IS NOT NULL BEGIN
  UPDATE entry SET pages_unsettled = pages_unsettled - (OLD.status IN ('pending', 'processing')), pages_unreported = pages_unreported - (OLD.status <> 'failed' AND (OLD.status <> 'processed' OR OLD.data_transmitted = 0)), pages_unmeasured = pages_unmeasured - (OLD.status <> 'processed' OR OLD.data_transmitted = 0 OR OLD.measured = 0) WHERE id = OLD.file_entry_id;
  UPDATE counter SET further_pages = further_pages - 1;
END;

-- Views
CREATE VIEW frame AS
SELECT e.id AS entry, strftime('%Y-%m-%dT%H:%M:%fZ', e.captured_at_us / 1e6, 'unixepoch') AS captured_at, e.time_source,
  coalesce(e.filename, f.filename) AS filename, e.page, e.status, e.error, a.method, o.analysis_id AS analysis, o.ok,
  o.brightness, o.contrast,
  (SELECT group_concat(r.sensor || ' ' || coalesce(r.value, 'failed') || ' ' || r.unit, ', ')
     FROM reading r WHERE r.entry_id = e.id) AS readings
FROM entry e LEFT JOIN entry f ON f.id = e.file_entry_id LEFT JOIN outcome o ON o.entry_id = e.id
  LEFT JOIN analysis a ON a.id = o.analysis_id;
CREATE VIEW movement AS
SELECT o.entry_id AS entry, o.analysis_id AS analysis,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.captured_at_us / 1e6, 'unixepoch') AS captured_at,
  d.dx AS dx_px, d.dy AS dy_px, d.turn_degrees, d.standard_error AS standard_error_px, d.patches, d.astray
FROM displacement d JOIN outcome o ON o.id = d.outcome_id JOIN entry e ON e.id = o.entry_id;
CREATE VIEW sensorgram AS
SELECT r.analysis_id AS analysis, a.method, i.label, r.roi, r.entry_id AS entry,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.captured_at_us / 1e6, 'unixepoch') AS captured_at,
  r.position AS position_px, r.standard_error AS standard_error_px, r.quality,
  rtrim(iif(r.flags & 1, 'saturated ', '') || iif(r.flags & 2, 'at_edge ', '') || iif(r.flags & 4, 'low_contrast ', '')
    || iif(r.flags & 8, 'not_converged ', '') || iif(r.flags & 16, 'jumped ', '') || iif(r.flags & 32, 'fallback ', '')
    || iif(r.flags & 64, 'shape_changed ', '')) AS flags
FROM result r JOIN entry e ON e.id = r.entry_id JOIN analysis a ON a.id = r.analysis_id
  LEFT JOIN roi i ON i.roi_manifest_id = a.roi_manifest_id AND i.roi = r.roi;
