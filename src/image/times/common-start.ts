// Finds the common start of separate Micro-Manager images without metadata.txt. They state in whole seconds when they were
// received, and to the millisecond the time since the start of the series. So all images of a directory count from one start,
// given by its first image: the first by name, so that the start stays the same while the series grows and after a restart.
import { errorCode } from "../../failure/error-code.ts";
import { Failure } from "../../failure/failure.ts";
import { readNames } from "../../system/names-in-bytes.ts";
import { TIFF_ENDING } from "../../system/numbered-name.ts";
import { embeddedTimes } from "./embedded.ts";
import type { Stated } from "./source.ts";

/**
 * Received times are up to a second too early; the rest is the lag of the camera. A start that differs more belongs to another
 * series.
 */
const LARGEST_DIFFERENCE_US = 1.5e6;
/** Maximum number of files that are opened to find the first image of the series: the directory may contain other files. */
const MOST_OPENED = 10;
const TIFF = new RegExp(`${TIFF_ENDING}(?:\\.gz)?$`, "i");

/** Places images of one directory in time. */
export class CommonStart {
  readonly #directory: string;
  readonly #followLinks: boolean;
  #start: Promise<number | undefined> | undefined;

  constructor(directory: string, followLinks: boolean) {
    this.#directory = directory;
    this.#followLinks = followLinks;
  }

  /** Returns what an image states. If it gives only a whole second, its time is counted from the start of its series. */
  async placed(stated: Stated): Promise<Stated> {
    const { elapsedUs, us } = stated;
    const [receivedUs] = us;
    if (elapsedUs === undefined || receivedUs === undefined) return stated;
    this.#start ??= this.#find();
    const startUs = (await this.#start) ?? receivedUs - elapsedUs;
    return Math.abs(receivedUs - elapsedUs - startUs) > LARGEST_DIFFERENCE_US
      ? { ...stated, notes: [...stated.notes, SEVERAL] }
      : { ...stated, us: [startUs + elapsedUs], notes: [...stated.notes, FROM_START] };
  }

  async #find(): Promise<number | undefined> {
    const { names } = await readNames(this.#directory);
    const first = names.filter((name) => TIFF.test(name)).sort();
    for (const path of first.slice(0, MOST_OPENED)) {
      const startUs = await this.#startIn(path);
      if (startUs !== undefined) return startUs;
    }
    return undefined;
  }

  async #startIn(path: string): Promise<number | undefined> {
    try {
      const file = { directory: this.#directory, path, followLinks: this.#followLinks };
      const { us: [receivedUs] = [], elapsedUs } = (await embeddedTimes(file, undefined)).pages?.stated ?? {};
      return receivedUs === undefined || elapsedUs === undefined ? undefined : receivedUs - elapsedUs;
    } catch (error) {
      // An unreadable file is reported when its pixels are read.
      if (!(error instanceof Failure) && errorCode(error) === undefined) throw error;
      return undefined;
    }
  }
}

const FROM_START =
  "Micro-Manager's time in the image is a whole second; phorest counts its elapsed time from the first image of the directory: exact to each other, the date to 1 s";
const SEVERAL =
  "Micro-Manager's time in the image is a whole second, and its elapsed time does not count from the same start as that of the first image of the directory; phorest uses the whole second. Give each series a directory of its own, with its metadata.txt";
