// What tests need and not every machine has: other programs, modules of Python, a right to mount.

/**
 * Whether a thing that tests need is there. Where it is not, says which tests are skipped; with PHOREST_REQUIRE_ALL=1 it throws
 * instead. `what` names it, with the package that brings it: "Chromium (apt-get install chromium)".
 */
export function isThere(what: string, found: boolean): boolean {
  if (found) return true;
  if (process.env.PHOREST_REQUIRE_ALL === "1") throw new Error(`PHOREST_REQUIRE_ALL=1: the tests need ${what}`);
  console.warn(`skipped: tests that need ${what}`);
  return false;
}
