// Numbers as they are written into files: NaN stands for what is not known.

/** A number with so many digits; empty where there is none. */
export const digits = (value: number, significant: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(significant))) : "";

/** For JSON, which has no NaN. */
export const numberOrNull = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;
