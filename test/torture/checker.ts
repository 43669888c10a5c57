// The judge: what became of every frame whose saving had been acknowledged.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { completeBackups } from "../../src/archive/backup-directory.ts";
import { sumsProblems } from "../../src/archive/compressed-file.ts";

/** What the run said before it was killed, and what lay there at that moment. */
export interface Acknowledged {
  readonly entryId: number;
  readonly filename: string;
  /** Of the picture as it was captured; undefined where it was gone or moved before it could be read. */
  readonly sha256: string | undefined;
}

export interface Judgement {
  readonly acknowledged: number;
  /** Rows, live and archived. */
  readonly frames: number;
  readonly live: number;
  readonly archived: number;
  /** Of all frames: with a compressed picture, with a verified copy, removed from here once copied. */
  readonly compressed: number;
  readonly synced: number;
  readonly removed: number;
  readonly local: number;
  readonly remote: number;
  /** Removed by the ring buffer without a copy, as it may without a share. */
  readonly released: number;
  /** Frames that an ROI manifest did not fit. Their pictures must be there. */
  readonly unmeasured: number;
  readonly csvLines: number;
  /** What is wrong, a line each. */
  readonly faults: readonly string[];
}

interface Row {
  id: number;
  directory: string | null;
  filename: string | null;
  status: string;
  error_code: string | null;
  error: string | null;
  sha256: string | null;
  original_sha256: string | null;
  local: number;
  image_synced: number;
  missing: number;
  data_transmitted: number;
  results: number;
  outcomes: number;
}

const plainName = (name: string) => name.replace(/\.gz$/, "");
const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Judges the experiment in `root` after its last run has ended. */
export async function judge(
  root: string,
  acknowledged: readonly Acknowledged[],
  notTaken: ReadonlySet<string> = new Set(),
): Promise<Judgement> {
  const faults: string[] = [];
  const live = readRows(join(root, "data", "phorest.sqlite"), faults);
  const liveIds = new Set(live.rows.map(({ id }) => id));
  const liveFrames = new Set(live.rows.map(({ filename }) => plainName(filename ?? "")));
  const csv = csvLines(readFileSync(join(root, "results", "communicating_results.csv"), "utf8"));
  const history = join(root, "backup", "history");
  const archived = new Map<number, Row>();
  for (const name of completeBackups(history)) {
    const directory = join(history, name);
    faults.push(...(await sumsProblems(directory)));
    const scratch = mkdtempSync(join(tmpdir(), "phorest-judge-"));
    const file = join(scratch, "history.sqlite");
    writeFileSync(file, gunzipSync(readFileSync(join(directory, "history.sqlite.gz"))));
    for (const row of readRows(file, faults).rows) {
      // A frame that got another result after it was copied stayed live: the live row is the one of record.
      if (liveIds.has(row.id)) continue;
      if (archived.has(row.id)) faults.push(`entry ${row.id} is in two archives`);
      archived.set(row.id, row);
    }
    rmSync(scratch, { recursive: true });
    const lines = csvLines(gunzipSync(readFileSync(join(directory, "history.csv.gz"))).toString("utf8"));
    csv.push(...lines.filter((line) => !liveFrames.has(fileOf(line))));
  }
  for (const name of completeBackups(join(root, "backup")))
    faults.push(...(await sumsProblems(join(root, "backup", name))));

  const rows = [...live.rows, ...archived.values()];
  faults.push(...frameFaults(rows, live.rois, live.analyses), ...lineFaults(rows, csv, live.rois));
  faults.push(...acknowledgedFaults(root, rows, acknowledged), ...strayFaults(root, live.rows, notTaken));
  const where = (test: (row: Row) => boolean) => rows.filter(test).length;
  return {
    acknowledged: acknowledged.length,
    frames: rows.length,
    live: live.rows.length,
    archived: archived.size,
    compressed: where(({ filename }) => filename?.endsWith(".gz") === true),
    synced: where(({ image_synced }) => image_synced === 1),
    removed: where(({ local }) => local === 0),
    local: where(({ local }) => local === 1),
    remote: where(({ local, image_synced }) => local === 0 && image_synced === 1),
    released: where(({ local, image_synced }) => local === 0 && image_synced === 0),
    unmeasured: where(isUnmeasured),
    csvLines: csv.length,
    faults,
  };
}

function readRows(file: string, faults: string[]): { rows: Row[]; rois: number; analyses: number } {
  const db = new Database(file, { readonly: true });
  try {
    const check = db.pragma("integrity_check", { simple: true });
    if (check !== "ok") faults.push(`${file}: ${check}`);
    const dangling = db.pragma("foreign_key_check");
    if (Array.isArray(dangling) && dangling.length > 0)
      faults.push(`${file}: ${dangling.length} rows refer to nothing`);
    const rows = db
      .prepare<[], Row>(`
        SELECT id, directory, filename, status, error_code, error, sha256, original_sha256, local, image_synced, missing, data_transmitted,
          (SELECT count(*) FROM result r WHERE r.entry_id = e.id) AS results,
          (SELECT count(*) FROM outcome o WHERE o.entry_id = e.id) AS outcomes FROM entry e`)
      .all();
    // Of the ROI manifest that fits: the one with results.
    const manifest =
      "(SELECT roi_manifest_id FROM analysis JOIN outcome o ON o.analysis_id = analysis.id AND o.ok = 1 LIMIT 1)";
    const count = (table: string) =>
      db.prepare<[], number>(`SELECT count(*) FROM ${table} WHERE roi_manifest_id = ${manifest}`).pluck().get() ?? 0;
    return { rows, rois: count("roi"), analyses: count("analysis") };
  } finally {
    db.close();
  }
}

const csvLines = (text: string) => text.trim().split("\n").slice(1);
/** The only field that ends like a picture's name; columns of readings and tracking follow it. */
const fileOf = (line: string) => plainName(line.split(",").find((field) => PICTURE.test(field)) ?? line);
const PICTURE = /\.(png|tiff|bmp)(\.gz)?$/;

/** Failed for good, for the ROI manifest of that time did not fit. */
const isUnmeasured = ({ status, error_code }: Row) => status === "failed" && error_code === "rois.outside";

/** Each frame measured once, with one result per ROI and analysis: the method, and what is carried beside it. */
function frameFaults(rows: readonly Row[], rois: number, analyses: number): string[] {
  const faults: string[] = [];
  const names = new Set<string>();
  for (const row of rows) {
    const name = plainName(row.filename ?? `entry ${row.id}`);
    if (names.has(name)) faults.push(`${name}: two rows`);
    names.add(name);
    if (row.missing === 1) faults.push(`${name}: marked as missing`);
    if (isUnmeasured(row)) {
      if (row.local === 0 && row.image_synced === 0) faults.push(`${name}: not measured, and its picture removed`);
      if (row.results !== 0) faults.push(`${name}: failed, with ${row.results} results`);
      continue;
    }
    if (row.status !== "processed") faults.push(`${name}: ${row.status}${row.error === null ? "" : ` (${row.error})`}`);
    if (row.outcomes !== 1 || row.results !== rois * analyses)
      faults.push(`${name}: ${row.outcomes} outcomes, ${row.results} results`);
    if (row.data_transmitted !== 1) faults.push(`${name}: not in the CSV by its row`);
  }
  return faults;
}

/** One line per frame and ROI, and no other. */
function lineFaults(rows: readonly Row[], csv: readonly string[], rois: number): string[] {
  const faults: string[] = [];
  const perFrame = new Map<string, Set<string>>();
  for (const line of csv) {
    const lines = perFrame.get(fileOf(line)) ?? new Set();
    if (lines.has(line)) faults.push(`${fileOf(line)}: a line is there twice`);
    perFrame.set(fileOf(line), lines.add(line));
  }
  for (const row of rows) {
    const name = plainName(row.filename ?? "");
    const lines = perFrame.get(name)?.size ?? 0;
    if (lines !== rois && !isUnmeasured(row)) faults.push(`${name}: ${lines} CSV lines for ${rois} ROIs`);
    perFrame.delete(name);
  }
  for (const name of perFrame.keys()) faults.push(`${name}: CSV lines of a frame that no row knows`);
  return faults;
}

/** Every acknowledged frame has a row and, unless it was let go of, the very picture that was captured. */
function acknowledgedFaults(root: string, rows: readonly Row[], acknowledged: readonly Acknowledged[]): string[] {
  const faults: string[] = [];
  const known = new Set(rows.map(({ id }) => id));
  const witnessed = new Map(acknowledged.map(({ entryId, sha256 }) => [entryId, sha256]));
  for (const { entryId, filename } of acknowledged) {
    if (!known.has(entryId)) faults.push(`${filename}: acknowledged, and lost`);
  }
  for (const row of rows) {
    const name = plainName(row.filename ?? `entry ${row.id}`);
    if (row.directory === null || row.filename === null || (row.local === 0 && row.image_synced === 0)) continue;
    const path = join(row.directory.startsWith("/") ? row.directory : join(root, "data", row.directory), row.filename);
    if (!existsSync(path)) {
      faults.push(`${name}: ${path} is not there`);
      continue;
    }
    const bytes = readFileSync(path);
    const picture = hash(row.filename.endsWith(".gz") ? gunzipSync(bytes) : bytes);
    if (row.sha256 !== null && hash(bytes) !== row.sha256) faults.push(`${name}: not what its row says`);
    const captured = [witnessed.get(row.id), row.original_sha256 ?? (row.filename.endsWith(".gz") ? null : row.sha256)];
    for (const wanted of captured) {
      if (wanted !== undefined && wanted !== null && wanted !== picture)
        faults.push(`${name}: not the picture captured`);
    }
  }
  return faults;
}

/** No picture lies in data_dir beside those the rows name, and nothing half-written. */
function strayFaults(root: string, rows: readonly Row[], notTaken: ReadonlySet<string>): string[] {
  const known = new Set(rows.filter(({ local }) => local === 1).map(({ filename }) => filename));
  return readdirSync(join(root, "data"))
    .filter((name) => !name.startsWith("phorest.") && !known.has(name) && !notTaken.has(name))
    .map((name) => `${name}: lies in data and no row names it`);
}
