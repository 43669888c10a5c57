// Formats numbers for files, with NaN for unknown values.

/** Returns a number with this many significant digits; empty for NaN. */
export const digits = (value: number, significant: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(significant))) : "";

/** Converts NaN to null for JSON, which has no NaN. */
export const numberOrNull = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;
