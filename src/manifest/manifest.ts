// The manifest: everything the experiment knows, behind verbs. All SQL lives in this room; nothing outside it does.
//
//   capture ─ addEntry ─▶ pending ─ claimPending ─▶ processing ─ complete ─▶ processed + outcome + results
//                            ▲                          │  └──── fail ─────▶ failed (+ outcome, if an analysis failed)
//                            └──── release, recover ────┘
//
// Only the supervisor's thread writes; other threads and processes open it read-only and see the last commit.

import type { Failure, FailureData } from "../failure/failure.ts";
import type { JointLine } from "../measurement/method.ts";
import type { RoiManifest } from "../measurement/roi.ts";
import type { Reading } from "../sensors/thermometer.ts";
import type { NewFile } from "../system/new-file.ts";
import * as archive from "./archive.ts";
import * as chosenLines from "./chosen-lines.ts";
import type { Connection } from "./connection.ts";
import {
  type Claim,
  type ClaimChoice,
  type ClaimKey,
  Entries,
  type EntryHistory,
  type NewEntry,
  type TakenPicture,
} from "./entries.ts";
import type { Curve } from "./frame-curve.ts";
import * as history from "./history.ts";
import * as imported from "./imported.ts";
import * as inspection from "./inspection.ts";
import { LockWait } from "./lock-wait.ts";
import { Markers } from "./markers.ts";
import * as movement from "./movement.ts";
import { connect } from "./opening.ts";
import { type Outcome, type OutcomeFilter, type OutputState, Outputs } from "./outputs.ts";
import { type Recovery, recoverEntries } from "./recovery.ts";
import { Results, type Sensorgram, type SensorgramQuery, type StoredResult } from "./results.ts";
import * as runs from "./runs.ts";
import { type SimulatedFrames, simulatedFrames } from "./simulated-frames.ts";
import { standardErrors } from "./standard-errors.ts";
import { Storage } from "./storage.ts";
import { Syncing } from "./syncing.ts";
import * as tracking from "./tracking.ts";

export type { StoredEntry } from "./history.ts";

/** The manifest's file, in data_dir. */
export const MANIFEST_FILENAME = "phorest.sqlite";

export class Manifest {
  readonly #connection: Connection;
  readonly #entries: Entries;
  readonly #results: Results;
  readonly #outputs: Outputs;
  /** Copies on the remote. */
  readonly syncing: Syncing;
  /** Where the pictures lie. */
  readonly storage: Storage;
  /** What people said of the experiment. */
  readonly markers: Markers;
  /** Writes that may have to wait for another program's lock. */
  readonly lockWait: LockWait;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#entries = new Entries(connection);
    this.#results = new Results(connection);
    this.#outputs = new Outputs(connection, this.#entries);
    this.syncing = new Syncing(connection, this.#entries);
    this.storage = new Storage(connection, this.#entries);
    this.markers = new Markers(connection);
    this.lockWait = new LockWait(connection);
  }

  /**
   * Opens a manifest; one that does not exist is made, unless it is to be read only. To write, hold the experiment's
   * lock. `check`: also one that is only read is looked at for damage first, for a result that people rely on.
   * Failures: `manifest.corrupt`, `manifest.newer`, `experiment.unusable` (nothing there), `disk.failed`.
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

  /** What a person should know of how it was closed, in one line; undefined for nothing. */
  get closingNote(): string | undefined {
    return this.#connection.closingNote;
  }

  /** The damage to the database that was found so far; undefined while there is none. Nothing is written to it any more. */
  get damage(): Failure | undefined {
    return this.#connection.damage;
  }

  /** Takes note of damage (`manifest.corrupt`) that another connection to the same database has found. */
  noteDamage(damage: Failure): void {
    this.#connection.noteDamage(damage);
  }

  /**
   * To be asked before a file is removed, moved or replaced. Throws the damage, which it looks for from time to time:
   * nothing may go on the word of a database that cannot be read back from the disk.
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

  /** Makes changes, as soon as no other program holds the file locked. Rejects as `LockWait.write` does. */
  whenFree<T>(changes: () => T): Promise<T> {
    return this.lockWait.write(changes);
  }

  // Runs

  /** A new run; runs without an end are marked as died. */
  beginRun(run: runs.NewRun): number {
    return runs.beginRun(this.#connection, run);
  }

  /** Notes the ROI manifest and kernel version a run measures with. */
  noteMeasure(runId: number, analysisId: number): void {
    runs.noteMeasure(this.#connection, runId, analysisId);
  }

  /** The ROI manifest that was measured with last; undefined before the first. */
  lastRoiManifest(): number | undefined {
    return runs.lastRoiManifest(this.#connection);
  }

  endRun(runId: number, nowUs: number, reason: string): void {
    runs.endRun(this.#connection, runId, nowUs, reason);
  }

  lastRun(): runs.Run | undefined {
    return runs.lastRun(this.#connection);
  }

  /** The newest runs first, at most `limit`. */
  recentRuns(limit: number): runs.Run[] {
    return runs.recentRuns(this.#connection, limit);
  }

  failedInRun(runId: number): number {
    return runs.failedInRun(this.#connection, runId);
  }

  /** Puts right what a dead run left (invariants 2 and 3): claims, rows without pictures, pictures that came back. */
  recover(options: {
    readonly maxAttempts: number;
    readonly nowUs: number;
    /** Where the copies lie that removed pictures are known by. */
    readonly remoteRoot?: string;
  }): Recovery {
    return recoverEntries(this.#connection, this.#entries, this.storage, options);
  }

  /** Stores what the stages say of themselves. */
  storeHeartbeats(beats: readonly runs.Heartbeat[]): void {
    runs.storeHeartbeats(this.#connection, beats);
  }

  /** What each stage last said of itself. */
  heartbeats(): runs.Heartbeat[] {
    return runs.heartbeats(this.#connection);
  }

  // Entries

  /** The row of a capture whose picture is already durable (invariant 1); returns the entry's id. */
  addEntry(entry: NewEntry): number {
    return this.#entries.add(entry);
  }

  /** An entry for a picture that no row knows, pending. undefined when a row knows it. */
  adoptFile(entry: NewEntry & { readonly filename: string }): number | undefined {
    if (this.knowsFile(entry.filename, entry.filepath)) return undefined;
    return this.#entries.add(entry, { origin: "adopted", status: "pending" });
  }

  /** An entry with its past, from elsewhere. undefined when it is there already. */
  importEntry(entry: NewEntry, past: Omit<EntryHistory, "origin">): number | undefined {
    const { filename, filepath, capturedAtUs } = entry;
    const known = filename === undefined ? this.#entries.knowsMoment(capturedAtUs) : this.knowsFile(filename, filepath);
    return known ? undefined : this.#entries.add(entry, { ...past, origin: "imported" });
  }

  /** The entry of a picture that an import names, where there is one already. */
  knownEntry(picture: Parameters<typeof imported.knownEntry>[2]): imported.KnownEntry | undefined {
    return imported.knownEntry(this.#connection, this.#entries, picture);
  }

  /** An imported picture that was missing was found. */
  relocate(entryId: number, found: { readonly directory: string; readonly filename: string }): void {
    imported.relocate(this.#connection, this.#entries, entryId, found);
  }

  /** The picture of an imported entry, which `importedAs` names elsewhere, was copied into the manifest's own directory. */
  settleAdopted(entryId: number, copy: NewFile, importedAs: string): void {
    imported.settleAdopted(this.#connection, this.#entries, entryId, copy, importedAs);
  }

  /** Whether a row names this picture or its compressed form; in the manifest's own directory unless said otherwise. */
  knowsFile(filename: string, filepath?: string): boolean {
    return this.#entries.knowsFile(filename, filepath);
  }

  /** Whether there is an entry without a picture of exactly this moment. */
  knowsMoment(capturedAtUs: number): boolean {
    return this.#entries.knowsMoment(capturedAtUs);
  }

  /** What is noted of this picture in the manifest's own directory; undefined: nothing. */
  takenPicture(filename: string): TakenPicture | undefined {
    return this.#entries.takenPicture(filename);
  }

  /** Adds to what is to be known of an entry's picture; nothing where that was said before. */
  addWarning(entryId: number, warning: string): void {
    this.#entries.addWarning(entryId, warning);
  }

  markMissing(entryId: number): void {
    this.#entries.markMissing(entryId);
  }

  /** Hands out up to `limit` pending entries, oldest first. Counts the attempt before the work begins. */
  claimPending(limit: number, nowUs: number, choice?: ClaimChoice): Claim[] {
    return this.#entries.claimPending(limit, nowUs, choice);
  }

  /** Gives a claim back; its attempt counts only if asked to. False when the claim is no longer the entry's. */
  release(claim: ClaimKey, { countAttempt = false }: { readonly countAttempt?: boolean } = {}): boolean {
    return this.#entries.release(claim, countAttempt);
  }

  /**
   * Stores a result and marks its entry processed, in one transaction (invariant 4); returns the outcome's id.
   * undefined, and nothing changed, when the claim is no longer the entry's.
   */
  complete(claim: ClaimKey, analysisId: number, result: StoredResult, nowUs: number): number | undefined {
    return this.#connection.write(() => {
      if (!this.#entries.settleProcessed(claim, nowUs)) return undefined;
      return this.#results.insert(claim.entryId, analysisId, result, nowUs);
    });
  }

  /** Marks an entry failed; with an analysis also as that one's outcome, which outputs pass on. False: a stale claim. */
  fail(claim: ClaimKey, failure: FailureData, nowUs: number, analysisId?: number): boolean {
    return this.#connection.write(() => {
      if (!this.#entries.settleFailed(claim, failure, nowUs)) return false;
      if (analysisId !== undefined) this.#results.insertFailure(claim.entryId, analysisId, failure, nowUs);
      return true;
    });
  }

  counts(): history.ManifestCounts {
    return history.counts(this.#connection);
  }

  /** All entries in order of capture. */
  entries(sinceUs?: number): Generator<history.StoredEntry> {
    return history.entriesByTime(this.#connection, this.#entries, sinceUs);
  }

  /** The entry added last. */
  lastEntry(): history.StoredEntry | undefined {
    return history.lastEntry(this.#connection, this.#entries);
  }

  /** The pictures captured last, the newest first, with what tells them from each other. */
  capturedPictures(limit: number): inspection.CapturedPicture[] {
    return inspection.capturedPictures(this.#connection, limit);
  }

  /** Which of the frames that an analysis has measured show the simulated chip. Looks at each of them. */
  simulatedFrames(analysisId: number): SimulatedFrames {
    return simulatedFrames(this.#connection, analysisId);
  }

  /** The latest time stamp of any frame, microseconds since the epoch; undefined before the first. */
  newestCaptureUs(): number | undefined {
    return inspection.newestCaptureUs(this.#connection);
  }

  recentFailures(limit: number): history.StoredEntry[] {
    return history.recentFailures(this.#connection, this.#entries, limit);
  }

  /** Entries that failed before any analysis could say so, in order of ids. */
  failuresWithoutOutcome(sinceUs?: number): history.StoredEntry[] {
    return history.failuresWithoutOutcome(this.#connection, this.#entries, sinceUs);
  }

  readings(entryId: number): Reading[] {
    return this.#outputs.readings(entryId);
  }

  /** Every sensor there is a reading of. */
  sensors(): history.Sensor[] {
    return history.sensors(this.#connection);
  }

  /** Readings of the next `limit` entries after an entry. */
  readingsAfter(entryId: number, limit: number): history.TimedReading[] {
    return history.readingsAfter(this.#connection, entryId, limit);
  }

  // Analyses and their results

  ensureRoiManifest(manifest: RoiManifest): number {
    return runs.ensureRoiManifest(this.#connection, manifest);
  }

  roiManifest(roiManifestId: number): RoiManifest | undefined {
    return runs.roiManifest(this.#connection, roiManifestId);
  }

  ensureAnalysis(analysis: runs.NewAnalysis): number {
    return runs.ensureAnalysis(this.#connection, analysis);
  }

  analyses(): runs.Analysis[] {
    return runs.analyses(this.#connection);
  }

  /** A result beside those an entry may have of other analyses; the entry's state stays. Refused if it has this one. */
  addResult(entryId: number, analysisId: number, result: StoredResult, nowUs: number): number {
    return this.#connection.write(() => this.#results.insert(entryId, analysisId, result, nowUs));
  }

  /** Whether a frame has been measured by an analysis. */
  hasResult(entryId: number, analysisId: number): boolean {
    return this.#results.has(entryId, analysisId);
  }

  /** The drift reference of an analysis, encoded. */
  driftReference(analysisId: number): Uint8Array | undefined {
    return movement.driftReferenceOf(this.#connection, analysisId);
  }

  /** Keeps the drift reference of an analysis; the first one stays. */
  keepDriftReference(analysisId: number, reference: Uint8Array): void {
    this.#connection.write(() => movement.keepDriftReference(this.#connection, analysisId, reference));
  }

  /** The reference that a tracking analysis compares with, encoded. */
  trackingReference(analysisId: number): Uint8Array | undefined {
    return tracking.trackingReferenceOf(this.#connection, analysisId);
  }

  /** Keeps the reference of a tracking analysis in place of the one it has grown from. */
  keepTrackingReference(analysisId: number, reference: Uint8Array): void {
    this.#connection.write(() => tracking.keepTrackingReference(this.#connection, analysisId, reference));
  }

  /** The lines that the data chose for the ROIs of an analysis. */
  chosenLines(analysisId: number): Uint8Array | undefined {
    return chosenLines.chosenLinesOf(this.#connection, analysisId);
  }

  /** Keeps the chosen lines of an analysis in place of those they have grown from. */
  keepChosenLines(analysisId: number, lines: Uint8Array): void {
    this.#connection.write(() => chosenLines.keepChosenLines(this.#connection, analysisId, lines));
  }

  /** Per ROI the line that an analysis measures it with, "auto" while none has been chosen; undefined for methods without. */
  linesOf(analysis: runs.Analysis): JointLine[] | undefined {
    return chosenLines.linesOf(this.#connection, analysis);
  }

  /** Notes that a tracking is carried beside an analysis. */
  noteCompanion(analysisId: number, trackingId: number): void {
    this.#connection.write(() => tracking.noteCompanion(this.#connection, analysisId, trackingId));
  }

  /** The trackings carried beside an analysis, the newest first. */
  companions(analysisId: number): number[] {
    return tracking.companionsOf(this.#connection.db, analysisId);
  }

  /** How far the chip had moved in each frame, in order of entries. */
  displacements(analysisId: number): movement.StoredDisplacement[] {
    return movement.displacements(this.#connection, analysisId);
  }

  lastDisplacement(): movement.StoredDisplacement | undefined {
    return movement.lastDisplacement(this.#connection);
  }

  sensorgram(query: SensorgramQuery): Sensorgram {
    return this.#results.sensorgram(query);
  }

  /** Per ROI the last position not marked as a jump, px; NaN where there is none. */
  lastPositions(analysisId: number, rois: number): Float64Array {
    return this.#results.lastPositions(analysisId, rois);
  }

  /** Positions and flags of all ROIs in the frames an analysis measured last, at most `limit`, the latest at the end. */
  latestCurves(analysisId: number, limit: number): Curve[] {
    return this.#results.latest(analysisId, limit);
  }

  /** Positions and flags of all ROIs, frame by frame in order of completion, after an outcome. */
  curves(analysisId: number, afterOutcomeId = 0): Generator<Curve> {
    return this.#results.curves(analysisId, afterOutcomeId);
  }

  /** The same of the frames captured from `fromUs` on and before `toUs`, in order of capture. */
  curvesWithin(analysisId: number, fromUs: number, toUs: number): Generator<Curve> {
    return this.#results.curvesWithin(analysisId, fromUs, toUs);
  }

  /** Per entry the standard errors of all `rois` ROIs, px, NaN where there is none. */
  standardErrors(analysisId: number, entries: readonly number[], rois: number): Map<number, Float64Array> {
    return standardErrors(this.#connection, analysisId, entries, rois);
  }

  // Outputs

  /** Up to `limit` outcomes after `cursor`, in order of completion, with everything known of them. */
  outcomesAfter(cursor: number, limit: number, filter?: OutcomeFilter): Outcome[] {
    return this.#outputs.after(cursor, limit, filter);
  }

  /** The outputs in force. */
  configureOutputs(names: readonly string[]): void {
    this.#outputs.configure(names);
  }

  outputState(name: string): OutputState {
    return this.#outputs.state(name);
  }

  /** The outcome with the highest id; 0 before the first. */
  lastOutcomeId(): number {
    return this.#outputs.lastOutcomeId();
  }

  /** Commits that an output has passed all outcomes up to `cursor`, and marks the entries that all outputs have passed. */
  advanceOutput(name: string, cursor: number, state?: string): void {
    this.#outputs.advance(name, cursor, state);
  }

  /** Outcomes an output has yet to pass; without a name, that some output has. */
  backlog(output?: string): number {
    return this.#outputs.backlog(output);
  }

  /** Names of the outputs in force. */
  outputs(): string[] {
    return this.#outputs.names();
  }

  // Archives and copies

  /** Entries that may move out of the live tables, oldest capture first. */
  finishedEntries(query: archive.FinishedQuery): archive.FinishedEntry[] {
    return archive.finishedEntries(this.#connection, this.#entries, query);
  }

  /** All archives, oldest first. */
  archives(): archive.Archive[] {
    return archive.archives(this.#connection);
  }

  /** The last archive that is complete; 0 before the first. */
  lastArchive(): number {
    return archive.lastArchive(this.#connection);
  }

  /** Notes an archive that is durable and proved; returns its id. */
  addArchive(added: archive.NewArchive, nowUs: number): number {
    return archive.addArchive(this.#connection, added, nowUs);
  }

  /** Deletes, in one transaction, those entries that still are as the archive has them; returns how many. */
  dropArchived(archiveId: number, archived: readonly archive.ArchivedEntry[], syncing: boolean): number {
    return archive.dropArchived(this.#connection, archiveId, archived, syncing);
  }

  finishArchive(archiveId: number, nowUs: number): void {
    archive.finishArchive(this.#connection, archiveId, nowUs);
  }

  /** Forgets all archives: for a manifest into which they were merged. */
  forgetArchives(): void {
    archive.forgetArchives(this.#connection);
  }

  /** Copies what all entries refer to (runs, analyses, ROIs) to another manifest of the experiment. */
  copyContext(target: Manifest): void {
    archive.copyContext(this.#connection, target.#connection);
  }

  /** Copies entries with all that belongs to them, in one transaction; rows that are there already stay. */
  copyEntries(target: Manifest, entryIds: readonly number[]): void {
    archive.copyEntries(this.#connection, target.#connection, entryIds);
  }

  /** Rows of these entries (of all when absent), by table. */
  tally(entryIds?: readonly number[]): Record<string, number> {
    return archive.tally(this.#connection, entryIds);
  }

  /** Every entry and its outcomes. */
  contents(): archive.ArchivedEntry[] {
    return archive.contents(this.#connection);
  }

  /** What SQLite itself finds wrong, a line each. */
  integrityProblems(): string[] {
    return archive.integrityProblems(this.#connection);
  }

  /** A consistent copy of the whole database as one plain file; writers go on meanwhile. */
  snapshotTo(file: string, signal?: AbortSignal): Promise<void> {
    return archive.snapshotTo(this.#connection, file, signal);
  }

  /** Every entry that names a picture, as a file check needs it, in order of ids. */
  pictures(): Generator<inspection.PictureRow> {
    return inspection.pictures(this.#connection, this.#entries);
  }

  picture(entryId: number): inspection.PictureRow | undefined {
    return inspection.picture(this.#connection, this.#entries, entryId);
  }

  /** Names of the first `limit` pictures marked as damaged, oldest first. */
  damagedNames(limit: number): string[] {
    return inspection.damagedNames(this.#connection, limit);
  }

  /** Files beside the pictures as they were last copied, to every share there was. */
  syncedFiles(): inspection.SyncedFile[] {
    return inspection.syncedFiles(this.#connection);
  }

  /** What a file check may change, each a verb of its own. For the holder of the lock. */
  get repairs(): inspection.Repairs {
    return new inspection.Repairs(this.#connection, this.#entries);
  }
}
