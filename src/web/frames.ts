// The last frame for people, decoded by a process of its own: once for all who ask, and served as tiles of downsampled levels,
// so that 64 megapixels cost the browser no more than what its window shows. A bounded number of tiles is kept.

import { Failure } from "../failure/failure.ts";
import type { Roi } from "../measurement/roi.ts";
import { type NamedFile, shownPath } from "../system/confined-file.ts";
import { withDeadline } from "../system/deadline.ts";
import type { PictureFile } from "./picture-jobs.ts";
import type { PictureProcess } from "./picture-process.ts";
import type { FrameView } from "./picture-views.ts";

const MOST_TILES = 128;
/** Share of the time that may go into decoding: a camera faster than that is shown with gaps. */
const DECODING_SHARE = 0.25;
/** Shorter than the silence after which the server closes a connection. */
const ANSWER_MS = 10_000;

/** A picture on the disk. `where` names it in what is wrong with it. */
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
   * `newest`: the entry as it is now; its file may have been compressed or moved since it was loaded. `bits`: Camera.bits.
   * `answerMs`: longest time until a request is answered, if only with "not ready yet".
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
   * What the picture of `entry` is like, or the one before it while decoding takes more than its share of the time. Throws a
   * Failure when there is no picture or it cannot be read.
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

  /** Whether the frame of this entry was before the one that is loaded. */
  isPast(entryId: number): boolean {
    return this.#loaded !== undefined && entryId < this.#loaded.entry.entryId;
  }

  /** A tile as JPEG; undefined where the picture has moved on, or has no such tile. Rejects with a Failure as `load`. */
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

  /** The mean row of an ROI in the picture of `entry`, 8-bit counts, and which entry it is of. Throws a Failure as `load`. */
  async profile(entry: ShownEntry, roi: Roi, imageAngle: number): Promise<{ entryId: number; row: Float64Array }> {
    await this.load(entry);
    const shown = this.#loaded?.entry ?? entry;
    const picture = this.#fileOf(shown);
    const asked = this.#process.ask(picture.where, { type: "profile", picture, roi, imageAngle });
    const row = await this.#soon(asked, shown);
    return { entryId: shown.entryId, row };
  }

  /** Ends the process; requests under way are refused. */
  async close(): Promise<void> {
    await this.#process.close();
  }

  /** Answers before the server closes the connection. The work continues, and a later request finds it done. */
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

/** The picture of an entry, for the process that decodes it. */
export function fileOf({ entryId, file, where = shownPath(file) }: ShownEntry): PictureFile {
  return { key: String(entryId), file, where };
}

function hasTile({ width, height, tilePx, levels }: FrameView, level: number, column: number, row: number): boolean {
  const side = tilePx * 2 ** level;
  return level < levels && column * side < width && row * side < height;
}
