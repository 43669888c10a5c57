// The manifest: everything that is known about the experiment, grouped by noun (`manifest.entries.add(...)`). All SQL is in this
// directory.
//
//   capture ─ entries.add ─▶ pending ─ entries.claimPending ─▶ processing ─ complete ─▶ processed + outcome + results
//                               ▲                                  │  └──── fail ─────▶ failed (+ outcome, if an analysis failed)
//                               └──── entries.release, recover ────┘
//
// Only the supervisor's thread writes; other threads and processes open it read-only and see the last commit.

import type { Failure, FailureData } from "../failure/failure.ts";
import { Analyses } from "./analyses.ts";
import { Archives } from "./archives.ts";
import { Checks } from "./checks.ts";
import type { Connection } from "./connection.ts";
import { Contents } from "./contents.ts";
import { Curves } from "./curves.ts";
import { Displacements } from "./displacements.ts";
import { type ClaimKey, Entries } from "./entries.ts";
import { Heartbeats } from "./heartbeats.ts";
import { History } from "./history.ts";
import { Imported } from "./imported.ts";
import { Injections } from "./injections.ts";
import { LockWait } from "./lock-wait.ts";
import { Markers } from "./markers.ts";
import { type MergeSummary, mergeExperiments } from "./merge.ts";
import { connect } from "./opening.ts";
import { Outcomes } from "./outcomes.ts";
import { Outputs } from "./outputs.ts";
import { PictureList } from "./picture-list.ts";
import { Readings } from "./readings.ts";
import { type Recovery, type RecoveryOptions, recoverEntries } from "./recovery.ts";
import { References } from "./references.ts";
import { Repairs } from "./repairs.ts";
import { Results, type StoredResult } from "./results.ts";
import { Runs } from "./runs.ts";
import { Shares } from "./shares.ts";
import { snapshotTo } from "./snapshot.ts";
import { Storage } from "./storage.ts";
import { Syncing } from "./syncing.ts";

export type { StoredEntry } from "./history.ts";

/** The manifest's file, in data_dir. */
export const MANIFEST_FILENAME = "phorest.sqlite";

/** Some methods of some nouns of a manifest: `ManifestPart<{ entries: "add"; curves: "after" | "latest" }>`. */
export type ManifestPart<Verbs extends { readonly [Noun in keyof Manifest]?: keyof Manifest[Noun] }> = {
  readonly [Noun in keyof Verbs & keyof Manifest]: Pick<Manifest[Noun], Verbs[Noun] & keyof Manifest[Noun]>;
};

export class Manifest {
  readonly #connection: Connection;
  /** Starts of the supervisor. */
  readonly runs: Runs;
  /** The last status of each stage. */
  readonly heartbeats: Heartbeats;
  /** Captured images and the claims on them. */
  readonly entries: Entries;
  /** Entries from another program. */
  readonly imported: Imported;
  /** Counts and entries, to show to people. */
  readonly history: History;
  /** Frames that have an image. */
  readonly pictures: PictureList;
  /** Readings of the sensors. */
  readonly readings: Readings;
  /** Methods, settings and ROI manifests that frames were measured with. */
  readonly analyses: Analyses;
  /** What the frames of an analysis are compared with. */
  readonly references: References;
  /** Measured values by ROI. */
  readonly results: Results;
  /** Measured values by frame. */
  readonly curves: Curves;
  /** How far the chip had moved. */
  readonly displacements: Displacements;
  /** All results in order of completion, with everything known about them. */
  readonly outcomes: Outcomes;
  /** How far each output has got through the outcomes. */
  readonly outputs: Outputs;
  /** Where the images are. */
  readonly storage: Storage;
  /** Copies on the remote. */
  readonly syncing: Syncing;
  /** The remotes that copies are on. */
  readonly shares: Shares;
  /** Finished history that was moved out. */
  readonly archives: Archives;
  /** Entries with everything that belongs to them, for copying to another manifest. */
  readonly contents: Contents;
  /** Markers and the baseline that users have entered. */
  readonly markers: Markers;
  /** What was injected over the chip, and when. */
  readonly injections: Injections;
  /** What a check of the files reads. */
  readonly checks: Checks;
  /** What a check of the files may change, one method for each change. Only for the holder of the lock. */
  readonly repairs: Repairs;
  /** Writes that may have to wait for another program's lock. */
  readonly lockWait: LockWait;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.runs = new Runs(connection);
    this.heartbeats = new Heartbeats(connection);
    this.entries = new Entries(connection);
    this.repairs = new Repairs(connection, this.entries);
    this.imported = new Imported(connection, this.entries, this.repairs);
    this.history = new History(connection, this.entries);
    this.pictures = new PictureList(connection);
    this.readings = new Readings(connection);
    this.analyses = new Analyses(connection);
    this.references = new References(connection);
    this.displacements = new Displacements(connection);
    this.results = new Results(connection, this.displacements);
    this.curves = new Curves(connection);
    this.outcomes = new Outcomes(connection, this.entries, this.analyses, this.readings);
    this.outputs = new Outputs(connection);
    this.storage = new Storage(connection, this.entries);
    this.shares = new Shares(connection);
    this.syncing = new Syncing(connection, this.entries, this.shares);
    this.archives = new Archives(connection, this.entries);
    this.contents = new Contents(connection);
    this.markers = new Markers(connection);
    this.injections = new Injections(connection);
    this.checks = new Checks(connection, this.entries);
    this.lockWait = new LockWait(connection);
  }

  /**
   * Opens a manifest; creates it if it does not exist, unless it is opened read-only. To write, hold the experiment's lock.
   * `check`: check for damage first, even for reading, because people rely on the result. Failures: `manifest.corrupt`,
   * `manifest.newer`, `experiment.unusable` (nothing there), `disk.failed`.
   */
  static open({
    file,
    readonly = false,
    check = false,
  }: {
    readonly file: string;
    readonly readonly?: boolean;
    readonly check?: boolean;
  }): Manifest {
    const connection = connect(file, readonly, check);
    try {
      return new Manifest(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  /** One line for people about how the file was closed; undefined if there is nothing to say. */
  get closingNote(): string | undefined {
    return this.#connection.closingNote;
  }

  /** Damage to the database that was found so far; undefined if there is none. A damaged database is not written to any more. */
  get damage(): Failure | undefined {
    return this.#connection.damage;
  }

  /** Records damage (`manifest.corrupt`) that another connection to the same database has found. */
  noteDamage(damage: Failure): void {
    this.#connection.noteDamage(damage);
  }

  /**
   * Throws if the database is damaged, which it checks from time to time. Call this before a file is removed, moved or replaced:
   * a database that cannot be read back from the disk must not decide that.
   */
  checkSound(): void {
    this.#connection.look();
  }

  /** The manifest's own directory, absolute. */
  get directory(): string {
    return this.#connection.directory;
  }

  /** Runs `changes` in one transaction: all of them are kept, or none. */
  together<T>(changes: () => T): T {
    return this.#connection.write(changes);
  }

  /** Makes changes as soon as no other program has the file locked. Rejects as `LockWait.write` does. */
  whenFree<T>(changes: () => T): Promise<T> {
    return this.lockWait.write(changes);
  }

  /** Cleans up after a run that was killed (invariants 2 and 3): claims, rows without images, images that came back. */
  recover(options: RecoveryOptions): Recovery {
    return recoverEntries(this.#connection, this, options);
  }

  /**
   * Stores a result and marks its entry as processed, in one transaction (invariant 4); returns the outcome's id. Returns
   * undefined, with nothing changed, if the claim is out of date.
   */
  complete(claim: ClaimKey, analysisId: number, result: StoredResult, nowUs: number): number | undefined {
    return this.#connection.write(() => {
      if (!this.entries.settleProcessed(claim, nowUs)) return undefined;
      return this.results.insert(claim.entryId, analysisId, result, nowUs);
    });
  }

  /**
   * Marks an entry as failed; with an analysis, also stores a failed outcome, which outputs pass on. Returns false if the claim
   * is out of date.
   */
  fail(claim: ClaimKey, failure: FailureData, nowUs: number, analysisId?: number): boolean {
    return this.#connection.write(() => {
      if (!this.entries.settleFailed(claim, failure, nowUs)) return false;
      if (analysisId !== undefined) this.results.insertFailure(claim.entryId, analysisId, failure, nowUs);
      return true;
    });
  }

  /**
   * Merges another experiment of the same chip into this one, all of it or nothing. Throws Failure `usage.invalid`, with nothing
   * changed, if the chip is another one.
   */
  merge(from: Manifest, nowUs: number): MergeSummary {
    const side = (manifest: Manifest) => ({ manifest, connection: manifest.#connection });
    return mergeExperiments(side(this), side(from), nowUs);
  }

  /** Writes a consistent copy of the whole database to one plain file; writers can continue meanwhile. */
  snapshotTo(file: string, signal?: AbortSignal): Promise<void> {
    return snapshotTo(this.#connection, file, signal);
  }
}
