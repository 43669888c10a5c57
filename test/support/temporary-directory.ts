// Creates temporary directories for tests.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, TestRunner } from "vitest";

const ofThisFile = new Set<string>();
/** A program that a failed test started may still be writing. */
const WHOLLY = { recursive: true, force: true, maxRetries: 20 };

/**
 * Creates a new, empty directory. If created in a test, it is removed at the end of that test; if created for all tests of a
 * file, at the end of the file. `name` is the prefix of its name.
 */
export function temporaryDirectory(name = "phorest-test-"): string {
  const directory = mkdtempSync(join(tmpdir(), name));
  if (TestRunner.getCurrentTest() === undefined) ofThisFile.add(directory);
  else onTestFinished(() => rmSync(directory, WHOLLY));
  return directory;
}

/** Removes the directories that were created for all tests of the file; called at its end. */
export function removeTemporaryDirectories(): void {
  for (const directory of ofThisFile) rmSync(directory, WHOLLY);
  ofThisFile.clear();
}
