// What the folder source knows about a file: what an earlier run noted of it, and what this one has seen.
import type { PictureFile } from "../image/picture-files.ts";
import type { FirstPages } from "../image/stack-content.ts";

/** What was noted of a file when it was taken; undefined where an older version noted nothing. */
export interface TakenFile {
  readonly bytes: number | undefined;
  readonly modifiedUs: number | undefined;
  /** Of its content: a file that was only touched since is still the same. */
  readonly sha256?: string | undefined;
  /** Of a file that may grow: all pages that it had. */
  readonly pages?: FirstPages | undefined;
}

/** What is known about a name: the version taken, and the one that is being watched. */
export interface Watched {
  /** Whether it is one of those to take. */
  chosen: boolean;
  /** Where a part is chosen: how many frames it had when they were counted last, and which pages of them are taken. */
  counted: number;
  pages: readonly number[];
  taken: string | undefined;
  /** Hash of what was taken; undefined where an earlier version took it. */
  takenSha256: string | undefined;
  takenInode: bigint | undefined;
  /** The pages that were taken, and those before the last taking, should it be given back; undefined where there is no stack. */
  takenPages: FirstPages | undefined;
  pagesBefore: FirstPages | undefined;
  version: string;
  sinceMs: number;
}

/** What of a file is taken. */
export type Choice = Pick<Watched, "chosen" | "counted" | "pages">;

/** Whether a file is still what an earlier run took; where nothing was noted of it, its name must do. */
export function isSame(file: PictureFile, { bytes, modifiedUs }: TakenFile): boolean {
  return (bytes ?? file.bytes) === file.bytes && (modifiedUs ?? file.modifiedUs) === file.modifiedUs;
}
