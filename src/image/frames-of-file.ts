// The frames in a picture file: one for most files, one for each chosen page of a stack.
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
  /** Images in the file, chosen or not. */
  readonly count: number;
  /** The chosen pages; undefined where the file is one picture, or will say itself why it is none when it is measured. */
  readonly pages: readonly PageInfo[] | undefined;
  /** Pages that were not chosen, and samples that are not read, in a line each. */
  readonly leftOut: readonly string[];
  /** Why parts of the file cannot be used, in one line: it is cut off. */
  readonly damage: string | undefined;
  /** The file has pages, and none that was chosen. */
  readonly refused: FailureData | undefined;
}

const ONE: FramesOfFile = { count: 1, pages: undefined, leftOut: [], damage: undefined, refused: undefined };
/** A page as a frame. */
export interface PageFrame {
  /** From 0, in the file. */
  readonly page: number;
  /** px */
  readonly width: number;
  readonly height: number;
  /** Microseconds since the epoch. */
  readonly capturedAtUs: number;
  readonly timeSource: TimeSource;
}

/** The pages of a file as frames, each with its time. */
export function framesOfPages(pages: readonly PageInfo[], { pages: times }: FileTimes): PageFrame[] {
  return pages.map(({ index, width, height }, at) => {
    const time = times[at];
    if (time === undefined) throw new RangeError(`page ${index} has no time`);
    return { page: index, width, height, capturedAtUs: time.takenAtUs, timeSource: time.source };
  });
}

/** Names of compressed files that may hold several pictures: these are unpacked for a look. */
const PACKED_TIFF = new RegExp(`${TIFF_ENDING}\\.gz$`, "i");
const HEAD_BYTES = 16;

/**
 * The frames in a file. Failure `frame.missing`; errors of the disk pass through. A file that is no picture is one frame,
 * which fails when it is measured.
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
  // Without a whole page the file says what is wrong when it is measured.
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

/** A TIFF may hold several pictures, as its first bytes say, and a stack without directories, as its name says. */
async function mayHavePages(file: string | NamedFile): Promise<boolean> {
  const name = typeof file === "string" ? file : file.path;
  if (PACKED_TIFF.test(name) || isFlatName(name)) return true;
  return withPictureFile(file, async ({ handle, bytes }) => {
    return formatOf(await bytesAt(sourceOfFile(handle, bytes), 0, HEAD_BYTES)) === "TIFF";
  });
}
