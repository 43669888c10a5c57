// Serves the last frame to the page. A separate process decodes it once for all clients. It is served as tiles at several
// resolutions, so that 64 megapixels cost the browser no more than its window shows. A limited number of tiles is cached.

import { Failure } from "../failure/failure.ts";
import type { Roi } from "../measurement/roi.ts";
import { type NamedFile, shownPath } from "../system/confined-file.ts";
import { withDeadline } from "../system/deadline.ts";
import type { PictureFile } from "./picture-jobs.ts";
import type { PictureProcess } from "./picture-process.ts";
import type { FrameView } from "./picture-views.ts";

const MOST_TILES = 128;
/** Maximum share of time spent on decoding: with a faster camera some frames are not shown. */
const DECODING_SHARE = 0.25;
/** Shorter than the time after which the server closes a silent connection. */
const ANSWER_MS = 10_000;

/** A picture on the disk. `where` names it in error messages. */
export interface ShownEntry {
  readonly entryId: number;
  readonly capturedAtUs: number;
  readonly filename: string;
  readonly file: NamedFile;
  readonly where?: string;
}

interface Loaded {
  readonly entry: ShownEntry;
  readonly view: FrameView;
}

export class Frames {
  readonly #process: PictureProcess;
  readonly #newest: (() => ShownEntry) | undefined;
  readonly #answerMs: number;
  readonly #bits: number;
  #loaded: Loaded | undefined;
  #loading: Promise<Loaded> | undefined;
  #failed: { readonly entryId: number; readonly error: unknown } | undefined;
  #restUntilMs = 0;
  readonly #tiles = new Map<string, Promise<Uint8Array | undefined>>();

  /**
   * `newest`: the current state of the entry; its file may have been compressed or moved since it was loaded. `bits`:
   * Camera.bits. `answerMs`: maximum time until a request is answered, if only with "not ready yet".
   */
  constructor(
    process: PictureProcess,
    {
      newest,
      bits = 0,
      answerMs = ANSWER_MS,
    }: { readonly newest?: () => ShownEntry; readonly bits?: number; readonly answerMs?: number } = {},
  ) {
    this.#process = process;
    this.#newest = newest;
    this.#bits = bits;
    this.#answerMs = answerMs;
  }

  /**
   * Returns the properties of the picture of `entry`, or of the previous picture while decoding takes more than its share of
   * the time. Throws a Failure if there is no picture or it cannot be read.
   */
  async load(entry: ShownEntry): Promise<FrameView> {
    if (this.#loaded?.entry.entryId === entry.entryId) return this.#loaded.view;
    if (this.#loading === undefined) {
      const isResting = performance.now() < this.#restUntilMs;
      if (isResting && this.#failed?.entryId === entry.entryId) throw this.#failed.error;
      if (isResting && this.#loaded !== undefined) return this.#loaded.view;
      this.#loading = this.#begin(entry).finally(() => {
        this.#loading = undefined;
      });
    }
    return (await this.#soon(this.#loading, entry)).view;
  }

  /** Whether this entry's frame is older than the loaded one. */
  isPast(entryId: number): boolean {
    return this.#loaded !== undefined && entryId < this.#loaded.entry.entryId;
  }

  /**
   * Returns a tile as JPEG; undefined if a newer picture is loaded, or the picture has no such tile. Rejects with a Failure as
   * `load` does.
   */
  async tile(entryId: number, level: number, column: number, row: number): Promise<Uint8Array | undefined> {
    const frame = this.#loaded;
    if (frame === undefined || frame.entry.entryId !== entryId || !hasTile(frame.view, level, column, row)) {
      return undefined;
    }
    const key = `${level}/${column}/${row}`;
    const known = this.#tiles.get(key);
    if (known !== undefined) return this.#soon(known, frame.entry);
    const picture = this.#fileOf(frame.entry);
    const tile = this.#process.ask(picture.where, { type: "tile", picture, level, column, row });
    this.#tiles.set(key, tile);
    const oldest = this.#tiles.size > MOST_TILES ? this.#tiles.keys().next().value : undefined;
    if (oldest !== undefined) this.#tiles.delete(oldest);
    tile.catch(() => {
      if (this.#tiles.get(key) === tile) this.#tiles.delete(key);
    });
    return this.#soon(tile, frame.entry);
  }

  /**
   * Returns the mean row of an ROI in the picture of `entry`, 8-bit counts, and the entry that was used. Throws a Failure as
   * `load` does.
   */
  async profile(entry: ShownEntry, roi: Roi, imageAngle: number): Promise<{ entryId: number; row: Float64Array }> {
    await this.load(entry);
    const shown = this.#loaded?.entry ?? entry;
    const picture = this.#fileOf(shown);
    const asked = this.#process.ask(picture.where, { type: "profile", picture, roi, imageAngle });
    const row = await this.#soon(asked, shown);
    return { entryId: shown.entryId, row };
  }

  /** Ends the process; pending requests are rejected. */
  async close(): Promise<void> {
    await this.#process.close();
  }

  /** Answers before the server closes the connection. The work continues, and a later request gets its result. */
  #soon<T>(work: Promise<T>, entry: ShownEntry): Promise<T> {
    const late = () =>
      new Failure("web.unavailable", `${fileOf(entry).where} is still being decoded`, {
        hint: "the computer is busy or the image is large; try again in a few seconds",
        retry: "later",
      });
    return withDeadline(work, this.#answerMs, late);
  }

  async #begin(entry: ShownEntry): Promise<Loaded> {
    const startedMs = performance.now();
    try {
      const picture = this.#fileOf(entry);
      const view = await this.#process.ask(picture.where, { type: "view", picture });
      const { entryId, filename, capturedAtUs } = entry;
      this.#loaded = { entry, view: { ...view, entryId, filename, capturedAt: capturedAtUs / 1000 } };
      this.#failed = undefined;
      this.#tiles.clear();
      return this.#loaded;
    } catch (error) {
      // The next request starts a new process; PictureProcess counts the crashes.
      const died = error instanceof Failure && error.code === "web.unavailable";
      this.#failed = died ? undefined : { entryId: entry.entryId, error };
      throw error;
    } finally {
      const nowMs = performance.now();
      this.#restUntilMs = nowMs + (nowMs - startedMs) / DECODING_SHARE;
    }
  }

  #fileOf(entry: ShownEntry): PictureFile {
    const now = this.#newest?.();
    return { ...fileOf(now?.entryId === entry.entryId ? now : entry), bits: this.#bits };
  }
}

/** Returns the picture of an entry, for the process that decodes it. */
export function fileOf({ entryId, file, where = shownPath(file) }: ShownEntry): PictureFile {
  return { key: String(entryId), file, where };
}

function hasTile({ width, height, tilePx, levels }: FrameView, level: number, column: number, row: number): boolean {
  const side = tilePx * 2 ** level;
  return level < levels && column * side < width && row * side < height;
}
