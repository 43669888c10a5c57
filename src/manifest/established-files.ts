// Finds the files of an established experiment to read: the live ones, and the backups that its services moved away, compressed
// or not. A backup is not a copy: the live file started empty after it.
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";

export interface EstablishedFiles {
  /** Directory of the live manifest, or where it would be. Images are expected here. */
  readonly dataDirectory: string;
  /** Metadata files, oldest first, the live file last. Empty if this is not an established experiment. */
  readonly metadata: readonly string[];
  /** Result files: the live one first, then backups, newest first. If a result exists twice, the first one counts. */
  readonly results: readonly string[];
  /** Similar files that are not read: unfinished ones and filtered copies. */
  readonly notRead: readonly string[];
}

interface FileName {
  readonly live: RegExp;
  readonly backup: RegExp;
  readonly other: RegExp;
}

/** `processing_manifest.json` and `processing_results.json` are the names that were used until July 2025. */
const METADATA: FileName = {
  live: /^(?:metadata|processing)_manifest\.json(?:\.gz)?$/,
  backup: /^(?:metadata|processing)_manifest(?:\.corrupt)?_(\d{8}_\d{6})\.json(?:\.gz)?$/,
  other: /^(?:metadata|processing)_manifest.*\.(?:json|tmp)(?:\.gz)?$/,
};
const RESULTS: FileName = {
  live: /^processing_results\.jsonl?(?:\.gz)?$/,
  backup: /^processing_results(?:\.corrupt)?_(\d{8}_\d{6})\.jsonl?(?:\.gz)?$/,
  other: /^processing_results.*\.(?:jsonl?|tmp)(?:\.gz)?$/,
};

/** Finds the files of the experiment in `root`, which is its directory or the data directory in it. */
export function establishedFiles(root: string): EstablishedFiles {
  const isData = find([root], METADATA).live !== undefined;
  const data = join(root, "data");
  const ownBackups = ["backup", `backup/${basename(data)}`, "backup/results"].map((place) => join(root, place));
  // `root` is the data directory: the backups are next to it, in a directory of the same name.
  const besideBackups = isData ? [basename(root), "results"].map((place) => join(root, "..", "backup", place)) : [];
  const metadata = find([root, data, ...ownBackups, ...besideBackups.slice(0, 1)], METADATA);
  const places = ["", "results", "data", ...(isData ? ["../results"] : [])].map((place) => join(root, place));
  const results = find([...places, ...ownBackups, ...besideBackups], RESULTS);
  const notRead = [...metadata.other, ...results.other];
  return {
    dataDirectory: isData || !isDirectory(data) ? root : data,
    metadata: [...metadata.backups, ...(metadata.live === undefined ? [] : [metadata.live])],
    results: [...(results.live === undefined ? [] : [results.live]), ...results.backups.reverse()],
    notRead,
  };
}

interface Found {
  live: string | undefined;
  /** Oldest first. */
  backups: string[];
  other: string[];
}

function find(places: readonly string[], { live, backup, other }: FileName): Found {
  const found: Found = { live: undefined, backups: [], other: [] };
  const dated: (readonly [date: string, path: string])[] = [];
  for (const place of new Set(places)) {
    for (const name of namesIn(place)) {
      const path = join(place, name);
      const [, date] = backup.exec(name) ?? [];
      if (live.test(name) && found.live === undefined) found.live = path;
      else if (date !== undefined) dated.push([date, path]);
      else if (other.test(name)) found.other.push(path);
    }
  }
  found.backups = dated.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, path]) => path);
  return found;
}

/**
 * Returns the names of the files, newest naming first: `metadata_manifest.json` before `processing_manifest.json`, plain before
 * compressed.
 */
function namesIn(directory: string): string[] {
  return isDirectory(directory) ? readdirSync(directory).sort() : [];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
