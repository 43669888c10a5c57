// Numbers of bytes as people read them, in decimal units.

/** `12.3 MB`. */
export function megabytes(bytes: number, decimals = 1): string {
  return `${(bytes / 1e6).toFixed(decimals)} MB`;
}

/** `13 MB`: rounded up, for what is needed or free. */
export function wholeMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** `1.2 GB`. */
export function gigabytes(bytes: number, decimals = 1): string {
  return `${(bytes / 1e9).toFixed(decimals)} GB`;
}
