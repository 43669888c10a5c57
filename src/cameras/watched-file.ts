// The folder source's record of a file: what an earlier run recorded, and what this one has seen.
import type { PictureFile } from "../image/picture-files.ts";
import type { FirstPages } from "../image/stack-content.ts";

/** What was recorded about a file when it was taken; undefined if an older version recorded nothing. */
export interface TakenFile {
  readonly bytes: number | undefined;
  readonly modifiedUs: number | undefined;
  /** Hash of its content: a file with only a new modification time is unchanged. */
  readonly sha256?: string | undefined;
  /** All pages that it had, if the file may grow. */
  readonly pages?: FirstPages | undefined;
  /** The pages that have a row, from 0: a run with a subset leaves out others. Undefined: all that it had. */
  readonly rows?: readonly number[] | undefined;
}

/** The state of a name: the version taken, and the one that is being watched. */
export interface Watched {
  /** Whether the file will be taken. */
  chosen: boolean;
  /** If only a part is wanted: the number of frames at the last count, and which pages of them are taken. */
  counted: number;
  pages: readonly number[];
  taken: string | undefined;
  /** Hash of what was taken; undefined if an earlier version took it. */
  takenSha256: string | undefined;
  takenInode: bigint | undefined;
  /** The pages taken, and those before the last capture, in case it is given back; undefined if it is not a stack. */
  takenPages: FirstPages | undefined;
  pagesBefore: FirstPages | undefined;
  /** The pages that an earlier run took, until the others are examined; undefined if it took all. */
  rowsBefore: readonly number[] | undefined;
  /** The same before the last capture, in case it is given back. */
  rowsAtCapture: readonly number[] | undefined;
  version: string;
  sinceMs: number;
}

/** The part of a file that is taken. */
export type Choice = Pick<Watched, "chosen" | "counted" | "pages">;

/** Returns the pages that have a row, if the file had others when it was taken; undefined otherwise. */
export function partlyTaken({ pages, rows }: TakenFile): readonly number[] | undefined {
  return pages === undefined || rows === undefined || rows.length >= pages.count ? undefined : rows;
}

/** Whether a file is still what an earlier run took; if nothing was recorded, only its name counts. */
export function isSame(file: PictureFile, { bytes, modifiedUs }: TakenFile): boolean {
  return (bytes ?? file.bytes) === file.bytes && (modifiedUs ?? file.modifiedUs) === file.modifiedUs;
}
