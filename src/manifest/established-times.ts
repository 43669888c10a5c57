// Compares the times of imported entries with those that their images state. The manifest counts, because the results are about
// its times. But one of the two is wrong, and only the user can tell which.
import { basename, dirname } from "node:path";
import { errorCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { captureTimeOf } from "../image/capture-name.ts";
import type { PageInfo } from "../image/pages.ts";
import { CaptureTimes, type FileTimes } from "../image/times/capture-times.ts";
import { embeddedTimes } from "../image/times/embedded.ts";
import { timedFile } from "../image/times/of-paths.ts";
import type { TimeSource } from "../image/times/source.ts";
import type { Findings } from "./import-findings.ts";
import { isoFromUs } from "./timestamps.ts";

const KIND = "images with another time in their metadata than in the manifest, which counts";
/** A camera's program starts, exposes and saves for some seconds around the time of the entry, and EXIF has whole seconds. */
const TOLERANCE_US = 10e6;
const HOUR_US = 3600e6;
const FARTHEST_ZONES_HOURS = 26;
/** Own captures that cameras and other programs wrote, and that need not be unpacked. */
const MAY_BE_DATED = /\.(?:tiff?|jpe?g)$/i;

const SAYS: Partial<Record<TimeSource, string>> = {
  "micro-manager": "Micro-Manager",
  ome: "its OME-XML",
  imagej: "ImageJ",
  exif: "its EXIF",
};

export class EntryTimes {
  readonly #findings: Findings;
  readonly #times = new CaptureTimes();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /**
   * Returns the times of the pages of a file; `pages` is undefined for a single image. Undefined if the file cannot be accessed.
   */
  async of(path: string, pages: readonly PageInfo[] | undefined): Promise<FileTimes | undefined> {
    const file = await timedFile(path);
    return file && this.#times.of(file, pages);
  }

  /** Reports an entry whose single image states another time. */
  async compareImage(capturedAtUs: number, path: string): Promise<void> {
    // The name of an own capture would count before its metadata.
    if (captureTimeOf(basename(path)) !== undefined) await this.#compareInside(capturedAtUs, path);
    else this.compare(capturedAtUs, path, (await this.of(path, undefined))?.pages[0]);
  }

  /** Reports an entry with another time than its image, named `name`, states. */
  compare(capturedAtUs: number, name: string, time: FileTimes["pages"][number] | undefined): void {
    const says = time === undefined ? undefined : SAYS[time.source];
    if (time === undefined || says === undefined || Math.abs(time.takenAtUs - capturedAtUs) <= TOLERANCE_US) return;
    const zone = zoneText(time.takenAtUs - capturedAtUs);
    const [recorded, stated] = [isoFromUs(capturedAtUs), isoFromUs(time.takenAtUs)];
    this.#findings.add(KIND, `${basename(name)}: the manifest says ${recorded}, ${says} ${stated}${zone}`);
  }

  async #compareInside(capturedAtUs: number, path: string): Promise<void> {
    // What the programs that choose such names write as PNG has no time, and to look for it in thousands of images takes minutes.
    if (!MAY_BE_DATED.test(path)) return;
    try {
      const { pages } = await embeddedTimes({ directory: dirname(path), path: basename(path) }, undefined);
      const takenAtUs = pages?.stated.relative === false ? pages.stated.us[0] : undefined;
      if (pages !== undefined && takenAtUs !== undefined)
        this.compare(capturedAtUs, path, { takenAtUs, source: pages.source });
    } catch (error) {
      // An unreadable image is reported when it is measured.
      if (!(error instanceof Failure) && errorCode(error) === undefined) throw error;
    }
  }
}

/** Names a difference that two time zones explain. */
function zoneText(differenceUs: number): string {
  const hours = Math.round(differenceUs / HOUR_US);
  const isWhole = Math.abs(differenceUs - hours * HOUR_US) <= TOLERANCE_US;
  if (!isWhole || hours === 0 || Math.abs(hours) > FARTHEST_ZONES_HOURS) return "";
  return `, ${Math.abs(hours)} h ${hours > 0 ? "later" : "earlier"}: probably another time zone`;
}
