import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, vi } from "vitest";
import type { Claim } from "../../src/manifest/entries.ts";
import type { Manifest } from "../../src/manifest/manifest.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { ended, openManifest, startChild } from "./experiment.ts";
import { addFrame, ensureAnalysis, frameName, manifestFile, NOON_US, resultOf } from "./frames.ts";

const NOT_A_PICTURE = { code: "frame.unreadable", message: "not a picture", retry: "never" } as const;

function claimOne(manifest: Manifest): Claim {
  const [claim] = manifest.entries.claimPending(1, NOON_US);
  if (claim === undefined) throw new Error("nothing to claim");
  return claim;
}

/** Everything a stale answer could have changed. */
function everything(directory: string): unknown {
  const db = new Database(manifestFile(directory), { readonly: true });
  try {
    return ["entry", "outcome", "detail", "result", "counter"].map((table) =>
      db.prepare(`SELECT * FROM ${table}`).all(),
    );
  } finally {
    db.close();
  }
}

describe("claiming", () => {
  it("hands out the oldest pending entries once, with where their pictures are", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const ids = [3, 1, 2].map((number) => addFrame(manifest, directory, number));
    const claims = manifest.entries.claimPending(2, NOON_US);
    expect(claims).toEqual([
      {
        entryId: ids[0],
        claim: 1,
        attempts: 1,
        filename: frameName(3),
        filepath: directory,
        capturedAtUs: NOON_US + 3e6,
      },
      {
        entryId: ids[1],
        claim: 1,
        attempts: 1,
        filename: frameName(1),
        filepath: directory,
        capturedAtUs: NOON_US + 1e6,
      },
    ]);
    expect(manifest.entries.claimPending(2, NOON_US).map((claim) => claim.entryId)).toEqual([ids[2]]);
    expect(manifest.entries.claimPending(2, NOON_US)).toEqual([]);
    expect(manifest.history.counts()).toMatchObject({ total: 3, pending: 0, processing: 3 });
  });

  it("goes to the pending entries by their index, never through the history", () => {
    const directory = temporaryDirectory();
    // The query itself, as the program has it prepared.
    const prepare = vi.spyOn(Database.prototype, "prepare");
    openManifest(directory);
    const claims = prepare.mock.calls.map(([sql]) => sql).filter((sql) => /SET status = 'processing'/.test(sql));
    prepare.mockRestore();
    expect(claims).toHaveLength(1);
    const db = new Database(manifestFile(directory), { readonly: true });
    const plan = db
      .prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${claims[0]}`)
      .all({ nowUs: 0, limit: 16, attemptsBelow: 9, except: "[]" })
      .map(({ detail }) => detail)
      .filter((detail) => /\bentry\b/.test(detail));
    db.close();
    expect(plan).toEqual([
      "SEARCH entry USING INTEGER PRIMARY KEY (rowid=?)",
      "SEARCH entry USING INDEX entry_pending (status=?)",
    ]);
  });

  it("keeps its claims when the experiment's directory is moved", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 1);
    manifest.close();
    const moved = join(temporaryDirectory(), "moved");
    renameSync(directory, moved);
    const { filepath, filename } = claimOne(openManifest(moved));
    expect(filepath).toBe(moved);
    expect(existsSync(join(filepath, filename))).toBe(true);
  });
});

describe("settling", () => {
  it("changes no row when the claim is stale", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const analysisId = ensureAnalysis(manifest);
    addFrame(manifest, directory, 1);
    const stale = claimOne(manifest);
    manifest.entries.release(stale);
    const late = () => [
      manifest.complete(stale, analysisId, resultOf(1), NOON_US),
      manifest.fail(stale, NOT_A_PICTURE, NOON_US, analysisId),
      manifest.entries.release(stale, { countAttempt: true }),
    ];
    // While the entry waits, while somebody else works on it, and when that is done.
    const waiting = everything(directory);
    expect(late()).toEqual([undefined, false, false]);
    expect(everything(directory)).toEqual(waiting);
    const present = claimOne(manifest);
    const working = everything(directory);
    expect(late()).toEqual([undefined, false, false]);
    expect(everything(directory)).toEqual(working);
    manifest.complete(present, analysisId, resultOf(2), NOON_US);
    const done = everything(directory);
    expect(late()).toEqual([undefined, false, false]);
    expect(manifest.complete(present, analysisId, resultOf(2), NOON_US)).toBeUndefined();
    expect(everything(directory)).toEqual(done);
  });

  it("stores a result once: a second one of the same analysis is refused, one of another stands beside it", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const analysisId = ensureAnalysis(manifest);
    const entryId = addFrame(manifest, directory, 1);
    manifest.complete(claimOne(manifest), analysisId, resultOf(1), NOON_US);
    const before = everything(directory);
    expect(() => manifest.results.add(entryId, analysisId, resultOf(2), NOON_US)).toThrow(
      /UNIQUE constraint failed: outcome/,
    );
    expect(everything(directory)).toEqual(before);
    const other = ensureAnalysis(manifest, '{"subRois": 10}');
    expect(other).not.toBe(analysisId);
    expect(ensureAnalysis(manifest)).toBe(analysisId);
    manifest.results.add(entryId, other, resultOf(2), NOON_US);
    expect(manifest.results.sensorgram({ analysisId, roi: 0 }).position).toEqual(Float64Array.of(1));
    expect(manifest.results.sensorgram({ analysisId: other, roi: 0 }).position).toEqual(Float64Array.of(2));
  });

  it("lets a later success take the place of a failure, as a new outcome", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const analysisId = ensureAnalysis(manifest);
    const entryId = addFrame(manifest, directory, 1);
    expect(manifest.fail(claimOne(manifest), NOT_A_PICTURE, NOON_US, analysisId)).toBe(true);
    const [failed] = manifest.outcomes.after(0, 10);
    expect(failed).toMatchObject({ entryId, ok: false, error: "not a picture", measured: undefined });
    expect(manifest.history.recentFailures(5)).toMatchObject([
      { entryId, errorCode: "frame.unreadable", error: "not a picture" },
    ]);
    manifest.results.add(entryId, analysisId, resultOf(1), NOON_US);
    const outcomes = manifest.outcomes.after(0, 10);
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true]);
    expect(outcomes[0]?.outcomeId).toBeGreaterThan(failed?.outcomeId ?? 0);
  });

  it("gives the attempt back with the claim, unless it is to count", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 1);
    manifest.entries.release(claimOne(manifest));
    expect(claimOne(manifest)).toMatchObject({ attempts: 1, claim: 2 });
    manifest.recover({ maxAttempts: 9, nowUs: NOON_US });
    manifest.entries.release(claimOne(manifest), { countAttempt: true });
    expect(claimOne(manifest)).toMatchObject({ attempts: 3, claim: 4 });
  });

  it("leaves nothing of a result when the process is killed inside the transaction", async () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 1);
    const { child } = await startChild("dies-in-transaction", directory);
    await ended(child);
    expect(child.signalCode).toBe("SIGKILL");
    expect(manifest.history.counts()).toMatchObject({ processing: 1, processed: 0 });
    expect(manifest.outcomes.after(0, 10)).toEqual([]);
    const analysisId = ensureAnalysis(manifest);
    expect(manifest.results.sensorgram({ analysisId, roi: 0 }).position).toHaveLength(0);
    expect(manifest.recover({ maxAttempts: 3, nowUs: NOON_US })).toMatchObject({ requeued: 1, failed: [] });
    const again = claimOne(manifest);
    expect(again.attempts).toBe(2);
    manifest.complete(again, analysisId, resultOf(5), NOON_US);
    expect(manifest.results.sensorgram({ analysisId, roi: 0 }).position).toEqual(Float64Array.of(5));
  });
});

describe("recovering", () => {
  it("fails a frame only after the program ended ten times max_attempts with it, and the line moves on", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 1);
    addFrame(manifest, directory, 2);
    for (let death = 1; death <= 30; death += 1) {
      claimOne(manifest);
      expect(manifest.recover({ maxAttempts: 3, nowUs: NOON_US })).toMatchObject({ requeued: 1, failed: [] });
    }
    claimOne(manifest);
    const { requeued, failed } = manifest.recover({ maxAttempts: 3, nowUs: NOON_US });
    expect(requeued).toBe(0);
    expect(failed).toEqual([
      {
        filename: frameName(1),
        reason: "the program ended 31 times while this frame was being measured",
      },
    ]);
    expect(claimOne(manifest).filename).toBe(frameName(2));
  });

  it("marks rows whose picture is gone, once, and takes them up again when it is back", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 1);
    addFrame(manifest, directory, 2);
    const options = { maxAttempts: 3, nowUs: NOON_US };
    rmSync(join(directory, frameName(1)));
    expect(manifest.recover(options)).toMatchObject({ missing: [frameName(1)], returned: [] });
    expect(manifest.recover(options)).toMatchObject({ missing: [], returned: [] });
    expect(manifest.history.counts()).toMatchObject({ pending: 1, failed: 1, missing: 1 });
    writeFileSync(join(directory, frameName(1)), "picture");
    expect(manifest.recover(options)).toMatchObject({ missing: [], returned: [frameName(1)] });
    expect(manifest.history.counts()).toMatchObject({ pending: 2, failed: 0, missing: 0 });
  });

  it("takes up again what only damage kept from being measured, by the code and not by the text of the error", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 1);
    addFrame(manifest, directory, 2);
    const measured = claimOne(manifest);
    manifest.fail(measured, NOT_A_PICTURE, NOON_US, ensureAnalysis(manifest));
    for (const entryId of [1, 2]) manifest.repairs.markDamaged(entryId, NOON_US);
    expect(manifest.history.counts()).toMatchObject({ pending: 0, failed: 2, damaged: 2 });
    const other = new Database(manifestFile(directory));
    expect(other.prepare("SELECT error_code FROM entry ORDER BY id").pluck().all()).toEqual([
      "frame.unreadable",
      "file.changed",
    ]);
    other.exec("UPDATE entry SET error = 'in other words'");
    other.close();
    for (const entryId of [1, 2]) manifest.repairs.markSound(entryId);
    expect(manifest.history.counts()).toMatchObject({ pending: 1, failed: 1, damaged: 0 });
    expect(claimOne(manifest).filename).toBe(frameName(2));
  });

  it("takes up again what an earlier version set aside as unreadable because it was damaged", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 1);
    manifest.repairs.markDamaged(1, NOON_US);
    const other = new Database(manifestFile(directory));
    other.exec("UPDATE entry SET error_code = 'frame.unreadable'");
    other.close();
    manifest.repairs.markSound(1);
    expect(manifest.history.counts()).toMatchObject({ pending: 1, failed: 0, damaged: 0 });
  });

  it("takes up again what an earlier version set aside so after it had been given out once", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    for (const n of [1, 2]) addFrame(manifest, directory, n);
    manifest.repairs.markDamaged(1, NOON_US);
    manifest.fail(claimOne(manifest), NOT_A_PICTURE, NOON_US, ensureAnalysis(manifest));
    manifest.repairs.markDamaged(2, NOON_US);
    const other = new Database(manifestFile(directory));
    other.exec(`UPDATE entry SET error_code = 'frame.unreadable', attempts = 1,
      error = iif(id = 1, 'the picture differs from what was captured', error)`);
    other.close();
    for (const entryId of [1, 2]) manifest.repairs.markSound(entryId);
    expect(claimOne(manifest).filename).toBe(frameName(1));
    expect(manifest.history.counts()).toMatchObject({ pending: 0, failed: 1, damaged: 0 });
  });

  it("knows a picture under its compressed name, and follows it there", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    addFrame(manifest, directory, 1);
    expect(manifest.entries.knowsFile(`${frameName(1)}.gz`)).toBe(true);
    expect(manifest.entries.knowsFile(frameName(2))).toBe(false);
    renameSync(join(directory, frameName(1)), join(directory, `${frameName(1)}.gz`));
    expect(manifest.recover({ maxAttempts: 3, nowUs: NOON_US }).missing).toEqual([]);
    expect(claimOne(manifest).filename).toBe(`${frameName(1)}.gz`);
    expect(manifest.entries.knowsFile(frameName(1))).toBe(true);
  });

  it("adopts a file without a row once", () => {
    const directory = temporaryDirectory();
    const manifest = openManifest(directory);
    const file = { filename: "found.png", filepath: directory, capturedAtUs: NOON_US };
    expect(manifest.entries.adopt(file)).toBeTypeOf("number");
    expect(manifest.entries.adopt(file)).toBeUndefined();
    expect(manifest.history.counts()).toMatchObject({ total: 1, pending: 1 });
  });
});
