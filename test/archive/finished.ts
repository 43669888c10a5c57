// An experiment whose first frames are finished: measured, in the CSV, and without a picture here.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { type HistoryOptions, writeHistory } from "../../src/archive/history.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Config } from "../../src/config/schema.ts";
import { MANIFEST_FILENAME, type Manifest } from "../../src/manifest/manifest.ts";
import { updateCsv } from "../../src/outputs/csv/file/append.ts";
import { CSV_FILENAME, CSV_OUTPUT, parseCsvState } from "../../src/outputs/csv/file/state.ts";
import { ensureDirectory } from "../../src/system/files.ts";
import { type Experiment, experiment, START_US } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export const ROIS = 2;
export const LATER_US = START_US + 90 * 86_400_000_000;

export interface Finished {
  readonly root: string;
  readonly config: Config;
  readonly manifest: Manifest;
  readonly manifestFile: string;
  readonly backupDir: string;
  readonly csv: string;
  add(frames: number): void;
  readonly measureWith: Experiment["measureWith"];
  /** Brings the CSV up to date, as the communicator does. */
  deliver(): Promise<void>;
  /** Changes the tables behind the manifest's back. */
  sql(text: string): void;
  history(changes?: Partial<HistoryOptions>): ReturnType<typeof writeHistory>;
}

/** `frames` measured frames, of which the first `gone` have no picture here any more. */
export async function finished(frames: number, gone = frames, settings = ""): Promise<Finished> {
  const root = temporaryDirectory();
  const { manifest, add, measureWith } = experiment(root, ROIS);
  onTestFinished(() => manifest.close());
  writeFileSync(join(root, "config.toml"), settings);
  const { config } = loadConfig(join(root, "config.toml"));
  const manifestFile = join(config.Paths.data_dir, MANIFEST_FILENAME);
  const csv = join(config.Paths.results_dir, CSV_FILENAME);
  const backupDir = config.Paths.backup_dir;
  await ensureDirectory(config.Paths.results_dir);
  manifest.outputs.configure([CSV_OUTPUT]);
  const sql = (text: string): void => {
    const db = new Database(manifestFile);
    db.exec(text);
    db.close();
  };
  const deliver = async (): Promise<void> => {
    const recorded = parseCsvState(manifest.outputs.state(CSV_OUTPUT).state);
    const read = (cursor: number, limit: number) => manifest.outcomes.after(cursor, limit);
    const { state, keptAside } = await updateCsv(csv, recorded, read, { archive: manifest.archives.last() });
    if (keptAside !== undefined) throw new Error(`the CSV was taken for somebody else's: ${keptAside}`);
    manifest.outputs.advance(CSV_OUTPUT, state.cursor, JSON.stringify(state));
  };
  const history = (changes: Partial<HistoryOptions> = {}) =>
    writeHistory({ manifestFile, backupDir, afterDays: 30, syncing: false, nowUs: LATER_US, ...changes });
  add(frames);
  await deliver();
  sql(`UPDATE entry SET local = 0 WHERE id <= ${gone}`);
  return { root, config, manifest, manifestFile, backupDir, csv, add, measureWith, deliver, sql, history };
}
