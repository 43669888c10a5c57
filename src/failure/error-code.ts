// Reads the error code of an error from the operating system, Node.js, SQLite or zlib.

/** Returns the code, such as ENOENT or SQLITE_BUSY; undefined if there is none. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}

/** Whether a thrown value has one of these codes. */
export function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  const code = errorCode(thrown);
  return code !== undefined && codes.includes(code);
}
