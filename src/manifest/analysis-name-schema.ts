// Migration: names of analyses, by which people choose one, and the time at which `phorest remeasure` created an analysis.

export const ANALYSIS_NAMES = `
-- As people call it: the method, with a number from the second analysis of a method on, or as given to \`phorest remeasure\`.
ALTER TABLE analysis ADD COLUMN name TEXT;
-- When \`phorest remeasure\` began it; NULL: frames are measured by it as they are captured.
ALTER TABLE analysis ADD COLUMN remeasured_at_us INTEGER;
UPDATE analysis SET name = method || (
  SELECT iif(count(*) = 0, '', ' ' || (count(*) + 1)) FROM analysis b WHERE b.method = analysis.method AND b.id < analysis.id);
`;
