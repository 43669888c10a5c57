import { chmodSync, copyFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { Manifest } from "../../src/manifest/manifest.ts";
import { connect } from "../../src/manifest/opening.ts";
import { MIGRATIONS } from "../../src/manifest/schema.ts";
import { FLAGS, flagNames } from "../../src/measurement/method.ts";
import { failureOf } from "../failure/failure-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { ended, openManifest, startChild } from "./experiment.ts";
import { addFrame, ensureAnalysis, manifestFile, NOON_US, resultOf } from "./frames.ts";

describe("opening a manifest", () => {
  it("makes a new one whole, leaving no half-made file", () => {
    const directory = temporaryDirectory();
    openManifest(directory).close();
    expect(readdirSync(directory)).toEqual(["phorest.sqlite"]);
  });

  it("keeps every write safe from a power cut: synchronous is FULL after a write and after each opening", () => {
    const directory = temporaryDirectory();
    for (let opening = 0; opening < 2; opening += 1) {
      const connection = connect(manifestFile(directory), false);
      connection.write(() => connection.db.prepare("UPDATE delivery SET cursor = cursor + 1").run());
      expect(connection.db.pragma("synchronous", { simple: true })).toBe(2);
      expect(connection.db.pragma("journal_mode", { simple: true })).toBe("wal");
      expect(connection.db.pragma("foreign_keys", { simple: true })).toBe(1);
      connection.close();
    }
  });

  it("refuses a manifest of a newer program and does not touch it", () => {
    const directory = temporaryDirectory();
    openManifest(directory).close();
    const db = new Database(manifestFile(directory));
    db.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    db.close();
    const before = readFileSync(manifestFile(directory));
    for (const readonly of [false, true]) {
      const failure = failureOf(() => Manifest.open({ file: manifestFile(directory), readonly }));
      expect(failure.code).toBe("manifest.newer");
    }
    expect(readFileSync(manifestFile(directory)).equals(before)).toBe(true);
  });

  it("brings a manifest without tables up to the present form", () => {
    const directory = temporaryDirectory();
    openManifest(directory).close();
    const model = new Database(manifestFile(directory), { readonly: true });
    const expected = model.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all();
    model.close();

    const older = temporaryDirectory();
    const db = new Database(manifestFile(older));
    db.pragma(`application_id = ${0x70686f72}`);
    db.exec("CREATE TABLE unrelated (a)");
    db.exec("DROP TABLE unrelated");
    db.close();
    expect(failureOf(() => Manifest.open({ file: manifestFile(older), readonly: true })).code).toBe(
      "experiment.unusable",
    );
    openManifest(older).close();
    const migrated = new Database(manifestFile(older), { readonly: true });
    expect(migrated.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all()).toEqual(expected);
    expect(migrated.pragma("user_version", { simple: true })).toBe(MIGRATIONS.length);
    migrated.close();
  });

  const damages: Record<string, (file: string) => void> = {
    "an empty file": (file) => truncateSync(file, 0),
    "text in its place": (file) => writeFileSync(file, "not a database at all, ".repeat(400)),
    "a file cut short": (file) => truncateSync(file, 6000),
    "another program's SQLite file": (file) => {
      writeFileSync(file, "");
      const db = new Database(file);
      db.exec("CREATE TABLE other (a)");
      db.close();
    },
  };
  for (const [damage, inflict] of Object.entries(damages)) {
    it(`never takes ${damage} for an empty manifest`, () => {
      const directory = temporaryDirectory();
      const manifest = openManifest(directory);
      addFrame(manifest, directory, 1);
      manifest.close();
      inflict(manifestFile(directory));
      const before = readFileSync(manifestFile(directory));
      for (const readonly of [false, true]) {
        const failure = failureOf(() => Manifest.open({ file: manifestFile(directory), readonly }));
        expect(failure.code).toBe("manifest.corrupt");
        expect(failure.line).toContain(manifestFile(directory));
        expect(failure.hint).toMatch(/backup/);
      }
      expect(readFileSync(manifestFile(directory)).equals(before)).toBe(true);
    });
  }

  it("does not start anew beside the log of a database that is gone", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${manifestFile(directory)}-wal`, "frames");
    expect(failureOf(() => Manifest.open({ file: manifestFile(directory) })).code).toBe("manifest.corrupt");
  });

  it("says where it looked when there is no experiment to read", () => {
    const directory = temporaryDirectory();
    const failure = failureOf(() => Manifest.open({ file: manifestFile(directory), readonly: true }));
    expect(failure.code).toBe("experiment.unusable");
    expect(failure.line).toContain(directory);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("reading a manifest", () => {
  it("sees each commit of the writer, and cannot write", () => {
    const directory = temporaryDirectory();
    const writer = openManifest(directory);
    const reader = openManifest(directory, { readonly: true });
    addFrame(writer, directory, 1);
    expect(reader.history.counts().pending).toBe(1);
    addFrame(writer, directory, 2);
    expect(reader.history.counts().pending).toBe(2);
    expect(() => addFrame(reader, directory, 3)).toThrow(/reading only/);
  });

  it("sees what a writer of another process has committed but not yet folded into the file", async () => {
    const directory = temporaryDirectory();
    addFrame(openManifest(directory), directory, 1);
    const { line } = await startChild("reads", directory);
    expect(JSON.parse(line)).toMatchObject({ pending: 1 });
  });

  // Root may write anywhere, so the reader of an unwritable directory runs as nobody.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};

  it("works in a directory it may not write to, stopped cleanly or not", async () => {
    const stopped = temporaryDirectory();
    const manifest = openManifest(stopped);
    addFrame(manifest, stopped, 1);
    manifest.close();
    const died = temporaryDirectory();
    const killed = openManifest(died);
    addFrame(killed, died, 1);
    const afterKill = temporaryDirectory();
    for (const suffix of ["", "-wal"]) copyFileSync(manifestFile(died) + suffix, manifestFile(afterKill) + suffix);
    for (const directory of [stopped, afterKill]) {
      for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o444);
      chmodSync(directory, 0o555);
      const before = readdirSync(directory);
      const { child, line } = await startChild("reads", directory, nobody);
      expect(JSON.parse(line)).toMatchObject({ pending: 1 });
      await ended(child);
      expect(readdirSync(directory)).toEqual(before);
      chmodSync(directory, 0o755);
    }
  });

  it("offers people a view that names labels, times and flags", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 0);
    const [claim] = manifest.entries.claimPending(1, 1);
    const all = Object.values(FLAGS).reduce((bits, bit) => bits | bit, 0);
    if (claim === undefined) throw new Error("nothing claimed");
    manifest.complete(claim, ensureAnalysis(manifest), resultOf(3, { flags: Uint8Array.of(0, all, 2) }), NOON_US);
    const db = new Database(manifestFile(directory), { readonly: true });
    const rows = db.prepare("SELECT captured_at, label, position_px, flags FROM sensorgram ORDER BY roi").all();
    db.close();
    expect(rows).toEqual([
      { captured_at: "2026-03-04T05:06:07.089Z", label: "130A_N", position_px: 3, flags: "" },
      { captured_at: "2026-03-04T05:06:07.089Z", label: "130A_S", position_px: 3.1, flags: flagNames(all).join(" ") },
      { captured_at: "2026-03-04T05:06:07.089Z", label: "131A_N", position_px: 3.2, flags: "at_edge" },
    ]);
  });
});
