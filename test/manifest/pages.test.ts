// Several frames in one file: each is an entry that is claimed and measured by itself, and the file is one thing.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { Manifest } from "../../src/manifest/manifest.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openManifest } from "./experiment.ts";
import { ensureAnalysis, manifestFile, NOON_US, resultOf } from "./frames.ts";

const NAME = "stack.tif";
const FAILED = { code: "frame.unreadable", message: "page is damaged", retry: "never" } as const;

/** An entry of a file with `pages` pages. */
function addStack(manifest: Manifest, directory: string, pages: number): number {
  writeFileSync(join(directory, NAME), "stack");
  const furtherPages = Array.from({ length: pages - 1 }, (_, at) => ({
    page: at + 1,
    capturedAtUs: NOON_US + (at + 1) * 1e6,
  }));
  const file = { filename: NAME, filepath: directory, bytes: 5, sha256: "hash" };
  return manifest.entries.add({ ...file, capturedAtUs: NOON_US, page: 0, furtherPages });
}

/** Measures all pending frames but the pages of `but`, whose frames fail. */
function measureAll(manifest: Manifest, but: readonly number[] = []): void {
  const analysis = ensureAnalysis(manifest);
  for (const claim of manifest.entries.claimPending(1000, NOON_US)) {
    if (but.includes(claim.page ?? -1)) manifest.fail(claim, FAILED, NOON_US, analysis);
    else manifest.complete(claim, analysis, resultOf(claim.entryId), NOON_US);
  }
}

function reportAll(manifest: Manifest): void {
  manifest.outputs.configure(["csv"]);
  manifest.outputs.advance("csv", manifest.outcomes.lastId());
}

const names = (pictures: readonly { filename: string }[]) => pictures.map(({ filename }) => filename);

describe("pages of a file", () => {
  it("are handed out one by one, each with its page and time and the file of all", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addStack(manifest, directory, 3);
    const claims = manifest.entries.claimPending(9, NOON_US);
    expect(claims.map(({ page, filename, filepath }) => [page, filename, filepath])).toEqual([
      [0, NAME, directory],
      [1, NAME, directory],
      [2, NAME, directory],
    ]);
    expect(claims.map(({ capturedAtUs }) => capturedAtUs - NOON_US)).toEqual([0, 1e6, 2e6]);
    expect(manifest.history.counts()).toMatchObject({ total: 3, processing: 3, localImages: 1, localBytes: 5 });
  });

  it("are all listed with the name of their file and their page", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addStack(manifest, directory, 3);
    measureAll(manifest);
    const entries = [...manifest.history.entries()].map(({ filename, page }) => [filename, page]);
    expect(entries).toEqual([0, 1, 2].map((page) => [NAME, page]));
    expect(manifest.outcomes.after(0, 9).map(({ filename, page }) => [filename, page])).toEqual(entries);
    const db = new Database(manifestFile(directory), { readonly: true });
    expect(db.prepare("SELECT filename, page FROM frame ORDER BY entry").raw().all()).toEqual(entries);
    db.close();
  });

  it("keep their times under the name that the other program gave the file; own captures have none from a file", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const [timeSource, furtherPages] = [
      "table" as const,
      [{ page: 4, capturedAtUs: NOON_US + 7, timeSource: "file" as const }],
    ];
    const file = { filename: "stack_1.tif", filepath: directory, settings: JSON.stringify({ source: NAME }) };
    manifest.entries.add({ ...file, capturedAtUs: NOON_US, page: 0, timeSource, furtherPages });
    manifest.entries.add({ filename: "b.tif", filepath: directory, capturedAtUs: NOON_US + 8, timeSource });
    manifest.entries.add({ filename: "own.png", filepath: directory, capturedAtUs: NOON_US + 9 });
    expect([...manifest.history.takenTimes()]).toEqual([
      { name: NAME, page: 0, takenAtUs: NOON_US, source: "table" },
      { name: NAME, page: 4, takenAtUs: NOON_US + 7, source: "file" },
      { name: "b.tif", page: null, takenAtUs: NOON_US + 8, source: "table" },
    ]);
  });

  it("let nothing happen to the file before all of them are measured", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addStack(manifest, directory, 3);
    const analysis = ensureAnalysis(manifest);
    const options = { limit: 9, compressedOnly: false };
    for (const claim of manifest.entries.claimPending(2, NOON_US)) {
      manifest.complete(claim, analysis, resultOf(1), NOON_US);
    }
    reportAll(manifest);
    expect(manifest.storage.uncompressed(9)).toEqual([]);
    expect(manifest.syncing.unsynced(options)).toEqual([]);
    expect(manifest.storage.removable(9, false)).toEqual([]);
    expect(manifest.storage.obstacle(false)).toEqual({ filename: NAME, why: "not measured yet" });
    expect(manifest.archives.finishedEntries({ beforeUs: NOON_US * 2, limit: 9, syncing: false })).toEqual([]);

    measureAll(manifest);
    expect(names(manifest.storage.uncompressed(9))).toEqual([NAME]);
    expect(names(manifest.syncing.unsynced(options))).toEqual([NAME]);
    expect(manifest.storage.removable(9, false)).toEqual([]);
    expect(manifest.storage.obstacle(false)).toEqual({ filename: NAME, why: "not in every report yet" });
    reportAll(manifest);
    expect(names(manifest.storage.removable(9, false))).toEqual([NAME]);
    expect(manifest.storage.obstacle(false)).toBeUndefined();
  });

  it("that failed for good keep the file, unless there is a verified copy", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const entryId = addStack(manifest, directory, 3);
    measureAll(manifest, [1]);
    reportAll(manifest);
    expect(manifest.storage.removable(9, false)).toEqual([]);
    expect(manifest.storage.obstacle(false)?.why).toMatch(/could not be measured/);
    manifest.shares.bind({ remoteId: "share", root: "/mnt/share" }, NOON_US);
    const copy = { entryId, filename: NAME, remoteId: "share", remotePath: "data/stack.tif", bytes: 5, sha256: "hash" };
    expect(manifest.syncing.markSynced(copy, NOON_US)).toBe(true);
    expect(names(manifest.storage.removable(9, true))).toEqual([NAME]);
    expect(manifest.history.counts()).toMatchObject({ synced: 1, processed: 2, failed: 1 });
  });

  it("are all missing, damaged or back again with their file", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const entryId = addStack(manifest, directory, 3);
    const states = () =>
      [...manifest.history.entries()].map(({ status, errorCode, missing }) => [status, errorCode, missing]);
    manifest.repairs.markMissing(entryId, NOON_US);
    expect(states()).toEqual(Array(3).fill(["failed", "frame.missing", true]));
    expect(manifest.history.counts()).toMatchObject({ missing: 1, failed: 3 });
    manifest.repairs.markReturned(entryId);
    expect(states().map(([status, , missing]) => [status, missing])).toEqual(Array(3).fill(["pending", false]));
    manifest.repairs.markDamaged(entryId, NOON_US);
    expect(states().map(([status, code]) => [status, code])).toEqual(Array(3).fill(["failed", "file.changed"]));
    expect(manifest.checks.damagedNames(9)).toEqual([NAME]);
    manifest.repairs.markSound(entryId);
    expect(manifest.history.counts()).toMatchObject({ pending: 3, damaged: 0 });
  });

  it("found gone while one is measured fail once, the waiting ones with it", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addStack(manifest, directory, 4);
    const [claim] = manifest.entries.claimPending(1, NOON_US);
    if (claim === undefined) throw new Error("nothing to claim");
    manifest.fail(claim, { ...FAILED, code: "frame.missing" }, NOON_US);
    manifest.entries.markMissing(claim.entryId);
    expect(manifest.entries.failPages(claim.entryId, NOON_US)).toBe(3);
    expect(manifest.history.counts()).toMatchObject({ failed: 4, pending: 0, missing: 1 });
  });

  it("are not there twice", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addStack(manifest, directory, 2);
    const db = new Database(manifestFile(directory));
    const again = db.prepare(
      `INSERT INTO entry (captured_at_us, status, page, file_entry_id) VALUES (0, 'pending', 1, 1)`,
    );
    expect(() => again.run()).toThrow(/UNIQUE/);
    db.close();
  });

  it("move to an archive with their file, and back, and still count", () => {
    const directory = temporaryDirectory();
    const other = temporaryDirectory();
    const manifest = openManifest(directory);
    const entryId = addStack(manifest, directory, 3);
    measureAll(manifest, [2]);
    reportAll(manifest);
    const copy = openManifest(other);
    manifest.contents.copyContextTo(copy.contents);
    manifest.contents.copyEntriesTo(copy.contents, [entryId, entryId + 1, entryId + 2]);
    const counts = (file: string) => {
      const db = new Database(file, { readonly: true });
      const row = db
        .prepare("SELECT pages_unsettled, pages_unreported, pages_unmeasured FROM entry WHERE page = 0")
        .raw()
        .get();
      db.close();
      return row;
    };
    expect(counts(manifestFile(other))).toEqual(counts(manifestFile(directory)));
    expect(counts(manifestFile(other))).toEqual([0, 0, 1]);
    expect(copy.checks.integrityProblems()).toEqual([]);
  });

  it("leave for an archive together, and their file stays known", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const entryId = addStack(manifest, directory, 3);
    measureAll(manifest);
    reportAll(manifest);
    manifest.storage.endRemoval([entryId], undefined);
    const finished = manifest.archives.finishedEntries({ beforeUs: NOON_US * 2, limit: 2, syncing: false });
    expect(finished.map((entry) => [entry.entryId, entry.filename])).toEqual(
      [0, 1, 2].map((page) => [entryId + page, NAME]),
    );
    const span = { firstCapturedAtUs: NOON_US, lastCapturedAtUs: NOON_US };
    const archive = manifest.archives.add({ path: "history/1", sha256: "hash", entries: 3, ...span }, NOON_US);
    // Not before its pages.
    expect(manifest.archives.drop(archive, finished.slice(0, 1), false)).toBe(0);
    expect(manifest.archives.drop(archive, finished.slice(1), false)).toBe(2);
    expect(manifest.archives.drop(archive, finished.slice(0, 1), false)).toBe(1);
    expect(manifest.history.counts()).toMatchObject({ total: 0, furtherPages: 0 });
    expect(manifest.entries.knowsFile(NAME, directory)).toBe(true);
    expect(manifest.checks.integrityProblems()).toEqual([]);
  });

  it("lead to their file, each with its page", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const entryId = addStack(manifest, directory, 3);
    expect(manifest.checks.picture(entryId + 2)).toMatchObject({ entryId, filename: NAME, page: 2 });
    expect([...manifest.checks.pictures()]).toMatchObject([{ entryId, filename: NAME, page: 0 }]);
  });
});
