// Lists the frames of picture files that are measured without a database: one for most files, one for each chosen page of a
// stack.
import { basename, dirname, resolve } from "node:path";
import { encodeFailure, type Failure, type FailureData } from "../failure/failure.ts";
import { type PageChoice, unstated, wrongChoice } from "../image/chosen-pages.ts";
import { chooseSeries } from "../image/file-axes.ts";
import { type FramesOfFile, framesOfFile, framesOfPages } from "../image/frames-of-file.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import type { CaptureTimes } from "../image/times/capture-times.ts";
import { firstPageTimes, timedFile } from "../image/times/of-paths.ts";
import type { TimeSource } from "../image/times/source.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { shortList } from "../system/counted.ts";

/** A picture to measure, or a part of a file that cannot be measured. */
export interface FileFrame {
  /** Path as given by the user. */
  readonly path: string;
  /** Page number in the file, from 0; undefined if the file is a single picture. */
  readonly page?: number;
  /** Why this part cannot be measured. */
  readonly failure?: FailureData;
  /** Microseconds since the epoch. */
  readonly takenAtUs: number;
  /** `file`: guessed from the modification time. */
  readonly timeSource: TimeSource;
}

/** Returns the name of a frame for messages; pages count from 1 there. */
export function shownFrame({ path, page }: Pick<FileFrame, "path" | "page">): string {
  return page === undefined ? path : `${path}, page ${page + 1}`;
}

/** Returns the file to decode a frame from. The path is the user's own and may be a link. */
export function fileOfFrame({ path, page }: Pick<FileFrame, "path" | "page">): string | NamedFile {
  const whole = resolve(path);
  return page === undefined ? whole : { directory: dirname(whole), path: basename(whole), followLinks: true, page };
}

/**
 * Returns the frames of the files, in order. An unusable part of a file (its end is cut off, or it has none of the chosen
 * pages) becomes one failed frame after its other frames. Failure `usage.invalid` if no file has the chosen pages, or says of which it is. `say` is called with each message about a file, for example about
 * pages that were not chosen.
 */
export async function framesOf(
  given: readonly string[],
  choice: PageChoice,
  times: CaptureTimes,
  say: (line: string) => void,
): Promise<FileFrame[]> {
  const frames: FileFrame[] = [];
  const firstTimes = await firstPageTimes(given, times, say);
  const files = given.map((path, at) => ({ path, first: firstTimes[at] }));
  const series = await ofOneSeries(files, choice, times, say);
  const refusals: FailureData[] = [];
  const unstating: Failure[] = [];
  for (const { file, choice: chosen, axes } of series) {
    const { path, first } = file;
    const found = await listed(path, chosen);
    for (const line of found?.leftOut ?? []) say(`${path}: ${line}`);
    const time = { takenAtUs: first?.takenAtUs ?? 0, timeSource: first?.source ?? "file" };
    if (found?.refused !== undefined) {
      frames.push({ path, failure: found.refused, ...time });
      refusals.push(found.refused);
      continue;
    }
    const silent = found?.count === 1 ? unstated(choice, axes, path) : undefined;
    if (silent !== undefined) unstating.push(silent);
    const timedOf = found?.pages === undefined ? undefined : await timedFile(path);
    if (found?.pages === undefined || timedOf === undefined) {
      frames.push({ path, ...time });
      if (found !== undefined) for (const line of await times.rowsBeyond(placeOf(path), found.count)) say(line);
    } else {
      const timed = await times.of(timedOf, found.pages, found.count);
      for (const note of timed.notes) say(note);
      for (const { page, capturedAtUs, timeSource } of framesOfPages(found.pages, timed)) {
        frames.push({ path, page, takenAtUs: capturedAtUs, timeSource });
      }
    }
    if (found?.damage !== undefined) frames.push({ path, failure: damaged(path, found.damage), ...time });
  }
  const [refused] = refusals;
  if (refused !== undefined && refusals.length === series.length) throw wrongChoice(refused);
  const [silent] = unstating;
  if (silent !== undefined && unstating.length === series.length) throw silent;
  return frames;
}

/**
 * Chooses one series if the files contain several channels, planes or positions, also in several directories. Says what is left
 * out, and that what is left of several directories is one series.
 */
async function ofOneSeries<F extends { readonly path: string }>(
  files: readonly F[],
  choice: PageChoice,
  times: CaptureTimes,
  say: (line: string) => void,
): Promise<{ readonly file: F; readonly choice: PageChoice; readonly axes: ImageAxes | undefined }[]> {
  const placed = files.map((file) => ({ file, ...placeOf(file.path) }));
  const { choices, axes, leftOut } = await chooseSeries(placed, choice, times);
  const [directory, ...others] = directoriesOf(files);
  for (const line of leftOut) say(directory === undefined || others.length > 0 ? line : `${directory}: ${line}`);
  const chosen = [...choices].map(([one, ofFile]) => ({ file: one.file, choice: ofFile, axes: axes.get(one) }));
  const joined = directoriesOf(chosen.map(({ file }) => file));
  if (joined.length > 1) {
    const some = shortList(joined, MOST_NAMED);
    say(
      `the images of ${joined.length} directories (${some}) are measured as one series; to keep them apart, name one at a time`,
    );
  }
  return chosen;
}

const MOST_NAMED = 3;

const directoriesOf = (files: readonly { readonly path: string }[]): string[] => [
  ...new Set(files.map(({ path }) => dirname(path))),
];

function placeOf(path: string) {
  const whole = resolve(path);
  return { directory: dirname(whole), name: basename(whole), followLinks: true };
}

/** Returns undefined for a file that cannot be read; the error is reported when it is measured. */
async function listed(path: string, choice: PageChoice): Promise<FramesOfFile | undefined> {
  const whole = resolve(path);
  try {
    return await framesOfFile({ directory: dirname(whole), path: basename(whole), followLinks: true }, choice);
  } catch (error) {
    if (encodeFailure(error).code === "internal") throw error;
    return undefined;
  }
}

const damaged = (path: string, why: string): FailureData => ({
  code: "frame.unreadable",
  message: `${path}: ${why}`,
  hint: "the whole pages before are measured; copy the file again",
  retry: "never",
});
