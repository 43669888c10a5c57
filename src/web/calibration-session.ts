// Calibration on the page. Receives a picture, and has a separate process decode it once and find the chip in it. When the user
// accepts the result, writes the ROI manifest as `phorest calibrate` does. Handles one picture at a time.
import { randomBytes } from "node:crypto";
import { createWriteStream, readdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Anchor } from "../calibration/from-anchors.ts";
import { lastFrame } from "../calibration/last-frame.ts";
import { chipTypes, loadChip } from "../chip/layout.ts";
import type { Config } from "../config/schema.ts";
import { hasCode } from "../failure/error-code.ts";
import { Failure, failureLine } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import { megabytes } from "../system/byte-size.ts";
import { type NamedFile, shownPath } from "../system/confined-file.ts";
import { diskSpace } from "../system/disk-space.ts";
import { ensureDirectory, PARTIAL_SUFFIX } from "../system/files.ts";
import type { CalibrationView, ChipLabelsView } from "./calibration-views.ts";
import { Frames, fileOf } from "./frames.ts";
import type { PictureFile } from "./picture-jobs.ts";
import { PictureProcess } from "./picture-process.ts";
import type { FrameView } from "./picture-views.ts";

/** 64 megapixels of uncompressed 16-bit samples, and a header. */
export const LARGEST_PICTURE_BYTES = 2 * 64 * 1024 * 1024 + 1024 * 1024;
/** Decoding 64 megapixels takes a second, but far longer on a busy machine. */
export const LONGEST_DECODING_MS = 60_000;
/** Calibrating with 64 megapixels takes seconds, but longer on a busy machine. */
const LONGEST_SEARCH_MS = 180_000;
/** A result that is not accepted within this time is dropped, to free its memory. */
const KEPT_MS = 30 * 60_000;
const DROPPED_PREFIX = ".dropped-";
/** Errors that mean that the sender disconnected. */
const GONE: ReadonlySet<string> = new Set(["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "ABORT_ERR"]);

interface Work {
  readonly id: number;
  readonly name: string;
  readonly file: PictureFile;
  /** A temporary file, removed when it is no longer needed. */
  readonly ours: boolean;
  readonly picture: FrameView;
  /** Page number from 1, and the number of pages in the file. */
  readonly page: number;
  readonly pages: number;
}

type Progress = Pick<CalibrationView, "state" | "message" | "found">;
const NOTHING: Progress = { state: "none", message: "", found: undefined };

export class CalibrationSession {
  readonly #config: Config;
  readonly #log: (level: LogLevel, message: string) => void;
  readonly #process: PictureProcess;
  #frames: Frames;
  #work: Work | undefined;
  #progress: Progress = NOTHING;
  #name = "";
  #lastId = 0;
  #forgetting: NodeJS.Timeout | undefined;
  #labels: ChipLabelsView[] | undefined;

  constructor(config: Config, log: (level: LogLevel, message: string) => void) {
    this.#config = config;
    this.#log = log;
    const { Assets, Paths } = config;
    const calibrator = {
      directory: Assets.generated_files_dir,
      manifestName: Paths.roi_manifest_filename,
      labelPictures: Assets.label_template_dir,
    };
    this.#process = new PictureProcess(log, { calibrator });
    this.#frames = new Frames(this.#process, { answerMs: LONGEST_DECODING_MS });
    this.#sweep();
  }

  /** `framePx`: width and height of the experiment's own frames, if known. */
  view(framePx: readonly [number, number] | undefined): CalibrationView {
    const picture = this.#work?.picture;
    return {
      id: this.#work?.id ?? 0,
      name: this.#name,
      ...this.#progress,
      page: this.#work?.page ?? 0,
      pages: this.#work?.pages ?? 0,
      warning: picture === undefined || framePx === undefined ? "" : sizeWarning(picture, framePx),
      picture,
      largestBytes: LARGEST_PICTURE_BYTES,
    };
  }

  /** Returns the labels that can be named manually on each chip. */
  labels(): readonly ChipLabelsView[] {
    this.#labels ??= chipTypes().map((type) => {
      const { labels, gratings } = loadChip(type);
      return { type, printed: labels.map(({ label }) => label), gratings: gratings.map(({ label }) => label) };
    });
    return this.#labels;
  }

  tile(id: number, level: number, column: number, row: number): Promise<Uint8Array | undefined> {
    return this.#work?.id === id ? this.#frames.tile(id, level, column, row) : Promise.resolve(undefined);
  }

  /** Whether this picture existed, but has been replaced. */
  isPast(id: number): boolean {
    return id >= 1 && id <= this.#lastId && id !== this.#work?.id;
  }

  /**
   * Receives a picture as a stream (`page`, from 1, of a file with several), then searches for the chip. Resolves when the
   * picture is stored and readable.
   */
  async takePicture(
    { name, page }: { readonly name: string; readonly page?: number | undefined },
    body: Readable,
    announcedBytes: number | undefined,
  ): Promise<void> {
    await this.#begin(name, async () => {
      const { generated_files_dir } = this.#config.Assets;
      await ensureDirectory(generated_files_dir);
      this.#checkSpace(generated_files_dir, announcedBytes ?? LARGEST_PICTURE_BYTES);
      const file = {
        directory: generated_files_dir,
        path: `${DROPPED_PREFIX}${randomBytes(6).toString("hex")}${PARTIAL_SUFFIX}`,
      };
      const path = shownPath(file);
      try {
        await pipeline(body, atMost(LARGEST_PICTURE_BYTES), createWriteStream(path, { flags: "wx", mode: 0o600 }));
      } catch (error) {
        await rm(path, { force: true });
        if (!hasCode(error, ...GONE)) throw error;
        throw new Failure("usage.invalid", `the upload of ${name} was interrupted`, {
          hint: "upload it again",
          cause: error,
        });
      }
      return { file: page === undefined ? file : { ...file, page: page - 1 }, ours: true };
    });
  }

  /** Does the same with the experiment's newest picture. */
  async takeLastFrame(): Promise<void> {
    const file = lastFrame(this.#config);
    await this.#begin(basename(file.path), async () => ({ file, ours: false }));
  }

  /** Searches again, using the places that the user named in the picture. */
  searchAgain(id: number, anchors: readonly Anchor[], chip: string | undefined): void {
    const work = this.#current(id);
    this.#checkFree();
    void this.#search(work, anchors, chip);
  }

  /** Writes the ROI manifest of the result. A running experiment uses it from its next frame on. */
  async accept(id: number): Promise<void> {
    const work = this.#current(id);
    this.#checkFree();
    const { found } = this.#progress;
    if (found === undefined) throw new Failure("usage.invalid", "nothing to accept: no chip has been found");
    this.#progress = { ...this.#progress, state: "writing" };
    try {
      const answer = await this.#process.ask(work.name, { type: "write" }, LONGEST_SEARCH_MS);
      const files = answer.type === "written" ? answer.files : [];
      this.#log("info", `accepted the ROIs of ${work.name} on the web page; wrote ${files.join(", ")}`);
      this.#progress = { state: "accepted", message: files.join(", "), found };
    } catch (error) {
      this.#progress = { ...this.#progress, state: "failed", message: failureLine(error) };
      throw error;
    }
  }

  /** Discards the picture and the result. */
  async forget(): Promise<void> {
    this.#checkFree();
    await this.#drop();
    this.#progress = NOTHING;
  }

  async close(): Promise<void> {
    await this.#drop();
  }

  async #begin(
    name: string,
    fetch: () => Promise<{ readonly file: NamedFile; readonly ours: boolean }>,
  ): Promise<void> {
    this.#checkFree();
    this.#progress = { state: "receiving", message: "", found: undefined };
    this.#name = name;
    try {
      await this.#drop();
      const { file, ours } = await fetch();
      this.#lastId += 1;
      const id = this.#lastId;
      const entry = { entryId: id, filename: basename(file.path), file, capturedAtUs: 0, where: name };
      try {
        const picture = await this.#frames.load(entry);
        const pages = await this.#process.ask(name, { type: "pages", picture: fileOf(entry) }, LONGEST_DECODING_MS);
        const page = 1 + (file.page ?? 0);
        this.#work = { id, name, file: fileOf(entry), ours, picture: { ...picture, filename: name }, page, pages };
      } catch (error) {
        await this.#process.close();
        if (ours) await rm(shownPath(file), { force: true });
        throw error;
      }
      void this.#search(this.#work, [], undefined);
    } catch (error) {
      this.#progress = { state: "failed", message: failureLine(error), found: undefined };
      throw error;
    }
  }

  /** Searches the chip. Never rejects: errors are shown on the page. */
  async #search(work: Work, anchors: readonly Anchor[], chip: string | undefined): Promise<void> {
    this.#progress = { state: "searching", message: "", found: undefined };
    const { file: picture, name } = work;
    try {
      const answer = await this.#process.ask(name, { type: "find", picture, name, chip, anchors }, LONGEST_SEARCH_MS);
      if (answer.type === "found") this.#progress = { state: "found", message: "", found: answer.found };
      if (answer.type === "doubt") this.#progress = { state: "doubt", message: answer.reason, found: undefined };
    } catch (error) {
      this.#progress = { state: "failed", message: failureLine(error), found: undefined };
    }
    clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => void this.#expire(work), KEPT_MS);
    this.#forgetting.unref();
  }

  async #expire(work: Work): Promise<void> {
    if (this.#work !== work || this.#isBusy) return;
    await this.#drop();
    this.#progress = {
      ...NOTHING,
      message: "The last calibration was discarded because it was not accepted within 30 minutes.",
    };
  }

  async #drop(): Promise<void> {
    clearTimeout(this.#forgetting);
    const work = this.#work;
    this.#work = undefined;
    await this.#process.close();
    this.#frames = new Frames(this.#process, { answerMs: LONGEST_DECODING_MS });
    if (work?.ours === true) await rm(shownPath(work.file.file), { force: true });
  }

  get #isBusy(): boolean {
    const { state } = this.#progress;
    return state === "receiving" || state === "searching" || state === "writing";
  }

  #checkFree(): void {
    if (!this.#isBusy) return;
    throw new Failure("usage.invalid", "another calibration is in progress", {
      hint: "wait until it has finished",
      retry: "later",
    });
  }

  #current(id: number): Work {
    if (this.#work?.id === id) return this.#work;
    throw new Failure("usage.invalid", "this image has been replaced by another one", { hint: "check the new one" });
  }

  #checkSpace(directory: string, bytes: number): void {
    const free = diskSpace(directory)?.freeBytes;
    if (free === undefined || free - bytes >= this.#config.Storage.min_free_bytes) return;
    throw new Failure("disk.full", `not enough disk space for the image in ${directory}`, {
      hint: "free some space; Storage.min_free_bytes must stay free",
    });
  }

  /** Removes picture files that an earlier process left behind. */
  #sweep(): void {
    const directory = this.#config.Assets.generated_files_dir;
    const names = readdirIfThere(directory).filter((name) => name.startsWith(DROPPED_PREFIX));
    for (const name of names) rmSync(join(directory, name), { force: true });
  }
}

function readdirIfThere(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** Passes data through, and fails after more than `limit` bytes. */
function atMost(limit: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > limit ? tooLarge(limit) : null, chunk);
    },
  });
}

export function tooLarge(limit: number): Failure {
  return new Failure("usage.invalid", `the image file is larger than ${megabytes(limit, 0)}`, {
    hint: "the limit allows 64 megapixels of 16 bits",
  });
}

function sizeWarning({ width, height }: FrameView, [frameWidth, frameHeight]: readonly [number, number]): string {
  if (width === frameWidth && height === frameHeight) return "";
  return `This image is ${width} × ${height} px, but the frames of this experiment are ${frameWidth} × ${frameHeight} px. Its ROIs will not fit them.`;
}
