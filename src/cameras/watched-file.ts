// A file of a watched directory: which version of it is there, what of it was taken (by an earlier run, or by this one), and
// which of its pages are wanted.
import type { PictureFile } from "../image/picture-files.ts";
import type { FirstPages } from "../image/stack-content.ts";
import type { NamedFile } from "../system/confined-file.ts";
import type { FrameChooser, Stack } from "./chosen-frames.ts";
import { type NewPages, pagesLeft, partlyTaken, type TakenFile } from "./grown-file.ts";

/** What was taken of a file. All undefined: nothing, or it is not known. */
interface Taken {
  readonly version: string | undefined;
  readonly inode: bigint | undefined;
  /** Hash of its content: a file that is written again with the same content is not a new picture. */
  readonly sha256: string | undefined;
  /** All pages that it had; undefined if it is not a stack. */
  readonly pages: FirstPages | undefined;
  /** The pages that an earlier run took, until the others are examined; undefined if it took all. */
  readonly rows: readonly number[] | undefined;
}

export class WatchedFile {
  /** Whether the file is unchanged since an earlier run took it. */
  readonly isAsBefore: boolean;
  readonly #rowsBefore: readonly number[] | undefined;
  #version: string;
  #sinceMs: number;
  #isLeftOut = false;
  #skippedVersion: string | undefined;
  #taken: Taken;
  /** What was taken before the last capture, in case that is given back. */
  #takenBefore: Taken;
  /** If only a part is wanted: the number of frames that are counted, and which pages of them are wanted. */
  #counted = 0;
  #wanted: readonly number[] = [];

  /** `before`: what an earlier run took of it. */
  constructor(file: PictureFile, nowMs: number, before: TakenFile | undefined) {
    this.isAsBefore = before !== undefined && isSame(file, before);
    this.#rowsBefore = before?.rows;
    this.#version = file.version;
    this.#sinceMs = nowMs;
    const rows = before && partlyTaken(before);
    this.#taken = { version: undefined, inode: undefined, sha256: before?.sha256, pages: before?.pages, rows };
    this.#takenBefore = this.#taken;
  }

  /** The pages of the file that an earlier run took, while the others are not examined; undefined if it took all. */
  get rows(): readonly number[] | undefined {
    return this.#taken.rows;
  }

  /** Notes the present version; returns whether it is a new one. */
  look({ version }: PictureFile, nowMs: number): boolean {
    if (this.#version === version) return false;
    this.#version = version;
    this.#sinceMs = nowMs;
    return true;
  }

  /** Whether the file, as it is now, is still to be taken. `inodesHold`: whether files keep their inode numbers. */
  isToBeTaken({ version, inode }: PictureFile, inodesHold: boolean): boolean {
    if (this.#isLeftOut || this.#skippedVersion === version) return false;
    return this.#taken.version !== version || (inodesHold && this.#taken.inode !== inode);
  }

  /** Returns for how long the file has not changed. */
  unchangedForMs(nowMs: number): number {
    return nowMs - this.#sinceMs;
  }

  /** Leaves the file out for good: it is of another series, or outside the subset. */
  leaveOut(): void {
    this.#isLeftOut = true;
  }

  /** Leaves the file out until it is written again. */
  skip({ version }: PictureFile): void {
    this.#skippedVersion = version;
  }

  /** Counts a file with one picture as its only frame. */
  countAsOne(): void {
    this.#counted = 1;
    this.#wanted = [0];
  }

  /** Returns the wanted pages of a stack, which may have grown; counts only frames that were not counted yet. */
  pagesOf(stack: Stack, chooser: FrameChooser): readonly number[] {
    const frames = stack.frames.slice(this.#counted);
    this.#wanted = [...this.#wanted, ...chooser.pagesOf({ ...stack, frames }, this.#rowsBefore)];
    this.#counted = Math.max(this.#counted, stack.frames.length);
    return this.#wanted;
  }

  /** Whether `sha256` is the hash of what was taken. */
  isRepeated(sha256: string): boolean {
    return this.#taken.sha256 === sha256;
  }

  /** Whether this version was taken already, by its size and time. */
  isTaken({ version }: PictureFile): boolean {
    return this.#taken.version === version;
  }

  /** Returns the pages that were not taken yet; undefined if there are none. Throws as `newPages`. */
  async pagesLeft(file: NamedFile, sha256: string, progress?: () => void): Promise<NewPages | undefined> {
    return pagesLeft(file, this.#taken, { isRepeated: this.isRepeated(sha256), progress });
  }

  /** Notes that an earlier run took all that is wanted of the file as it is now. */
  settle({ version, inode }: PictureFile): void {
    this.#taken = { ...this.#taken, version, inode };
  }

  /** Notes that the file was taken as it is now. `fresh`: its new pages, if there are any. */
  noteTaken({ version, inode }: PictureFile, sha256: string, fresh?: NewPages): void {
    this.#takenBefore = { ...this.#taken, version: undefined };
    const { pages } = fresh ?? this.#taken;
    this.#taken = { version, inode, sha256, pages, rows: undefined };
  }

  /** Takes back the last `noteTaken`: the capture could not be stored. */
  giveBack(): void {
    this.#taken = this.#takenBefore;
  }
}

/** Whether a file is still what an earlier run took; if nothing was recorded, only its name counts. */
function isSame(file: PictureFile, { bytes, modifiedUs }: TakenFile): boolean {
  return (bytes ?? file.bytes) === file.bytes && (modifiedUs ?? file.modifiedUs) === file.modifiedUs;
}
