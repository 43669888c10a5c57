// Migration: the heartbeat of a stage lists the files that the stage has set aside.

/** The migration. */
export const SET_ASIDE = `
-- JSON of StoredSetAside (src/manifest/runs.ts); NULL: no file.
ALTER TABLE heartbeat ADD COLUMN set_aside TEXT;
`;
