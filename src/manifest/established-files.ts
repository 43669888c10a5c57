// Which files of an established experiment are read: the live ones, and the backups that its services moved away, packed or not.
// A backup is not a copy: the live file began empty after it.
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";

export interface EstablishedFiles {
  /** Directory of the live manifest, or where it would be: images are expected here. */
  readonly dataDirectory: string;
  /** Oldest first, the live file last. Empty: this is no such experiment. */
  readonly metadata: readonly string[];
  /** The live file first, then backups, newest first: a result that is there twice counts once. */
  readonly results: readonly string[];
  /** Files that look like them and are not read: unfinished ones, filtered copies. */
  readonly notRead: readonly string[];
}

interface FileName {
  readonly live: RegExp;
  readonly backup: RegExp;
  readonly other: RegExp;
}

/** `processing_manifest.json` and `processing_results.json`: names of 2025 until July. */
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

/** The files of the experiment in `root`, which is its directory or the data directory in it. */
export function establishedFiles(root: string): EstablishedFiles {
  const isData = find([root], METADATA).live !== undefined;
  const data = join(root, "data");
  const ownBackups = ["backup", `backup/${basename(data)}`, "backup/results"].map((place) => join(root, place));
  // Named by its data directory: the backups are next to it, in a directory of that name.
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

/** Names of files, the newest naming first: `metadata_manifest.json` before `processing_manifest.json`, plain before packed. */
function namesIn(directory: string): string[] {
  return isDirectory(directory) ? readdirSync(directory).sort() : [];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
