// The folder source: takes the pictures that another program writes into a directory. A picture is complete when its size and
// modification time have not changed for a while by our own clock: the other machine's clock may be wrong, and copying tools
// set times back. A rewritten file with new content is a new picture; with the same content it is not. A file that is rewritten
// while phorest is not running is recognised by the recorded size and time of its capture. From a stack that has grown, only
// the new pages are taken; from one of which an earlier run left pages out, those that are chosen now.
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFailure, Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { type FrameSubset, NO_FRAME_IN_WINDOW } from "../image/frame-subset.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import { OtherKinds } from "../image/other-kinds.ts";
import { describePictures, type ListOptions, listPictures, type PictureFile } from "../image/picture-files.ts";
import { checkPictureBytes } from "../image/picture-name.ts";
import { CaptureTimes, DESCRIBE_NAMES } from "../image/times/capture-times.ts";
import { type ConfinedFile, digestOpened, withConfinedFile } from "../system/confined-file.ts";
import { counted } from "../system/counted.ts";
import { DirectoryChanges } from "../system/directory-changes.ts";
import { fileFaultReason, isOfTheProcess } from "../system/fault-of.ts";
import { printable } from "../system/file-name.ts";
import { SetAside, type SetAsideFile } from "../system/set-aside.ts";
import { AwaitedMetadata } from "./awaited-metadata.ts";
import { FrameChooser, type Stack } from "./chosen-frames.ts";
import { FolderSeries } from "./folder-series.ts";
import type { CapturedFrame, Found, Source } from "./frame.ts";
import { hasWantedPage, type NewPages, newPages, pagesSettings } from "./grown-file.ts";
import { seriesSettings } from "./series-record.ts";
import { type Choice, isSame, partlyTaken, type TakenFile, type Watched } from "./watched-file.ts";

export interface FolderOptions {
  readonly watchDir: string;
  /** A file that has not changed for this time is complete. */
  readonly stableSeconds: number;
  /** Also use links to pictures. */
  readonly followLinks?: boolean | undefined;
  /** Reads capture times; the default has no table and no name pattern. */
  readonly times?: CaptureTimes;
  /** The frames that are taken; absent: all. */
  readonly subset?: FrameSubset | undefined;
  /** The pages of files with several pictures that are frames. */
  readonly pages?: PageChoice | undefined;
  /** Returns what an earlier run took under this name; undefined: nothing. */
  takenBefore(filename: string): TakenFile | undefined;
  /** Returns the series that the experiment's frames are of; undefined: none yet, or not known. */
  seriesBefore?: (() => ImageAxes | undefined) | undefined;
  /** Called while a large file is read, so that the source does not seem to hang. */
  progress?: (() => void) | undefined;
  /** Monotonic clock, for tests. */
  readonly nowMs?: () => number;
}

/** Maximum wait within one capture for a file to be complete; after it the capture returns "nothing new". */
const LONGEST_WAIT_MS = 5000;
const POLL_MS = 200;

export class Folder implements Source {
  private readonly options: FolderOptions;
  private readonly nowMs: () => number;
  private readonly changes: DirectoryChanges;
  private readonly times: CaptureTimes;
  private readonly watched = new Map<string, Watched>();
  /** Names that have been seen, but not taken yet. */
  private readonly waiting = new Set<string>();
  /** Pictures that could not be examined: each is reported once. */
  private readonly unseen = new Set<string>();
  /** Messages from the last complete listing, and about files skipped since. */
  private skippedLines = new Set<string>();
  private readonly others = new OtherKinds();
  private unsaid: Failure[] = [];
  /** Pictures that could not be read or stored: no permission, a program that keeps them locked, a name that is too long. */
  private readonly aside: SetAside;
  /** Whether a file keeps its inode number: on some shares it changes at every call. */
  private inodesHold = true;

  private readonly chooser: FrameChooser;
  private readonly series: FolderSeries;
  private readonly metadata: AwaitedMetadata;

  constructor(options: FolderOptions) {
    this.options = options;
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.times = options.times ?? new CaptureTimes();
    const place = { directory: options.watchDir, followLinks: this.followLinks };
    this.series = new FolderSeries(place, this.times, options.pages, options.seriesBefore?.());
    this.metadata = new AwaitedMetadata(this.times, place);
    const choiceOf = (file: PictureFile) => this.series.choiceOf(file);
    this.chooser = new FrameChooser({ subset: options.subset, choiceOf, times: this.times });
    this.aside = new SetAside({ now: this.nowMs });
    this.changes = new DirectoryChanges(options.watchDir);
  }

  async probe(): Promise<readonly Found[]> {
    const { watchDir } = this.options;
    const files = await listPictures(watchDir, { followLinks: this.followLinks });
    const toml = ['camera_type = "folder"', `watch_dir = ${JSON.stringify(watchDir)}`];
    return [{ name: watchDir, description: "a watched directory", details: [counted(files.length, "image")], toml }];
  }

  async open(): Promise<void> {
    await this.times.table();
    this.changes.relist();
    await this.scan();
  }

  async capture(signal: AbortSignal): Promise<CapturedFrame | null> {
    const startedMs = this.nowMs();
    for (;;) {
      if (signal.aborted) throw new Failure("camera.failed", "watching the folder was stopped", { retry: "later" });
      const { complete, growing } = await this.scan();
      for (const file of complete) {
        const frame = await this.takeOrSetAside(file);
        if (frame === undefined) continue;
        return { ...frame, warnings: [...this.unsaid.splice(0).map(leftAlone), ...frame.warnings] };
      }
      if (growing === 0 || this.nowMs() - startedMs >= LONGEST_WAIT_MS) return null;
      await sleep(Math.min(POLL_MS, this.options.stableSeconds * 1000));
    }
  }

  skipped(): readonly string[] {
    return [...this.skippedLines];
  }

  leftOut(): readonly string[] {
    const { emptyLine, leftOutLine } = this.chooser.counter;
    // If the time window contains no frame, the existing times are more useful than the number of frames outside.
    const line = emptyLine === undefined ? leftOutLine : `${emptyLine}; ${NO_FRAME_IN_WINDOW}`;
    const { unmatched } = this.times;
    const lines = [line, unmatched === undefined ? undefined : `${unmatched}; ${DESCRIBE_NAMES}`];
    return [...this.series.lines(), ...lines.filter((one) => one !== undefined)];
  }

  isWaiting(): boolean {
    return this.metadata.waiting > 0;
  }

  filesSetAside(): readonly SetAsideFile[] {
    return this.aside.files();
  }

  setAside(frame: CapturedFrame, reason: string): void {
    this.giveBack(frame);
    const name = frame.file?.name ?? "";
    this.aside.add(name, shown(name), reason);
  }

  giveBack(frame: CapturedFrame): void {
    const name = frame.file?.name ?? "";
    const watched = this.watched.get(name);
    if (watched === undefined) return;
    watched.taken = undefined;
    watched.takenSha256 = undefined;
    watched.takenInode = undefined;
    watched.takenPages = watched.pagesBefore;
    watched.rowsBefore = watched.rowsAtCapture;
    this.waiting.add(name);
  }

  async close(): Promise<void> {
    // The record of what was taken is kept, in case the source is opened again.
    this.changes.close();
  }

  /**
   * Scans the directory once. Returns the complete pictures that are not taken yet, oldest first, and the number of those that
   * may still grow.
   */
  private async scan(): Promise<{ complete: PictureFile[]; growing: number }> {
    const { watchDir } = this.options;
    const options: ListOptions = {
      leftOut: (name, why) => {
        if (!this.unseen.has(name)) this.unsaid.push(why);
        this.unseen.add(name);
      },
      skipped: (_name, line) => this.skippedLines.add(line),
      followLinks: this.followLinks,
      others: this.others,
      times: this.times,
    };
    const changed = await this.changes.take();
    if (changed === undefined) this.skippedLines = new Set();
    const files = await (changed === undefined
      ? listPictures(watchDir, options)
      : describePictures(watchDir, new Set([...changed, ...this.waiting]), options));
    const nowMs = this.nowMs();
    const place = { directory: watchDir, followLinks: this.followLinks };
    const unseen = files.filter(({ name }) => !this.watched.has(name));
    const before = new Map(unseen.map(({ name }) => [name, this.options.takenBefore(name)]));
    const taken = ({ name }: PictureFile) => before.get(name);
    const hasMore = (one: TakenFile | undefined) => one === undefined || partlyTaken(one) !== undefined;
    await this.series.look(
      unseen.filter((file) => hasMore(taken(file))),
      unseen.filter((file) => taken(file) !== undefined),
    );
    const stacks = await this.chooser.stacks(unseen, place);
    const finished = await this.finished(unseen, before);
    const fresh = files.filter((file) => {
      return this.watch(file, nowMs, stacks.get(file), before.get(file.name), finished.has(file));
    });
    this.waiting.clear();
    for (const { name } of fresh) this.waiting.add(name);
    // Files that were removed or captured since then can be forgotten.
    this.aside.keepOnly((name) => this.waiting.has(name));
    // An empty file has only just been created: watch it, but do not wait for it.
    const due = fresh.filter(({ name, bytes }) => bytes > 0 && !this.aside.isResting(name));
    const completeForMs = ({ name }: PictureFile) =>
      nowMs - (this.watched.get(name)?.sinceMs ?? nowMs) - this.options.stableSeconds * 1000;
    const complete = due.filter((file) => completeForMs(file) >= 0);
    const ready = this.metadata.ready(await this.ofSeries(complete), completeForMs);
    return { complete: ready, growing: due.length - complete.length + this.metadata.waiting };
  }

  /** Returns only the files of the series; files of another channel, plane or position are not examined again. */
  private async ofSeries(complete: readonly PictureFile[]): Promise<PictureFile[]> {
    const kept = await this.series.ofSeries(complete);
    const names = new Set(kept.map(({ name }) => name));
    for (const { name } of complete) {
      const watched = names.has(name) ? undefined : this.watched.get(name);
      if (watched !== undefined) watched.chosen = false;
    }
    return kept;
  }

  private get followLinks(): boolean {
    return this.options.followLinks ?? false;
  }

  /** Returns the unchanged files of which an earlier run left pages out that are not chosen now either. */
  private async finished(
    files: readonly PictureFile[],
    before: ReadonlyMap<string, TakenFile | undefined>,
  ): Promise<ReadonlySet<PictureFile>> {
    const finished = new Set<PictureFile>();
    for (const file of files) {
      const noted = before.get(file.name);
      const without = noted && partlyTaken(noted);
      if (noted === undefined || without === undefined || !isSame(file, noted)) continue;
      const named = { directory: this.options.watchDir, path: file.name, followLinks: this.followLinks };
      // The error of an unreadable file is reported when the file is taken.
      const hasMore = await hasWantedPage(named, { without }, this.series.choiceOf(file)).catch((error: unknown) => {
        if (encodeFailure(error).code === "internal") throw error;
        return true;
      });
      if (!hasMore) finished.add(file);
    }
    return finished;
  }

  /** Records a file's version; returns true while that version has not been taken. */
  private watch(
    file: PictureFile,
    nowMs: number,
    stack: Stack | undefined,
    before: TakenFile | undefined,
    isFinished: boolean,
  ): boolean {
    const known = this.watched.get(file.name);
    if (known === undefined) {
      const isKnown = before !== undefined && isSame(file, before);
      const rowsBefore = before && partlyTaken(before);
      const choice = this.choose(file, stack, { isKnown, rows: before?.rows });
      const hasNoMore = rowsBefore === undefined || isFinished || (stack !== undefined && choice.pages.length === 0);
      const taken = isKnown && hasNoMore ? file.version : undefined;
      this.watched.set(file.name, {
        ...choice,
        taken,
        takenSha256: before?.sha256,
        takenInode: taken === undefined ? undefined : file.inode,
        takenPages: before?.pages,
        pagesBefore: before?.pages,
        rowsBefore,
        rowsAtCapture: rowsBefore,
        version: file.version,
        sinceMs: nowMs,
      });
      return choice.chosen && taken === undefined;
    }
    if (!known.chosen) return false;
    if (known.version !== file.version) {
      known.version = file.version;
      known.sinceMs = nowMs;
      this.aside.remove(file.name);
    }
    return known.taken !== file.version || (this.inodesHold && known.takenInode !== file.inode);
  }

  /**
   * Returns what is taken of a file that is seen for the first time. A file that an earlier run took only advances the count.
   */
  private choose(
    file: PictureFile,
    stack: Stack | undefined,
    { isKnown, rows }: { readonly isKnown: boolean; readonly rows: readonly number[] | undefined },
  ): Choice {
    const { counter } = this.chooser;
    if (!this.series.keeps(file)) {
      return { chosen: false, counted: 1, pages: [] };
    }
    if (stack !== undefined) {
      return { chosen: true, counted: stack.frames.length, pages: this.chooser.pagesOf(stack, rows) };
    }
    if (isKnown) counter.noteTaken(file.takenAtUs);
    return { chosen: isKnown || counter.takes(file.takenAtUs), counted: 1, pages: [0] };
  }

  /** Returns the pages of a complete stack that are taken: it may have grown since they were counted. */
  private pagesOf(stack: Stack, watched: Watched): readonly number[] {
    const more = stack.frames.slice(watched.counted);
    watched.pages = [...watched.pages, ...this.chooser.pagesOf({ ...stack, frames: more })];
    watched.counted = Math.max(watched.counted, stack.frames.length);
    return watched.pages;
  }

  /** Does what `take` does. A file that cannot be read is set aside and does not block others. */
  private async takeOrSetAside(file: PictureFile): Promise<CapturedFrame | undefined> {
    try {
      const frame = await this.take(file);
      this.aside.remove(file.name);
      return frame;
    } catch (error) {
      // The directory was listed a moment ago, so the directory itself is not missing.
      if (isOfTheProcess(error)) throw error;
      this.aside.add(file.name, shown(file.name), fileFaultReason(error));
      return undefined;
    }
  }

  /** Returns the frame of a complete file; undefined if it contains what was taken under its name before. */
  private async take(file: PictureFile): Promise<CapturedFrame | undefined> {
    const watched = this.watched.get(file.name);
    if (watched === undefined) return undefined;
    const { followLinks } = this;
    const { watchDir: directory } = this.options;
    // In pieces: it may be a stack that is larger than the memory.
    const digest = (opened: ConfinedFile) => {
      checkPictureBytes(opened.path, opened.bytes);
      return digestOpened(opened, { progress: () => this.options.progress?.() });
    };
    const { sha256 } = await withConfinedFile(directory, file.name, digest, { followLinks });
    const repeated = watched.takenSha256 === sha256;
    const without = watched.rowsBefore;
    // The same file has another inode number: from now on the numbers are ignored.
    if (repeated && watched.taken === file.version) this.inodesHold = false;
    const named = { directory, path: file.name, followLinks };
    const grown = repeated ? undefined : await newPages(named, watched.takenPages, this.options.progress);
    // Pages that an earlier run left out are taken together with new ones.
    const rest: NewPages | undefined = without && { pages: watched.takenPages, ...grown, from: 0, without };
    const fresh = rest ?? grown;
    watched.taken = file.version;
    watched.takenSha256 = sha256;
    watched.takenInode = file.inode;
    watched.rowsAtCapture = without;
    watched.rowsBefore = undefined;
    if (fresh === undefined) return undefined;
    watched.pagesBefore = watched.takenPages;
    watched.takenPages = fresh.pages;
    // Recorded for the next run, where takenBefore reads it.
    const noted = { source_bytes: file.bytes, source_modified_us: file.modifiedUs, ...pagesSettings(fresh.pages) };
    const settings = { source: file.name, ...noted, ...seriesSettings(this.series.seriesOf(file)) };
    const place = { directory, followLinks };
    const stack = this.chooser.isChoosing ? await this.chooser.stack(file, place) : undefined;
    const chosen = stack === undefined ? {} : { pages: this.pagesOf(stack, watched) };
    if (chosen.pages?.length === 0) return undefined;
    const choice = this.series.choiceOf(file);
    const { from } = fresh;
    const wanted = { ...chosen, from, without };
    if ((from > 0 || without !== undefined) && !(await hasWantedPage(named, wanted, choice))) return undefined;
    const taken = { directory, name: file.name, followLinks, keep: true, sha256, choice, ...wanted };
    // Read again, because the metadata may have been written after the file was listed.
    const timed = { ...file, directory, followLinks };
    const { pages, notes } = await this.times.of(timed);
    const [time] = pages;
    return {
      file: taken,
      capturedAtUs: time?.takenAtUs ?? file.takenAtUs,
      timeSource: time?.source ?? file.timeSource,
      timesOf: stack?.timesOf ?? ((of, count) => this.times.of(timed, of, count)),
      settings,
      warnings: notes,
    };
  }
}

const shown = (name: string): string => printable(name).slice(1, -1);

const leftAlone = (error: unknown): string => `set aside for now: ${error instanceof Error ? error.message : error}`;
