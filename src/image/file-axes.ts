// Finds the axes of the images in a list of files: from metadata.txt or the file name, otherwise from the pages of the file.
import { encodeFailure } from "../failure/failure.ts";
import { TIFF_ENDING } from "../system/numbered-name.ts";
import { captureTimeOf } from "./capture-name.ts";
import type { PageChoice } from "./chosen-pages.ts";
import type { ImageAxes } from "./image-axes.ts";
import { listPages, type PageInfo } from "./pages.ts";
import { type FileAxes, SeparateImages } from "./separate-images.ts";
import type { CaptureTimes, TimedFile } from "./times/capture-times.ts";

const PLAIN = new RegExp(`${TIFF_ENDING}$`, "i");
/** Compressed files that are worth unpacking, because their content may state axes. */
const PACKED = new RegExp(String.raw`(?:\.ome|_MMStack.*|NDTiffStack.*)${TIFF_ENDING}\.gz$`, "i");
/** Number of files that are read at the same time. */
const AT_ONCE = 32;

type Place = Pick<TimedFile, "directory" | "name" | "followLinks">;

/**
 * Returns the axes of each file, in the order of `files`. `times` must have read the metadata.txt of their directories. An
 * unreadable file has no axes; the error is reported when the file is measured.
 */
export async function axesOfFiles(files: readonly Place[], times: CaptureTimes): Promise<FileAxes[]> {
  const found: FileAxes[] = [];
  for (let from = 0; from < files.length; from += AT_ONCE) {
    found.push(...(await Promise.all(files.slice(from, from + AT_ONCE).map((file) => axesOfFile(file, times)))));
  }
  return found;
}

/** The files of a directory that belong to one series, and what was left out. */
interface OneSeries<F> {
  /** The chosen pages of each file. */
  readonly choices: ReadonlyMap<F, PageChoice>;
  /** The axes of the chosen images of each file, if they are known. */
  readonly axes: ReadonlyMap<F, ImageAxes | undefined>;
  /** One line for each axis on which files were left out. */
  readonly leftOut: readonly string[];
}

/**
 * Chooses one series if the files of a directory contain several channels, planes or positions. Failure `usage.invalid` if
 * nothing matches the user's choice. `before`: the series of frames that were taken earlier.
 */
export async function chooseSeries<F extends Place>(
  files: readonly F[],
  choice: PageChoice | undefined,
  times: CaptureTimes,
  before?: ImageAxes,
): Promise<OneSeries<F>> {
  const found = await axesOfFiles(files, times);
  const axes = new Map(files.map((file, at) => [file, found[at] ?? NOTHING]));
  const axesOf = (file: F) => axes.get(file) ?? NOTHING;
  const separate = new SeparateImages(choice, before);
  const series = separate.select(files, axesOf);
  return {
    choices: new Map(series.map((file) => [file, separate.choiceOf(axesOf(file))])),
    axes: new Map(series.map((file) => [file, separate.seriesOf(axesOf(file))])),
    leftOut: separate.lines(),
  };
}

async function axesOfFile(file: Place, times: CaptureTimes): Promise<FileAxes> {
  const { directory, name, followLinks = false } = file;
  const known = times.axesOf(file);
  if (known !== undefined) return { images: 1, axes: [known] };
  if (!isToBeOpened(name)) return NOTHING;
  try {
    const { pages, isPlaced } = await listPages({ directory, path: name, followLinks });
    return { images: pages.length, axes: isPlaced ? distinct(pages) : [] };
  } catch (error) {
    if (encodeFailure(error).code === "internal") throw error;
    return NOTHING;
  }
}

const NOTHING: FileAxes = { images: 1, axes: [] };

/**
 * Whether a file must be opened to find the axes of its images. phorest's own captures never need it: they are pictures of one
 * camera.
 */
const isToBeOpened = (name: string): boolean =>
  captureTimeOf(name) === undefined && (PLAIN.test(name) || PACKED.test(name));

function distinct(pages: readonly PageInfo[]): FileAxes["axes"] {
  const axes = new Map<string, FileAxes["axes"][number]>();
  for (const { channel, z, position, positionNames, isUnnumbered = false } of pages) {
    const key = JSON.stringify([channel, z, position, positionNames]);
    if (!axes.has(key)) axes.set(key, { channel, z, position: isUnnumbered ? undefined : position, positionNames });
  }
  return [...axes.values()];
}
