// The folder source: takes the pictures that another program writes into a directory. A picture is complete when its size and
// modification time have not changed for a while by our own clock: the other machine's clock may be wrong, and copying tools
// set times back. A rewritten file with new content is a new picture; with the same content it is not. A file that is rewritten
// while phorest is not running is recognised by the recorded size and time of its capture. From a stack that has grown, only
// the new pages are taken; from one of which an earlier run left pages out, those that are chosen now.
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { type FrameSubset, NO_FRAME_IN_WINDOW } from "../image/frame-subset.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import { listPictures, type PictureFile } from "../image/picture-files.ts";
import { checkPictureBytes } from "../image/picture-name.ts";
import { CaptureTimes, DESCRIBE_NAMES } from "../image/times/capture-times.ts";
import { type ConfinedFile, digestOpened, type NamedFile, withConfinedFile } from "../system/confined-file.ts";
import { counted } from "../system/counted.ts";
import { fileFaultReason, isOfTheProcess } from "../system/fault-of.ts";
import { printable } from "../system/file-name.ts";
import { SetAside, type SetAsideFile } from "../system/set-aside.ts";
import { AwaitedMetadata } from "./awaited-metadata.ts";
import { FrameChooser } from "./chosen-frames.ts";
import { FolderListing } from "./folder-listing.ts";
import { FolderSeries } from "./folder-series.ts";
import type { CapturedFrame, Found, Source } from "./frame.ts";
import { hasWantedPage, lackingChoice, type NewPages, pagesSettings, type TakenFile } from "./grown-file.ts";
import { seriesSettings } from "./series-record.ts";
import type { WatchedFile } from "./watched-file.ts";
import { WatchedFiles } from "./watched-files.ts";

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
  private readonly times: CaptureTimes;
  private readonly listing: FolderListing;
  private readonly series: FolderSeries;
  private readonly metadata: AwaitedMetadata;
  private readonly chooser: FrameChooser;
  private readonly watched: WatchedFiles;
  /** Names that have been seen, but not taken yet. */
  private readonly waiting = new Set<string>();
  /** By name: why nothing of a file is taken, although it is a picture. */
  private readonly lacking = new Map<string, string>();
  /** Pictures that could not be read or stored: no permission, a program that keeps them locked, a name that is too long. */
  private readonly aside: SetAside;
  /** Whether a file keeps its inode number: on some shares it changes at every call. */
  private inodesHold = true;

  constructor(options: FolderOptions) {
    this.options = options;
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.times = options.times ?? new CaptureTimes();
    const { place, times } = this;
    this.listing = new FolderListing(place, times);
    const series = new FolderSeries(place, times, options.pages, options.seriesBefore?.());
    this.series = series;
    this.metadata = new AwaitedMetadata(times, place);
    this.chooser = new FrameChooser({ subset: options.subset, choiceOf: (file) => series.choiceOf(file), times });
    const takenBefore = (name: string) => options.takenBefore(name);
    this.watched = new WatchedFiles({ ...place, series, chooser: this.chooser, takenBefore });
    this.aside = new SetAside({ now: this.nowMs });
  }

  async probe(): Promise<readonly Found[]> {
    const { watchDir } = this.options;
    const files = await listPictures(watchDir, { followLinks: this.followLinks });
    const toml = ['camera_type = "folder"', `watch_dir = ${JSON.stringify(watchDir)}`];
    return [{ name: watchDir, description: "a watched directory", details: [counted(files.length, "image")], toml }];
  }

  async open(): Promise<void> {
    await this.times.table();
    this.listing.relist();
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
        return { ...frame, warnings: [...this.listing.news(), ...frame.warnings] };
      }
      if (growing === 0 || this.nowMs() - startedMs >= LONGEST_WAIT_MS) return null;
      await sleep(Math.min(POLL_MS, this.options.stableSeconds * 1000));
    }
  }

  skipped(): readonly string[] {
    return [...this.listing.skipped(), ...this.lacking.values()];
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
    watched.giveBack();
    this.waiting.add(name);
  }

  async close(): Promise<void> {
    // The record of what was taken is kept, in case the source is opened again.
    this.listing.close();
  }

  /**
   * Scans the directory once. Returns the complete pictures that are not taken yet, oldest first, and the number of those that
   * may still grow.
   */
  private async scan(): Promise<{ complete: PictureFile[]; growing: number }> {
    const { files, isAll } = await this.listing.changed(this.waiting);
    const nowMs = this.nowMs();
    await this.watched.meet(files, nowMs);
    if (isAll) this.forgetLacking(files);
    const fresh = files.filter((file) => this.isToBeTaken(file, nowMs));
    this.waiting.clear();
    for (const { name } of fresh) this.waiting.add(name);
    // Files that were removed or captured since then can be forgotten.
    this.aside.keepOnly((name) => this.waiting.has(name));
    // An empty file has only just been created: watch it, but do not wait for it.
    const due = fresh.filter(({ name, bytes }) => bytes > 0 && !this.aside.isResting(name));
    const completeForMs = ({ name }: PictureFile) =>
      (this.watched.get(name)?.unchangedForMs(nowMs) ?? 0) - this.options.stableSeconds * 1000;
    const complete = due.filter((file) => completeForMs(file) >= 0);
    const ready = this.metadata.ready(await this.ofSeries(complete), completeForMs);
    return { complete: ready, growing: due.length - complete.length + this.metadata.waiting };
  }

  /** Notes the present version of a watched file; returns true while that version has not been taken. */
  private isToBeTaken(file: PictureFile, nowMs: number): boolean {
    const watched = this.watched.get(file.name);
    if (watched === undefined) return false;
    if (watched.look(file, nowMs)) {
      this.aside.remove(file.name);
      this.lacking.delete(file.name);
    }
    return watched.isToBeTaken(file, this.inodesHold);
  }

  /** Forgets the lines about files that no longer exist. */
  private forgetLacking(files: readonly PictureFile[]): void {
    const names = new Set(files.map(({ name }) => name));
    for (const name of this.lacking.keys()) if (!names.has(name)) this.lacking.delete(name);
  }

  /** Returns only the files of the series; files of another channel, plane or position are not examined again. */
  private async ofSeries(complete: readonly PictureFile[]): Promise<PictureFile[]> {
    const kept = await this.series.ofSeries(complete);
    const names = new Set(kept.map(({ name }) => name));
    for (const { name } of complete) if (!names.has(name)) this.watched.get(name)?.leaveOut();
    return kept;
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

  /** Returns the frame of a complete file; undefined if nothing of it is to be taken. */
  private async take(file: PictureFile): Promise<CapturedFrame | undefined> {
    const watched = this.watched.get(file.name);
    if (watched === undefined) return undefined;
    const { directory, followLinks } = this.place;
    const named = this.named(file);
    const choice = this.series.choiceOf(file);
    const lacking = await lackingChoice(named, choice);
    if (lacking !== undefined) {
      watched.skip(file);
      this.lacking.set(file.name, lacking);
      return undefined;
    }
    const sha256 = await this.digestOf(named);
    // The same file has another inode number: from now on the numbers are ignored.
    if (watched.isRepeated(sha256) && watched.isTaken(file)) this.inodesHold = false;
    const fresh = await watched.pagesLeft(named, sha256, this.options.progress);
    const part = fresh && (await this.partOf(file, watched, fresh));
    if (fresh === undefined || part === undefined) {
      watched.noteTaken(file, sha256, fresh);
      return undefined;
    }
    // Read again, because the metadata may have been written after the file was listed.
    const timed = { ...file, directory, followLinks };
    const { pages: times, notes } = await this.times.of(timed);
    watched.noteTaken(file, sha256, fresh);
    // Recorded for the next run, where takenBefore reads it.
    const noted = { source_bytes: file.bytes, source_modified_us: file.modifiedUs, ...pagesSettings(fresh.pages) };
    return {
      file: { directory, name: file.name, followLinks, keep: true, sha256, choice, ...part.wanted },
      capturedAtUs: times[0]?.takenAtUs ?? file.takenAtUs,
      timeSource: times[0]?.source ?? file.timeSource,
      timesOf: part.timesOf ?? ((of, count) => this.times.of(timed, of, count)),
      settings: { source: file.name, ...noted, ...seriesSettings(this.series.seriesOf(file)) },
      warnings: notes,
    };
  }

  /** Returns which of the new pages of a file are wanted; undefined if none is. `timesOf`: their times, if they are known. */
  private async partOf(file: PictureFile, watched: WatchedFile, { from, without }: NewPages) {
    const stack = this.chooser.isChoosing ? await this.chooser.stack(file, this.place) : undefined;
    const pages = stack && watched.pagesOf(stack, this.chooser);
    if (pages?.length === 0) return undefined;
    const wanted = { ...(pages && { pages }), from, without };
    const isWhole = from === 0 && without === undefined;
    const hasPage = isWhole || (await hasWantedPage(this.named(file), wanted, this.series.choiceOf(file)));
    return hasPage ? { wanted, timesOf: stack?.timesOf } : undefined;
  }

  /** Returns the hash of a file, read in pieces: it may be a stack that is larger than the memory. */
  private async digestOf(named: NamedFile): Promise<string> {
    const digest = (opened: ConfinedFile) => {
      checkPictureBytes(opened.path, opened.bytes);
      return digestOpened(opened, { progress: () => this.options.progress?.() });
    };
    const { directory, path, followLinks } = named;
    return (await withConfinedFile(directory, path, digest, { followLinks })).sha256;
  }

  private get followLinks(): boolean {
    return this.options.followLinks ?? false;
  }

  private get place() {
    return { directory: this.options.watchDir, followLinks: this.followLinks };
  }

  private named({ name }: PictureFile): NamedFile {
    return { ...this.place, path: name };
  }
}

const shown = (name: string): string => printable(name).slice(1, -1);
