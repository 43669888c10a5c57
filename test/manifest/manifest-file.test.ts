import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { phorestExperiment } from "../../src/commands/import-merge.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { isManifestFile } from "../../src/manifest/manifest-file.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A directory with a file that has the name of the database; `content` undefined: a real one. */
function directoryWith(content: string | undefined): string {
  const directory = temporaryDirectory();
  const file = join(directory, MANIFEST_FILENAME);
  if (content === undefined) Manifest.open({ file }).close();
  else writeFileSync(file, content);
  return directory;
}

test("a file is a database of phorest by its first bytes, not by its name", () => {
  expect(isManifestFile(join(directoryWith(undefined), MANIFEST_FILENAME))).toBe(true);
  expect(isManifestFile(join(directoryWith("of another program"), MANIFEST_FILENAME))).toBe(false);
  expect(isManifestFile(join(directoryWith(""), MANIFEST_FILENAME))).toBe(false);
  const other = join(temporaryDirectory(), "other.sqlite");
  new Database(other).exec("CREATE TABLE t (x)").close();
  expect(isManifestFile(other)).toBe(false);
  expect(isManifestFile(temporaryDirectory())).toBe(false);
  expect(isManifestFile(join(temporaryDirectory(), "absent"))).toBe(false);
});

test("import takes a directory for what it is: of phorest, or of the established system", () => {
  const own = temporaryDirectory();
  const established = (directory: string) => {
    writeFileSync(join(directory, "metadata_manifest.json"), "[]");
    return directory;
  };
  const real = directoryWith(undefined);
  expect(phorestExperiment(real, own)).toBe(join(real, MANIFEST_FILENAME));
  expect(phorestExperiment(established(real), own)).toBe(join(real, MANIFEST_FILENAME));
  const other = directoryWith("of another program");
  // A damaged database is named as such, and not looked past.
  expect(phorestExperiment(other, own)).toBe(join(other, MANIFEST_FILENAME));
  expect(phorestExperiment(established(other), own)).toBeUndefined();
  const inData = temporaryDirectory();
  mkdirSync(join(inData, "data"));
  Manifest.open({ file: join(inData, "data", MANIFEST_FILENAME) }).close();
  expect(phorestExperiment(inData, own)).toBe(join(inData, "data", MANIFEST_FILENAME));
  expect(phorestExperiment(inData, join(inData, "data"))).toBeUndefined();
});
