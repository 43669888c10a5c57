// An experiment with a manifest and real pictures, for the tests of this room.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import type { Loaded } from "../../src/config/loaded.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { CSV_OUTPUT } from "../../src/outputs/csv/file/state.ts";
import { ensureAnalysis, resultOf } from "../manifest/frames.ts";

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Bytes that gzip shrinks to almost nothing, and all different from one another. */
export const smooth = (seed: number, bytes = 20_000): Buffer => Buffer.alloc(bytes, `row ${seed} of a bitmap `);

export class Bench {
  readonly directory: string;
  readonly data: string;
  readonly loaded: Loaded;
  manifest: Manifest;
  readonly analysisId: number;
  private taken = 0;

  constructor(config: string) {
    this.directory = mkdtempSync(join(tmpdir(), "phorest-archive-"));
    onTestFinished(() => rmSync(this.directory, { recursive: true, force: true }));
    this.data = this.directory;
    this.loaded = parseConfig(`[Paths]\ndata_dir = "."\nremote_root_dir = "remote"\n${config}`, this.directory);
    this.manifest = Manifest.open({ file: join(this.data, MANIFEST_FILENAME) });
    onTestFinished(() => this.manifest.close());
    this.manifest.outputs.configure([CSV_OUTPUT]);
    this.analysisId = ensureAnalysis(this.manifest);
  }

  path(filename: string): string {
    return join(this.data, filename);
  }

  read(filename: string): Buffer {
    return readFileSync(this.path(filename));
  }

  /** A picture that lies there, pending. */
  add(filename: string, bytes: Buffer = smooth(this.taken)): number {
    this.taken += 1;
    writeFileSync(this.path(filename), bytes);
    const capturedAtUs = 1e12 + this.taken * 1e6;
    return this.manifest.entries.add({ filename, capturedAtUs, bytes: bytes.length, sha256: sha256(bytes) });
  }

  /** Measures everything that is pending. */
  measure(): void {
    for (const claim of this.manifest.entries.claimPending(1000, 1)) {
      this.manifest.complete(claim, this.analysisId, resultOf(claim.entryId), 2);
    }
  }

  /** Every outcome is in the CSV. */
  transmit(): void {
    const last = this.manifest.outcomes.after(0, 1_000_000).at(-1);
    if (last !== undefined) this.manifest.outputs.advance(CSV_OUTPUT, last.outcomeId);
  }

  /** Everything that is pending, measured and reported. */
  finish(): void {
    this.measure();
    this.transmit();
  }

  /** As the syncer notes a verified copy. */
  synced(entryId: number, remotePath: string): void {
    this.sql(`UPDATE entry SET image_synced = 1, remote_path = '${remotePath}', remote_sha256 = sha256,
      remote_bytes = bytes, synced_at_us = 3 WHERE id = ${entryId}`);
  }

  /** As another hand would change the database; the manifest is closed meanwhile, as the file has one writer. */
  sql(change: string): void {
    this.manifest.close();
    const db = new Database(this.path(MANIFEST_FILENAME));
    db.exec(change);
    db.close();
    this.reopen();
  }

  /** The process died here; the next one opens the manifest. */
  reopen(): void {
    this.manifest.close();
    this.manifest = Manifest.open({ file: this.path(MANIFEST_FILENAME) });
  }

  row(entryId: number): Record<string, unknown> {
    const db = new Database(this.path(MANIFEST_FILENAME), { readonly: true });
    try {
      return db.prepare<[number], Record<string, unknown>>("SELECT * FROM entry WHERE id = ?").get(entryId) ?? {};
    } finally {
      db.close();
    }
  }
}
