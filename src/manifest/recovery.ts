// Recovery after a crash: claims of processes that ended, images whose removal or compression was interrupted, and rows whose
// image is gone or has come back. Its cost grows with the number of images on this machine, not with the history.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isPictureName, pictureNameProblem } from "../image/picture-name.ts";
import { readNamesNow } from "../system/names-in-bytes.ts";
import type { Connection } from "./connection.ts";
import { type Entries, otherForm } from "./entries.ts";
import { fileColumn, frameName } from "./page-rows.ts";
import { pages } from "./pages.ts";
import type { Repairs } from "./repairs.ts";
import type { LocalPicture, Storage } from "./storage.ts";
import type { Syncing } from "./syncing.ts";

export interface Recovery {
  /** Entries that were being measured and are pending again. */
  readonly requeued: number;
  /** Entries that failed because the program ended many times while each was being measured. */
  readonly failed: readonly { readonly filename: string; readonly reason: string }[];
  /** Images that have disappeared since the last start. */
  readonly missing: readonly string[];
  /** Pictures that were missing and are there again. */
  readonly returned: readonly string[];
  /** Rows that do not name an image, and why; they are set aside. */
  readonly refused: readonly { readonly filename: string; readonly reason: string }[];
  /** Names in the manifest's own directory that no row of a local image has. */
  readonly unclaimed: readonly string[];
  /** Printable forms of names in that directory that are not UTF-8: phorest cannot open such files. */
  readonly unusable: readonly string[];
  /** Images that exist both plain and compressed: the content decides which one to keep. */
  readonly twofold: readonly LocalPicture[];
  /** Images that existed only under the other of their two names, which the row has now. */
  readonly renamed: readonly LocalPicture[];
}

export interface RecoveryOptions {
  readonly maxAttempts: number;
  readonly nowUs: number;
  /** Root of the share; the rows of removed images name the copies there. */
  readonly remoteRoot?: string;
}

/** The parts of a manifest that recovery changes. */
interface RecoveredNouns {
  readonly entries: Entries;
  readonly storage: Storage;
  readonly repairs: Repairs;
  readonly syncing: Syncing;
}

interface FileRow {
  id: number;
  directory: string;
  filename: string;
}

/** Recovers the entries. Only for the holder of the experiment's lock: every claim found belongs to a process that has ended. */
export function recoverEntries(connection: Connection, nouns: RecoveredNouns, options: RecoveryOptions): Recovery {
  return connection.write(() => {
    const claims = releaseAbandonedClaims(connection, options);
    settleRemovals(nouns.storage, options.remoteRoot);
    return { ...claims, ...comparePictures(connection, nouns, options.nowUs) };
  });
}

/**
 * Multiplied by `maxAttempts`: how often the program may end while a frame is measured. From its second attempt on, a frame is
 * measured in its own process (see the processor stage), which fails the frame if it ends that process. So if the whole program
 * ends, the frame is hardly ever at fault. This limit is for a system that ends all processes together when one takes too much
 * memory.
 */
const ENDS_PER_ATTEMPT = 10;

function releaseAbandonedClaims(
  { db }: Connection,
  { maxAttempts, nowUs }: { readonly maxAttempts: number; readonly nowUs: number },
): Pick<Recovery, "requeued" | "failed"> {
  const failed = db
    .prepare<[{ limit: number; nowUs: number }], { filename: string; page: number | null; reason: string }>(`
      UPDATE entry SET status = 'failed', processed_at_us = @nowUs, error_code = 'analysis.failed',
        error = 'the program ended ' || attempts || ' times while this frame was being measured'
      WHERE status = 'processing' AND attempts > @limit RETURNING ${fileColumn("filename")}, page, error AS reason`)
    .all({ limit: ENDS_PER_ATTEMPT * maxAttempts, nowUs })
    .map(({ filename, page, reason }) => ({ filename: frameName(filename, page), reason }));
  const { changes } = db.prepare("UPDATE entry SET status = 'pending' WHERE status = 'processing'").run();
  return { requeued: changes, failed };
}

/** A file that still exists was not removed: it stays, and the ring buffer decides again. */
function settleRemovals(storage: Storage, remoteRoot: string | undefined): void {
  const begun = storage.unfinishedRemovals();
  const isThere = ({ filepath, filename }: LocalPicture) => existsSync(join(filepath, filename));
  const ids = (pictures: readonly LocalPicture[]) => pictures.map(({ entryId }) => entryId);
  storage.endRemoval(ids(begun.filter((picture) => !isThere(picture))), remoteRoot, ids(begun.filter(isThere)));
}

function comparePictures(
  connection: Connection,
  { entries, storage, repairs, syncing }: RecoveredNouns,
  nowUs: number,
): Omit<Recovery, "requeued" | "failed"> {
  const { db, directory } = connection;
  const { names, unusable } = readNamesNow(directory);
  const present = new Set(names);
  const unclaimed = new Set(present);
  const exists = (stored: string, name: string) =>
    stored === "." ? present.has(name) : existsSync(join(entries.absoluteDirectory(stored), name));
  // The hash of a file that another program compressed is not known yet; the hash of an uncompressed file is.
  const follow = db.prepare(`
    UPDATE entry SET filename = @name, missing = 0,
      bytes = iif(@packed, NULL, original_bytes), sha256 = iif(@packed, NULL, original_sha256),
      original_bytes = iif(@packed, bytes, NULL), original_sha256 = iif(@packed, sha256, NULL) WHERE id = @id`);
  const missing: string[] = [];
  const returned: string[] = [];
  const twofold: number[] = [];
  const renamed: number[] = [];
  const followForm = (id: number, filename: string) => {
    const name = otherForm(filename);
    follow.run({ id, name, packed: name.endsWith(".gz") ? 1 : 0 });
    renamed.push(id);
  };
  const named = db.prepare("SELECT 1 FROM entry WHERE directory = ? AND filename = ?").pluck();
  /** Whether the image exists in its other form, and that file belongs to no other row. */
  const otherExists = (stored: string, filename: string) => {
    const other = otherForm(filename);
    return isPictureName(other) && exists(stored, other) && named.get(stored, other) === undefined;
  };
  for (const { id, directory: stored, filename } of missingRows(db)) {
    if (pictureNameProblem(filename) !== undefined) continue;
    if (exists(stored, filename)) returned.push(filename);
    else if (otherExists(stored, filename)) followForm(id, filename);
    else continue;
    repairs.markReturned(id);
  }
  const refused: { filename: string; reason: string }[] = [];
  for (const { id, directory: stored, filename } of pictureRows(db)) {
    const problem = pictureNameProblem(filename);
    if (problem !== undefined) {
      const reason = `its file name ${problem}`;
      repairs.refuse(id, reason, nowUs);
      refused.push({ filename, reason });
      continue;
    }
    if (exists(stored, filename)) {
      if (stored === ".") unclaimed.delete(filename);
      // Only the data directory was listed; nothing is ever compressed elsewhere.
      if (stored === "." && otherExists(stored, filename)) twofold.push(id);
      continue;
    }
    if (otherExists(stored, filename)) {
      followForm(id, filename);
      continue;
    }
    // A move or a removal was interrupted between the file and the row: the verified copy is the image now.
    if (syncing.standIn(id, nowUs)) continue;
    repairs.markMissing(id, nowUs);
    missing.push(filename);
  }
  return {
    missing,
    refused,
    returned,
    unclaimed: [...unclaimed],
    unusable,
    twofold: storage.named(twofold),
    renamed: storage.named(renamed),
  };
}

function missingRows(db: Connection["db"]): FileRow[] {
  return db
    .prepare<[], FileRow>(
      "SELECT id, directory, filename FROM entry WHERE missing = 1 AND local = 1 AND filename IS NOT NULL",
    )
    .all();
}

const PAGE_ROWS = 10_000;

/** Yields every row whose image should be on this machine, using only the index. */
function* pictureRows(db: Connection["db"]): Generator<FileRow> {
  const page = db.prepare<[number, number, number], FileRow & { captured_at_us: number }>(`
    SELECT id, captured_at_us, directory, filename FROM entry INDEXED BY entry_local
    WHERE local = 1 AND missing = 0 AND filename IS NOT NULL AND (captured_at_us, id) > (?, ?)
    ORDER BY captured_at_us, id LIMIT ?`);
  yield* pages(
    { captured_at_us: Number.MIN_SAFE_INTEGER, id: 0 },
    (last) => page.all(last.captured_at_us, last.id, PAGE_ROWS),
    (row) => row,
  );
}
