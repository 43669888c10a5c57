// Checks for things that tests need but not every machine has: other programs, Python modules, permission to mount.

/**
 * Whether something that tests need exists. If not, prints which tests are skipped; with PHOREST_REQUIRE_ALL=1 it throws
 * instead. `what` names it, with the package that provides it: "Chromium (apt-get install chromium)".
 */
export function isThere(what: string, found: boolean): boolean {
  if (found) return true;
  if (process.env.PHOREST_REQUIRE_ALL === "1") throw new Error(`PHOREST_REQUIRE_ALL=1: the tests need ${what}`);
  console.warn(`skipped: tests that need ${what}`);
  return false;
}
