// The importer: every picture in the data directory when it opens counts as captured, once, oldest first. If a captured stack
// has grown since, its new pages count; so do pages that an earlier run left out, if they are chosen now.
import { Failure, failureLine } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { chooseSeries } from "../image/file-axes.ts";
import { type FrameSubset, NO_FRAME_IN_WINDOW } from "../image/frame-subset.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import { OtherKinds } from "../image/other-kinds.ts";
import { listPictures, type PictureFile } from "../image/picture-files.ts";
import { CaptureTimes, DESCRIBE_NAMES } from "../image/times/capture-times.ts";
import { printable } from "../system/file-name.ts";
import { SetAside, type SetAsideFile } from "../system/set-aside.ts";
import { FrameChooser, type Stack } from "./chosen-frames.ts";
import type { CapturedFrame, Found, Source } from "./frame.ts";
import {
  hasWantedPage,
  lackingChoice,
  type NewPages,
  newPages,
  pagesLeft,
  pagesSettings,
  partlyTaken,
  type TakenFile,
} from "./grown-file.ts";
import { seriesSettings } from "./series-record.ts";

export interface FileImporterOptions {
  readonly dataDir: string;
  /** Also use links to pictures. */
  readonly followLinks?: boolean | undefined;
  /** Reads capture times; the default has no table and no name pattern. */
  readonly times?: CaptureTimes;
  /** The frames that count as captured; absent: all. */
  readonly subset?: FrameSubset | undefined;
  /** The pages of files with several pictures that are frames. */
  readonly pages?: PageChoice | undefined;
  /** Returns the series that the experiment's frames are of; undefined: none yet, or not known. */
  seriesBefore?: (() => ImageAxes | undefined) | undefined;
  /** Whether a picture of this name has been taken already. */
  isKnown(filename: string): boolean;
  /** Returns what was recorded about it then; undefined: nothing. */
  takenInPlace?: ((filename: string) => TakenFile | undefined) | undefined;
}

export class FileImporter implements Source {
  private readonly options: FileImporterOptions;
  private readonly times: CaptureTimes;
  private waiting: PictureFile[] = [];
  /** The files with several pictures and their taken pages, by name, if only a part is wanted. */
  private stacks: ReadonlyMap<PictureFile, Stack> = new Map();
  private readonly chosenPages = new Map<string, readonly number[]>();
  /** The chosen pages of each file. */
  private choices: ReadonlyMap<PictureFile, PageChoice> = new Map();
  private axes: ReadonlyMap<PictureFile, ImageAxes | undefined> = new Map();
  private delivered: PictureFile | undefined;
  /** Messages to report with the next frame. */
  private unsaid: string[] = [];
  private skippedLines: string[] = [];
  private unchosen: string[] = [];
  private readonly aside = new SetAside();
  /** The files set aside, by name. */
  private readonly resting = new Map<string, PictureFile>();

  constructor(options: FileImporterOptions) {
    this.options = options;
    this.times = options.times ?? new CaptureTimes();
  }

  async probe(): Promise<readonly Found[]> {
    const { dataDir } = this.options;
    const details = [`${(await listPictures(dataDir, { followLinks: this.followLinks })).length} images`];
    return [{ name: dataDir, description: "the data directory", details, toml: ['camera_type = "file_importer"'] }];
  }

  async open(): Promise<void> {
    // Reversed, because the next one can then be popped off the end cheaply.
    this.unsaid = [];
    this.skippedLines = [];
    this.unchosen = [];
    const files = await listPictures(this.options.dataDir, {
      leftOut: (_name, why) => this.unsaid.push(why.message),
      skipped: (_name, line) => this.skippedLines.push(line),
      others: new OtherKinds(),
      followLinks: this.followLinks,
      times: this.times,
    });
    const { unmatched } = this.times;
    if (unmatched !== undefined) {
      throw new Failure("camera.unavailable", unmatched, { hint: DESCRIBE_NAMES, retry: "later" });
    }
    const paths = files.map(({ path }) => path);
    this.unsaid.push(...(await this.times.compare(paths, this.followLinks)));
    const place = { directory: this.options.dataDir, followLinks: this.followLinks };
    const placed = files.map((file) => ({ ...file, ...place }));
    const { pages, seriesBefore } = this.options;
    const { choices, axes, leftOut } = await chooseSeries(placed, pages, this.times, seriesBefore?.());
    this.choices = choices;
    this.axes = axes;
    this.unchosen.push(...leftOut);
    this.waiting = (await this.chosen([...choices.keys()])).reverse();
  }

  async capture(signal: AbortSignal): Promise<CapturedFrame | null> {
    for (;;) {
      if (signal.aborted) throw new Failure("camera.failed", "the import was stopped", { retry: "later" });
      const next = this.waiting.pop() ?? this.rested();
      if (next === undefined) return null;
      const fresh = await this.newPagesOf(next);
      if (fresh === undefined || (await this.isLackingChoice(next))) continue;
      this.delivered = next;
      return await this.frameOf(next, fresh);
    }
  }

  /** Whether a file has several pictures and none of the chosen ones; then it is named as skipped. */
  private async isLackingChoice(next: PictureFile): Promise<boolean> {
    const named = { directory: this.options.dataDir, path: next.name, followLinks: this.followLinks };
    const line = await lackingChoice(named, this.choices.get(next));
    if (line !== undefined) this.skippedLines.push(line);
    return line !== undefined;
  }

  /** Returns the new pages of a file; undefined if there are none. */
  private async newPagesOf(next: PictureFile): Promise<NewPages | undefined> {
    const { dataDir: directory, isKnown, takenInPlace } = this.options;
    const file = { directory, path: next.name, followLinks: this.followLinks };
    if (!isKnown(next.name)) return newPages(file, undefined);
    const before = takenInPlace?.(next.name);
    if (before?.pages === undefined) return undefined;
    const without = partlyTaken(before);
    const [choice, pages] = [this.choices.get(next), this.chosenPages.get(next.name)];
    try {
      // Asked first, because the checksum of a long stack takes long.
      if (
        without === undefined ? before.bytes === next.bytes : !(await hasWantedPage(file, { pages, without }, choice))
      )
        return undefined;
      const left = await pagesLeft(file, { pages: before.pages, rows: without }, { isRepeated: false });
      if (left === undefined || without !== undefined) return left;
      if (left.from === 0) return undefined;
      return (await hasWantedPage(file, { pages, from: left.from }, choice)) ? left : undefined;
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "file.changed") throw error;
      this.skippedLines.push(failureLine(error));
      return undefined;
    }
  }

  private async frameOf(next: PictureFile, { from, without, pages: content }: NewPages): Promise<CapturedFrame> {
    const { dataDir: directory } = this.options;
    const { name, takenAtUs, timeSource } = next;
    const pages = this.chosenPages.get(name);
    const chosen = pages === undefined ? {} : { pages };
    const choice = this.choices.get(next);
    const file = { directory, name, followLinks: this.followLinks, keep: true, choice, from, without, ...chosen };
    const timed = { ...next, directory, followLinks: this.followLinks };
    const {
      pages: [time],
      notes,
    } = await this.times.of(timed);
    return {
      file,
      capturedAtUs: time?.takenAtUs ?? takenAtUs,
      timeSource: time?.source ?? timeSource,
      timesOf: this.stacks.get(next)?.timesOf ?? ((of, count) => this.times.of(timed, of, count)),
      settings: {
        source: name,
        source_bytes: next.bytes,
        source_modified_us: next.modifiedUs,
        ...pagesSettings(content),
        ...seriesSettings(this.axes.get(next)),
      },
      warnings: [...this.unsaid.splice(0), ...notes],
    };
  }

  skipped(): readonly string[] {
    return this.skippedLines;
  }

  leftOut(): readonly string[] {
    return this.unchosen;
  }

  filesSetAside(): readonly SetAsideFile[] {
    return this.aside.files();
  }

  setAside(frame: CapturedFrame, reason: string): void {
    const file = this.delivered;
    if (file === undefined || file.name !== frame.file?.name) return;
    this.delivered = undefined;
    this.resting.set(file.name, file);
    this.aside.add(file.name, printable(file.name).slice(1, -1), reason);
  }

  giveBack(frame: CapturedFrame): void {
    if (this.delivered === undefined || this.delivered.name !== frame.file?.name) return;
    this.waiting.push(this.delivered);
    this.delivered = undefined;
  }

  async close(): Promise<void> {
    this.waiting = [];
  }

  /** Returns the files with frames of the subset; adds a message about the others. */
  private async chosen(files: PictureFile[]): Promise<PictureFile[]> {
    const { dataDir: directory, isKnown, takenInPlace, subset } = this.options;
    const chooser = new FrameChooser({ subset, choiceOf: (file) => this.choices.get(file), times: this.times });
    if (!chooser.isChoosing) return files;
    this.stacks = await chooser.stacks(files, { directory, followLinks: this.followLinks });
    this.chosenPages.clear();
    const { counter } = chooser;
    const chosen = files.filter((file) => {
      const stack = this.stacks.get(file);
      if (stack !== undefined) {
        const taken = chooser.pagesOf(stack, isKnown(file.name) ? takenInPlace?.(file.name)?.rows : undefined);
        this.chosenPages.set(file.name, taken);
        // A stack that has none of the chosen pages is named when its turn comes.
        return taken.length > 0 || stack.frames.length === 0;
      }
      if (!isKnown(file.name)) return counter.takes(file.takenAtUs);
      counter.noteTaken(file.takenAtUs);
      return false;
    });
    const { emptyLine, leftOutLine } = counter;
    if (emptyLine !== undefined) {
      throw new Failure("camera.unavailable", emptyLine, { hint: NO_FRAME_IN_WINDOW, retry: "later" });
    }
    if (leftOutLine !== undefined) this.unchosen.push(leftOutLine);
    return chosen;
  }

  /** Returns a file that was set aside and may be tried again. */
  private rested(): PictureFile | undefined {
    for (const [name, file] of this.resting) {
      if (this.options.isKnown(name)) this.aside.remove(name);
      if (this.aside.isResting(name)) continue;
      this.resting.delete(name);
      return file;
    }
    return undefined;
  }

  private get followLinks(): boolean {
    return this.options.followLinks ?? false;
  }
}
