// The temporary directories of tests, all of one kind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, TestRunner } from "vitest";

const ofThisFile = new Set<string>();

/**
 * A new, empty directory. Made in a test, it is removed at the end of that test; made for all tests of a file, at the end of the
 * file. `name` begins its name.
 */
export function temporaryDirectory(name = "phorest-test-"): string {
  const directory = mkdtempSync(join(tmpdir(), name));
  if (TestRunner.getCurrentTest() === undefined) ofThisFile.add(directory);
  else onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Removes the directories that were made for all tests of the file; called at its end. */
export function removeTemporaryDirectories(): void {
  for (const directory of ofThisFile) rmSync(directory, { recursive: true, force: true });
  ofThisFile.clear();
}
