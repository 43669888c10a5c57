// Chooses the frames that a file source takes if only a part is wanted: a file with one picture is taken or not, from a stack
// some of its pages.
import { encodeFailure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { type FrameSubset, isSubset, SubsetCounter } from "../image/frame-subset.ts";
import { framesOfFile, framesOfPages, type PageFrame } from "../image/frames-of-file.ts";
import type { PageInfo } from "../image/pages.ts";
import type { PictureFile } from "../image/picture-files.ts";
import type { CaptureTimes, FileTimes } from "../image/times/capture-times.ts";

/** A file with several pictures. */
export interface Stack {
  readonly frames: readonly PageFrame[];
  /** As `CapturedFrame.timesOf`; messages are reported only once, so results are kept. */
  readonly timesOf: (pages: readonly PageInfo[]) => Promise<FileTimes>;
}

/** The location of a file, and how it may be opened. */
interface Place {
  readonly directory: string;
  readonly followLinks: boolean;
}

interface ChooserOptions {
  readonly subset?: FrameSubset | undefined;
  /** Returns the chosen pages of a file. */
  readonly choiceOf: (file: PictureFile) => PageChoice | undefined;
  readonly times: CaptureTimes;
}

/** Number of files that are opened at the same time. */
const AT_ONCE = 32;

export class FrameChooser {
  readonly counter: SubsetCounter;
  /** Whether anything can be left out. */
  readonly isChoosing: boolean;
  readonly #choiceOf: ChooserOptions["choiceOf"];
  readonly #times: CaptureTimes;

  constructor({ subset = {}, choiceOf, times }: ChooserOptions) {
    this.counter = new SubsetCounter(subset);
    this.isChoosing = isSubset(subset);
    this.#choiceOf = choiceOf;
    this.#times = times;
  }

  /** Returns the pages of the files that have several, by file; opens no file if nothing is chosen. */
  async stacks(files: readonly PictureFile[], place: Place): Promise<ReadonlyMap<PictureFile, Stack>> {
    const stacks = new Map<PictureFile, Stack>();
    if (!this.isChoosing) return stacks;
    for (let from = 0; from < files.length; from += AT_ONCE) {
      const some = files.slice(from, from + AT_ONCE);
      const found = await Promise.all(some.map((file) => this.stack(file, place)));
      some.forEach((file, at) => {
        const stack = found[at];
        if (stack !== undefined) stacks.set(file, stack);
      });
    }
    return stacks;
  }

  /**
   * Returns the pages of a file that has several: no frames if none is of the choice. Undefined for other files, and for an
   * unreadable one, whose error is reported when it is taken.
   */
  async stack(file: PictureFile, { directory, followLinks }: Place): Promise<Stack | undefined> {
    let pages: readonly PageInfo[] | undefined;
    let images: number | undefined;
    try {
      const found = await framesOfFile({ directory, path: file.name, followLinks }, this.#choiceOf(file));
      images = found.count;
      pages = found.refused === undefined ? found.pages : [];
    } catch (error) {
      if (encodeFailure(error).code === "internal") throw error;
    }
    if (pages === undefined) return undefined;
    const timed = { ...file, directory, followLinks };
    const known = await this.#times.of(timed, pages, images);
    const count = pages.length;
    const timesOf = async (of: readonly PageInfo[]) => (of.length === count ? known : this.#times.of(timed, of));
    return { frames: framesOfPages(pages, known), timesOf };
  }

  /**
   * Returns the pages of a stack that are taken, from 0 in the file; they are the next frames of the series. `rows`: the pages
   * that an earlier run took; they only advance the count.
   */
  pagesOf({ frames }: Stack, rows: readonly number[] = []): number[] {
    const had = new Set(rows);
    const isTaken = ({ page, capturedAtUs }: PageFrame) => {
      if (!had.has(page)) return this.counter.takes(capturedAtUs);
      this.counter.noteTaken(capturedAtUs);
      return false;
    };
    return frames.filter(isTaken).map(({ page }) => page);
  }
}
