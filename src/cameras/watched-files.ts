// The files of a watched directory by name. A file that is seen for the first time is compared with what an earlier run took of
// it, with the measured series, and with the chosen part of the frames.
import { encodeFailure } from "../failure/failure.ts";
import type { PictureFile } from "../image/picture-files.ts";
import type { FrameChooser } from "./chosen-frames.ts";
import type { FolderSeries } from "./folder-series.ts";
import { hasWantedPage, partlyTaken, type TakenFile } from "./grown-file.ts";
import { WatchedFile } from "./watched-file.ts";

interface WatchedFilesOptions {
  readonly directory: string;
  readonly followLinks: boolean;
  readonly series: FolderSeries;
  readonly chooser: FrameChooser;
  /** Returns what an earlier run took under this name; undefined: nothing. */
  takenBefore(filename: string): TakenFile | undefined;
}

export class WatchedFiles {
  readonly #options: WatchedFilesOptions;
  readonly #files = new Map<string, WatchedFile>();

  constructor(options: WatchedFilesOptions) {
    this.#options = options;
  }

  get(name: string): WatchedFile | undefined {
    return this.#files.get(name);
  }

  /** Begins to watch the files that are not watched yet, in the order of their times. */
  async meet(files: readonly PictureFile[], nowMs: number): Promise<void> {
    const { series, chooser, takenBefore } = this.#options;
    const unseen = files.filter(({ name }) => !this.#files.has(name));
    const before = new Map(unseen.map((file) => [file, takenBefore(file.name)]));
    const hasMore = (taken: TakenFile | undefined) => taken === undefined || partlyTaken(taken) !== undefined;
    await series.look(
      unseen.filter((file) => hasMore(before.get(file))),
      unseen.filter((file) => before.get(file) !== undefined),
    );
    const stacks = await chooser.stacks(unseen, this.#options);
    const met = unseen.map((file) => ({ file, watched: new WatchedFile(file, nowMs, before.get(file)) }));
    const finished = new Set<WatchedFile>();
    for (const { file, watched } of met) if (await this.#isFinished(file, watched)) finished.add(watched);
    for (const { file, watched } of met) {
      this.#files.set(file.name, watched);
      const stack = stacks.get(file);
      let isFinished = finished.has(watched);
      if (!series.keeps(file)) watched.leaveOut();
      else if (stack !== undefined) isFinished = watched.pagesOf(stack, chooser).length === 0 || isFinished;
      else this.#countAsOne(file, watched);
      if (watched.isAsBefore && isFinished) watched.settle(file);
    }
  }

  /** Whether an earlier run took all of an unchanged file that is chosen now. */
  async #isFinished({ name }: PictureFile, { isAsBefore, rows }: WatchedFile): Promise<boolean> {
    if (!isAsBefore || rows === undefined) return isAsBefore;
    const { directory, followLinks, series } = this.#options;
    try {
      const choice = series.choiceOf({ name });
      return !(await hasWantedPage({ directory, path: name, followLinks }, { without: rows }, choice));
    } catch (error) {
      if (encodeFailure(error).code === "internal") throw error;
      // The error of an unreadable file is reported when the file is taken.
      return false;
    }
  }

  /** Counts a file with one picture for the subset. One that an earlier run took only advances the count. */
  #countAsOne({ takenAtUs }: PictureFile, watched: WatchedFile): void {
    const { counter } = this.#options.chooser;
    watched.countAsOne();
    if (watched.isAsBefore) counter.noteTaken(takenAtUs);
    else if (!counter.takes(takenAtUs)) watched.leaveOut();
  }
}
