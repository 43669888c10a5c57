// The frames of picture files that are measured without a database: one for most files, one for each chosen page of a stack.
import { basename, dirname, resolve } from "node:path";
import { encodeFailure, type FailureData } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { chooseSeries } from "../image/file-axes.ts";
import { type FramesOfFile, framesOfFile, framesOfPages } from "../image/frames-of-file.ts";
import type { CaptureTimes } from "../image/times/capture-times.ts";
import { firstPageTimes, timedFile } from "../image/times/of-paths.ts";
import type { TimeSource } from "../image/times/source.ts";
import type { NamedFile } from "../system/confined-file.ts";

/** A picture to be measured, or a part of a file that cannot be. */
export interface FileFrame {
  /** As the user gave it. */
  readonly path: string;
  /** Which page of the file, from 0; undefined: the file is one picture. */
  readonly page?: number;
  /** Why there is nothing to measure. */
  readonly failure?: FailureData;
  /** Microseconds since the epoch. */
  readonly takenAtUs: number;
  /** `file`: guessed from the time of modification. */
  readonly timeSource: TimeSource;
}

/** A frame as people read it; pages count from 1 for them. */
export function shownFrame({ path, page }: Pick<FileFrame, "path" | "page">): string {
  return page === undefined ? path : `${path}, page ${page + 1}`;
}

/** What a frame is decoded from. The path is the user's own and may be a link. */
export function fileOfFrame({ path, page }: Pick<FileFrame, "path" | "page">): string | NamedFile {
  const whole = resolve(path);
  return page === undefined ? whole : { directory: dirname(whole), path: basename(whole), followLinks: true, page };
}

/**
 * The frames of the files, in their order. What cannot be used of a file (its end is cut off, it has none of the chosen
 * pages) is one failed frame after the others of the file. `say` is called with a line for each thing to know about a file,
 * such as pages that are left out by choice.
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
  for (const { file, choice: chosen } of await ofOneSeries(files, choice, times, say)) {
    const { path, first } = file;
    const found = await listed(path, chosen);
    for (const line of found?.leftOut ?? []) say(`${path}: ${line}`);
    const time = { takenAtUs: first?.takenAtUs ?? 0, timeSource: first?.source ?? "file" };
    if (found?.refused !== undefined) {
      frames.push({ path, failure: found.refused, ...time });
      continue;
    }
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
  return frames;
}

/** Of several channels, planes or positions in the files of each directory those that are chosen. */
async function ofOneSeries<F extends { readonly path: string }>(
  files: readonly F[],
  choice: PageChoice,
  times: CaptureTimes,
  say: (line: string) => void,
): Promise<{ readonly file: F; readonly choice: PageChoice }[]> {
  const chosen = new Map<F, PageChoice>();
  const placed = files.map((file) => ({ file, ...placeOf(file.path) }));
  for (const directory of new Set(files.map(({ path }) => dirname(path)))) {
    const some = placed.filter(({ file }) => dirname(file.path) === directory);
    const { choices, leftOut } = await chooseSeries(some, choice, times);
    for (const [{ file }, ofFile] of choices) chosen.set(file, ofFile);
    for (const line of leftOut) say(`${directory}: ${line}`);
  }
  return files.flatMap((file) => {
    const ofFile = chosen.get(file);
    return ofFile === undefined ? [] : [{ file, choice: ofFile }];
  });
}

function placeOf(path: string) {
  const whole = resolve(path);
  return { directory: dirname(whole), name: basename(whole), followLinks: true };
}

/** undefined for a file that cannot be read: it says why when it is measured. */
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
