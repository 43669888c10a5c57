// Migration: stores the line shapes that were chosen from the data with their analysis.

/** The migration. */
export const CHOSEN_LINE = `
CREATE TABLE chosen_line (
  analysis_id INTEGER PRIMARY KEY REFERENCES analysis,
  -- ChosenLines (src/analysis/chosen-lines.ts). Replaced with each of the first frames, in the transaction of that frame's result.
  lines BLOB NOT NULL
) STRICT;
`;
