// The code of an error of the operating system, of Node.js, SQLite or zlib.

/** The code, such as ENOENT or SQLITE_BUSY; undefined for anything thrown that has none. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}

/** Whether what was thrown has one of these codes. */
export function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  const code = errorCode(thrown);
  return code !== undefined && codes.includes(code);
}
