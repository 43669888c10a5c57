// Delays separate Micro-Manager images whose metadata.txt is late: their time is written some time after them, and a guessed
// time would remain.
import { axesOfName } from "../image/image-axes.ts";
import type { PictureFile } from "../image/picture-files.ts";
import type { CaptureTimes } from "../image/times/capture-times.ts";

/** Maximum time that an image waits while metadata.txt grows, and for it to appear. */
const LONGEST_WAIT_MS = 60_000;
const BEGINNING_MS = 10_000;

export class AwaitedMetadata {
  readonly #times: CaptureTimes;
  readonly #place: { readonly directory: string; readonly followLinks: boolean };
  /** Set after an image has waited for the metadata without success: there will be none. */
  #isWithout = false;
  /** Number of waiting images. */
  waiting = 0;

  constructor(times: CaptureTimes, place: { readonly directory: string; readonly followLinks: boolean }) {
    this.#times = times;
    times.waitForMetadata();
    this.#place = place;
  }

  /**
   * Returns the complete files that need not wait any longer; `completeForMs` gives the time for which a file has been
   * complete.
   */
  ready(complete: readonly PictureFile[], completeForMs: (file: PictureFile) => number): PictureFile[] {
    const state = this.#times.metadataState(this.#place);
    if (state !== "absent") this.#isWithout = false;
    const limitMs = { absent: this.#isWithout ? 0 : BEGINNING_MS, growing: LONGEST_WAIT_MS, still: 0 }[state];
    // Without metadata, an old image belongs to a finished series.
    const isNew = ({ modifiedUs }: PictureFile) => Math.abs(Date.now() - modifiedUs / 1000) < LONGEST_WAIT_MS;
    const isLate = (file: PictureFile) =>
      file.timeSource === "file" && axesOfName(file.name) !== undefined && (state !== "absent" || isNew(file));
    const ready = complete.filter((file) => !isLate(file) || completeForMs(file) >= limitMs);
    this.waiting = complete.length - ready.length;
    if (state === "absent" && ready.some(isLate)) this.#isWithout = true;
    return ready;
  }
}
