// Separate images of Micro-Manager whose metadata.txt is behind: their time is written a while after them, and a guess would stay.
import { axesOfName } from "../image/image-axes.ts";
import type { PictureFile } from "../image/picture-files.ts";
import type { CaptureTimes } from "../image/times/capture-times.ts";

/** How long an image waits while metadata.txt grows, and for its beginning. */
const LONGEST_WAIT_MS = 60_000;
const BEGINNING_MS = 10_000;

export class AwaitedMetadata {
  readonly #times: CaptureTimes;
  readonly #place: { readonly directory: string; readonly followLinks: boolean };
  /** An image waited in vain for the beginning of the metadata: there will be none. */
  #isWithout = false;
  /** Images that wait. */
  waiting = 0;

  constructor(times: CaptureTimes, place: { readonly directory: string; readonly followLinks: boolean }) {
    this.#times = times;
    times.waitForMetadata();
    this.#place = place;
  }

  /** The complete files that wait for nothing more; `completeForMs` says since when a file is complete. */
  ready(complete: readonly PictureFile[], completeForMs: (file: PictureFile) => number): PictureFile[] {
    const state = this.#times.metadataState(this.#place);
    if (state !== "absent") this.#isWithout = false;
    const limitMs = { absent: this.#isWithout ? 0 : BEGINNING_MS, growing: LONGEST_WAIT_MS, still: 0 }[state];
    // Without metadata an image of long ago is of a finished series.
    const isNew = ({ modifiedUs }: PictureFile) => Math.abs(Date.now() - modifiedUs / 1000) < LONGEST_WAIT_MS;
    const isLate = (file: PictureFile) =>
      file.timeSource === "file" && axesOfName(file.name) !== undefined && (state !== "absent" || isNew(file));
    const ready = complete.filter((file) => !isLate(file) || completeForMs(file) >= limitMs);
    this.waiting = complete.length - ready.length;
    if (state === "absent" && ready.some(isLate)) this.#isWithout = true;
    return ready;
  }
}
