// Migration: injections, with what was injected over the chip and when.

import { INJECTION_TYPES } from "../measurement/injection-type.ts";

const KINDS = INJECTION_TYPES.map((type) => `'${type}'`).join(", ");

export const INJECTIONS = `
CREATE TABLE injection (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Injections that belong together: one of a sample, and the regeneration after it.
  cycle INTEGER NOT NULL CHECK (cycle > 0),
  solution TEXT NOT NULL CHECK (length(solution) BETWEEN 1 AND 200),
  type TEXT NOT NULL CHECK (type IN (${KINDS})),
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
CREATE INDEX injection_time ON injection (start_us);

-- Every change that was made to an injection, with its values before and after as JSON; NULL: it did not exist.
CREATE TABLE injection_change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  injection_id INTEGER NOT NULL,
  made_at_us INTEGER NOT NULL,
  author TEXT NOT NULL,
  before TEXT,
  after TEXT CHECK (before IS NOT NULL OR after IS NOT NULL)
) STRICT;
CREATE INDEX injection_change_of ON injection_change (injection_id);
`;
