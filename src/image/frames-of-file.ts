// Lists the frames in a picture file: one for most files, one for each chosen page of a stack.
import { encodeFailure, Failure, type FailureData } from "../failure/failure.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { TIFF_ENDING } from "../system/numbered-name.ts";
import { choosePages, type PageChoice } from "./chosen-pages.ts";
import { isFlatName } from "./flat-stack.ts";
import { formatOf } from "./format.ts";
import { listPages, type PageInfo } from "./pages.ts";
import { shownFile, withPictureFile } from "./read-picture.ts";
import { bytesAt, sourceOfFile } from "./tiff/byte-source.ts";
import type { FileTimes } from "./times/capture-times.ts";
import type { TimeSource } from "./times/source.ts";

export interface FramesOfFile {
  /** Number of images in the file, chosen or not. */
  readonly count: number;
  /**
   * The chosen pages; undefined if the file is a single picture, or not a picture (the error is then reported when it is
   * measured).
   */
  readonly pages: readonly PageInfo[] | undefined;
  /** One line each for pages that were not chosen and for samples that are not read. */
  readonly leftOut: readonly string[];
  /** One line that says why parts of the file cannot be used, for example because it is cut off. */
  readonly damage: string | undefined;
  /** Set if the file has pages, but none of the chosen ones. */
  readonly refused: FailureData | undefined;
}

const ONE: FramesOfFile = { count: 1, pages: undefined, leftOut: [], damage: undefined, refused: undefined };
/** A page as a frame. */
export interface PageFrame {
  /** Page number in the file, from 0. */
  readonly page: number;
  /** px */
  readonly width: number;
  readonly height: number;
  /** Microseconds since the epoch. */
  readonly capturedAtUs: number;
  readonly timeSource: TimeSource;
}

/** Converts the pages of a file to frames, each with its time. */
export function framesOfPages(pages: readonly PageInfo[], { pages: times }: FileTimes): PageFrame[] {
  return pages.map(({ index, width, height }, at) => {
    const time = times[at];
    if (time === undefined) throw new RangeError(`page ${index} has no time`);
    return { page: index, width, height, capturedAtUs: time.takenAtUs, timeSource: time.source };
  });
}

/** Names of compressed files that may contain several pictures. These are unpacked to find out. */
const PACKED_TIFF = new RegExp(`${TIFF_ENDING}\\.gz$`, "i");
const HEAD_BYTES = 16;

/**
 * Returns the frames in a file. Failure `frame.missing`; disk errors pass through. A file that is not a picture counts as one
 * frame, which fails when it is measured.
 */
export async function framesOfFile(file: string | NamedFile, choice: PageChoice = {}): Promise<FramesOfFile> {
  if (!(await mayHavePages(file))) return ONE;
  const where = shownFile(file);
  let series: Awaited<ReturnType<typeof listPages>>;
  try {
    series = await listPages(file);
  } catch (error) {
    if (error instanceof Failure && error.code === "frame.unreadable") return ONE;
    throw error;
  }
  const damage = series.leftOut.length === 0 ? undefined : series.leftOut.join("; ");
  const count = 1 + (series.pages.at(-1)?.index ?? 0);
  // If no page is complete, the error is reported when the file is measured.
  if (series.pages.length === 0 || (series.pages.length === 1 && damage === undefined)) {
    return { ...ONE, leftOut: series.notes };
  }
  try {
    const { pages, leftOut } = choosePages(series.pages, choice, where);
    return { count, pages, leftOut: [...series.notes, ...leftOut], damage, refused: undefined };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...ONE, count, damage, refused: encodeFailure(error) };
  }
}

/** Whether a file can contain several pictures: a TIFF, by its first bytes, or a stack without directories, by its name. */
async function mayHavePages(file: string | NamedFile): Promise<boolean> {
  const name = typeof file === "string" ? file : file.path;
  if (PACKED_TIFF.test(name) || isFlatName(name)) return true;
  return withPictureFile(file, async ({ handle, bytes }) => {
    return formatOf(await bytesAt(sourceOfFile(handle, bytes), 0, HEAD_BYTES)) === "TIFF";
  });
}
