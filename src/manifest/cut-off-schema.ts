// Migration: records on an entry that its file is truncated.

export const CUT_OFF = `
-- Why parts of the file that the entry carries cannot be used: it is cut off. NULL: it is whole, or it has grown since and the pages
-- behind are in another file.
ALTER TABLE entry ADD COLUMN cut_off TEXT;
CREATE INDEX entry_cut_off ON entry (id) WHERE cut_off IS NOT NULL;
`;
