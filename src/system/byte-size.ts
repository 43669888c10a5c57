// Formats numbers of bytes for people, in decimal units.

/** Returns `12.3 MB`. */
export function megabytes(bytes: number, decimals = 1): string {
  return `${(bytes / 1e6).toFixed(decimals)} MB`;
}

/** Returns `13 MB`: rounded up, for space that is needed or free. */
export function wholeMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** Returns `1.2 GB`. */
export function gigabytes(bytes: number, decimals = 1): string {
  return `${(bytes / 1e9).toFixed(decimals)} GB`;
}
