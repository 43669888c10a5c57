// Where in their acquisition the images of a file are: by metadata.txt or its name, else by what the file says of its pages.
import { encodeFailure } from "../failure/failure.ts";
import { TIFF_ENDING } from "../system/numbered-name.ts";
import { captureTimeOf } from "./capture-name.ts";
import type { PageChoice } from "./chosen-pages.ts";
import { listPages, type PageInfo } from "./pages.ts";
import { type FileAxes, SeparateImages } from "./separate-images.ts";
import type { CaptureTimes, TimedFile } from "./times/capture-times.ts";

const PLAIN = new RegExp(`${TIFF_ENDING}$`, "i");
/** Of compressed files, which are unpacked for a look, only those that may have something to say. */
const PACKED = new RegExp(String.raw`(?:\.ome|_MMStack.*|NDTiffStack.*)${TIFF_ENDING}\.gz$`, "i");
/** Number of files that are read at once. */
const AT_ONCE = 32;

type Place = Pick<TimedFile, "directory" | "name" | "followLinks">;

/**
 * The axes of each file, in their order. `times` has read the metadata.txt of their directories. A file that cannot be read says
 * nothing: why is said when it is measured.
 */
export async function axesOfFiles(files: readonly Place[], times: CaptureTimes): Promise<FileAxes[]> {
  const found: FileAxes[] = [];
  for (let from = 0; from < files.length; from += AT_ONCE) {
    found.push(...(await Promise.all(files.slice(from, from + AT_ONCE).map((file) => axesOfFile(file, times)))));
  }
  return found;
}

/** The files of a directory that belong to the series, and what was left out. */
interface OneSeries<F> {
  /** By file: what is chosen of its pages. */
  readonly choices: ReadonlyMap<F, PageChoice>;
  /** A line for each axis of which files are left out. */
  readonly leftOut: readonly string[];
}

/**
 * Of several channels, planes or positions in the files of a directory those that are chosen. Failure `usage.invalid` where nothing is
 * of what the user chose.
 */
export async function chooseSeries<F extends Place>(
  files: readonly F[],
  choice: PageChoice | undefined,
  times: CaptureTimes,
): Promise<OneSeries<F>> {
  const found = await axesOfFiles(files, times);
  const axes = new Map(files.map((file, at) => [file, found[at] ?? NOTHING]));
  const axesOf = (file: F) => axes.get(file) ?? NOTHING;
  const separate = new SeparateImages(choice);
  const series = separate.select(files, axesOf);
  return {
    choices: new Map(series.map((file) => [file, separate.choiceOf(axesOf(file))])),
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

/** Whether only its content says where the images of a file are. Own captures are pictures of one camera. */
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
