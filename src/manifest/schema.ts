// The tables, as numbered migrations counted by `user_version`. A released migration is never edited: the next one changes what
// it made. Tables are STRICT, so that a wrong type is an error at the insert and not a surprise years later.

import { ANALYSIS_NAMES } from "./analysis-name-schema.ts";
import { CHOSEN_LINE } from "./chosen-line-schema.ts";
import { COUNTED, countingTriggers } from "./counters.ts";
import { CUT_OFF } from "./cut-off-schema.ts";
import { FLAG_NAMES } from "./flag-names-schema.ts";
import { INJECTIONS } from "./injection-schema.ts";
import { PAGES } from "./page-schema.ts";
import { MEASURED, REMOVAL } from "./removal-schema.ts";
import { SET_ASIDE } from "./set-aside-schema.ts";
import { SHARES } from "./share-schema.ts";
import { STORAGE } from "./storage-schema.ts";

/** States of an entry. */
export const STATUSES = ["pending", "processing", "processed", "failed"] as const;
export type Status = (typeof STATUSES)[number];

/** Where an entry came from. */
const ORIGINS = ["captured", "adopted", "imported"] as const;
export type Origin = (typeof ORIGINS)[number];

/** Entries whose ids differ only in this many low bits share a block of results; see table `result`. */
export const BLOCK_BITS = 4;

/** "phor": distinguishes a manifest from other SQLite files. */
export const APPLICATION_ID = 0x70686f72;
/** Offset of the application id in the file. See https://www.sqlite.org/fileformat2.html. */
export const APPLICATION_ID_AT = 68;
export const SQLITE_HEADER = "SQLite format 3\0";

const TABLES = `
CREATE TABLE roi_manifest (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  image_angle REAL NOT NULL,
  json TEXT NOT NULL
) STRICT;

CREATE TABLE roi (
  roi_manifest_id INTEGER NOT NULL REFERENCES roi_manifest,
  roi INTEGER NOT NULL,
  label TEXT NOT NULL,
  flip INTEGER NOT NULL,
  y REAL NOT NULL, x REAL NOT NULL, height REAL NOT NULL, width REAL NOT NULL,
  PRIMARY KEY (roi_manifest_id, roi)
) STRICT, WITHOUT ROWID;

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
  missing INTEGER NOT NULL DEFAULT 0 CHECK (missing IN (0, 1)),
  CHECK ((directory IS NULL) = (filename IS NULL))
) STRICT;
CREATE UNIQUE INDEX entry_file ON entry (directory, filename) WHERE filename IS NOT NULL;
CREATE INDEX entry_time ON entry (captured_at_us);
-- The work of each kind and nothing else, so that finding it costs the same however long the history is.
CREATE INDEX entry_pending ON entry (status) WHERE status = 'pending';
CREATE INDEX entry_processing ON entry (status) WHERE status = 'processing';
CREATE INDEX entry_failed ON entry (status) WHERE status = 'failed';
CREATE INDEX entry_missing ON entry (missing) WHERE missing = 1;

CREATE TABLE reading (
  entry_id INTEGER NOT NULL REFERENCES entry ON DELETE CASCADE,
  sensor TEXT NOT NULL,
  value REAL,
  unit TEXT NOT NULL,
  taken_at_us INTEGER NOT NULL,
  error TEXT,
  PRIMARY KEY (entry_id, sensor)
) STRICT, WITHOUT ROWID;

CREATE TABLE analysis (
  id INTEGER PRIMARY KEY,
  method TEXT NOT NULL,
  settings TEXT NOT NULL,
  roi_manifest_id INTEGER REFERENCES roi_manifest,
  kernel_version TEXT NOT NULL,
  fingerprint TEXT NOT NULL UNIQUE
) STRICT;

-- What an analysis said about a frame. Ids are in order of completion: they are the cursor of the outputs.
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
CREATE INDEX outcome_analysis ON outcome (analysis_id, ok);

-- The bulk of an outcome, apart so that the outcomes themselves stay quick to go through.
CREATE TABLE detail (
  outcome_id INTEGER PRIMARY KEY REFERENCES outcome ON DELETE CASCADE,
  statistics BLOB NOT NULL,
  row_values BLOB
) STRICT;

-- One ROI in one frame. Frames come one after the other, people read one ROI over all of them: a block of 16 consecutive
-- entries is written as it comes, and within it each ROI's rows lie together, so that a curve is one seek per 16 points.
-- No foreign key: it would cost a look-up per ROI and frame, and rows are only ever written beside their outcome.
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

CREATE TABLE output (
  name TEXT PRIMARY KEY,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  cursor INTEGER NOT NULL DEFAULT 0,
  state TEXT
) STRICT, WITHOUT ROWID;
-- The outcome that every active output has passed.
CREATE TABLE delivery (id INTEGER PRIMARY KEY CHECK (id = 1), cursor INTEGER NOT NULL) STRICT;
INSERT INTO delivery VALUES (1, 0);

CREATE TABLE heartbeat (
  stage TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  at_us INTEGER NOT NULL,
  detail TEXT
) STRICT, WITHOUT ROWID;
`;

const COUNTERS = `
CREATE TABLE counter (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  ${Object.keys(COUNTED)
    .map((name) => `${name} INTEGER NOT NULL DEFAULT 0`)
    .join(", ")}
) STRICT;
INSERT INTO counter (id) VALUES (1);
${countingTriggers(COUNTED, "status, data_transmitted, image_synced, compression_attempted, missing, collection_error, bytes")}`;

const VIEWS = `
CREATE VIEW frame AS
SELECT e.id AS entry, strftime('%Y-%m-%dT%H:%M:%fZ', e.captured_at_us / 1e6, 'unixepoch') AS captured_at,
  e.filename, e.status, e.error, a.method, o.analysis_id AS analysis, o.ok, o.brightness, o.contrast,
  (SELECT group_concat(r.sensor || ' ' || coalesce(r.value, 'failed') || ' ' || r.unit, ', ')
     FROM reading r WHERE r.entry_id = e.id) AS readings
FROM entry e LEFT JOIN outcome o ON o.entry_id = e.id LEFT JOIN analysis a ON a.id = o.analysis_id;

CREATE VIEW sensorgram AS
SELECT r.analysis_id AS analysis, a.method, i.label, r.roi, r.entry_id AS entry,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.captured_at_us / 1e6, 'unixepoch') AS captured_at,
  r.position AS position_px, r.standard_error AS standard_error_px, r.quality,
  rtrim(iif(r.flags & 1, 'saturated ', '') || iif(r.flags & 2, 'at_edge ', '') || iif(r.flags & 4, 'low_contrast ', '')
    || iif(r.flags & 8, 'not_converged ', '') || iif(r.flags & 16, 'jumped ', '')) AS flags
FROM result r JOIN entry e ON e.id = r.entry_id JOIN analysis a ON a.id = r.analysis_id
  LEFT JOIN roi i ON i.roi_manifest_id = a.roi_manifest_id AND i.roi = r.roi;
`;

// Where the chip is in the image: what it is compared with, and how far it has moved.
const MOVEMENT = `
CREATE TABLE drift_reference (
  analysis_id INTEGER PRIMARY KEY REFERENCES analysis,
  -- By encodeDriftReference; empty where the picture had nothing to hold on to.
  patches BLOB NOT NULL
) STRICT;

CREATE TABLE displacement (
  outcome_id INTEGER PRIMARY KEY REFERENCES outcome ON DELETE CASCADE,
  dx REAL NOT NULL, dy REAL NOT NULL, turn_degrees REAL NOT NULL,
  standard_error REAL,
  patches INTEGER NOT NULL,
  -- The chip has moved further than its ROIs allow.
  astray INTEGER NOT NULL CHECK (astray IN (0, 1))
) STRICT;

CREATE VIEW movement AS
SELECT o.entry_id AS entry, o.analysis_id AS analysis,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.captured_at_us / 1e6, 'unixepoch') AS captured_at,
  d.dx AS dx_px, d.dy AS dy_px, d.turn_degrees, d.standard_error AS standard_error_px, d.patches, d.astray
FROM displacement d JOIN outcome o ON o.id = d.outcome_id JOIN entry e ON e.id = o.entry_id;
`;

// What tracking compares frames with, and which analysis it was measured along with.
const TRACKING = `
CREATE TABLE tracking_reference (
  analysis_id INTEGER PRIMARY KEY REFERENCES analysis,
  -- TrackingReference.bytes. Replaced with each of the first frames, in the transaction of that frame's result.
  reference BLOB NOT NULL
) STRICT;

-- A tracking beside another method has results, and no outcomes: those are the cursor of the outputs, which pass on a frame
-- once, with all that was measured of it.
CREATE TABLE companion (
  analysis_id INTEGER NOT NULL REFERENCES analysis,
  tracking_id INTEGER NOT NULL REFERENCES analysis,
  PRIMARY KEY (analysis_id, tracking_id)
) STRICT, WITHOUT ROWID;
`;

// What users enter: times with a text, and the time window of the baseline.
const MARKERS = `
CREATE TABLE marker (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_us INTEGER NOT NULL,
  text TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 200),
  made_at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX marker_time ON marker (at_us);

-- Absent: the first \`Analysis.baseline_seconds\` of the curves.
CREATE TABLE baseline (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  from_us INTEGER NOT NULL,
  to_us INTEGER NOT NULL CHECK (to_us > from_us),
  made_at_us INTEGER NOT NULL
) STRICT;
`;

/** Migration n brings a manifest from `user_version` n to n + 1. */
export const MIGRATIONS: readonly string[] = [
  TABLES + COUNTERS + VIEWS,
  MOVEMENT,
  STORAGE,
  TRACKING,
  MARKERS,
  SHARES,
  REMOVAL,
  SET_ASIDE,
  CHOSEN_LINE,
  MEASURED,
  FLAG_NAMES,
  PAGES,
  INJECTIONS,
  ANALYSIS_NAMES,
  CUT_OFF,
];
