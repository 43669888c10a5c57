// Handles files that were taken before: if another program has added pages, or a run with a subset left some out, only the pages
// that were not taken are frames.
import { Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { framesOfFile } from "../image/frames-of-file.ts";
import { type FirstPages, type StackContent, stackContent } from "../image/stack-content.ts";
import { type NamedFile, shownPath } from "../system/confined-file.ts";
import { systemCode } from "../system/fault-of.ts";
import type { TakenFrom } from "./frame.ts";

type WantedPages = Pick<TakenFrom, "pages" | "from" | "without">;

/** The part of a file to take. */
export interface NewPages {
  /** The first new page, from 0. */
  readonly from: number;
  /** Pages that were taken, if others before the new ones were not. */
  readonly without?: readonly number[] | undefined;
  /** All pages that the file has now, for the next time; undefined if it is not a stack. */
  readonly pages: FirstPages | undefined;
}

/**
 * Returns which pages of a file are new; undefined if none are. `taken`: the pages taken before. Throws Failure `file.changed`
 * if pages that were taken have changed or disappeared, and what stackContent throws for unreadable files.
 */
export async function newPages(
  file: NamedFile,
  taken: FirstPages | undefined,
  progress?: () => void,
): Promise<NewPages | undefined> {
  const content = await contentOf(file, taken, progress);
  const pages = content?.all;
  // If another program rewrites a file with one image, it is a new image each time.
  if (taken === undefined || (taken.count === 1 && (pages?.count ?? 1) === 1)) return { from: 0, pages };
  if (content?.first?.crc32 !== taken.crc32) throw changed(file, taken.count);
  return content.all.count === taken.count ? undefined : { from: taken.count, pages };
}

/** Whether a file that was taken before has a frame that is wanted now. */
export async function hasWantedPage(
  file: NamedFile,
  wanted: WantedPages,
  choice: PageChoice | undefined,
): Promise<boolean> {
  const { pages = [] } = await framesOfFile(file, choice);
  const isWanted = pageFilter(wanted);
  return pages.some(({ index }) => isWanted(index));
}

/** Returns a function that tells whether a page, from 0, is wanted. */
export function pageFilter({ pages, from = 0, without = [] }: WantedPages): (page: number) => boolean {
  const [wanted, had] = [pages && new Set(pages), new Set(without)];
  return (page) => page >= from && !had.has(page) && (wanted?.has(page) ?? true);
}

async function contentOf(
  file: NamedFile,
  taken: FirstPages | undefined,
  progress: (() => void) | undefined,
): Promise<StackContent | undefined> {
  try {
    return await stackContent(file, taken?.count, progress);
  } catch (error) {
    // If the file is not a picture, the error is reported when it is measured; if a new file cannot be read, when it is stored.
    const isNew = taken === undefined && systemCode(error) !== undefined;
    if (isNew || (error instanceof Failure && (taken === undefined || error.code === "frame.unreadable")))
      return undefined;
    throw error;
  }
}

function changed(file: NamedFile, pages: number): Failure {
  const which = pages === 1 ? "page 1, which phorest has" : `pages 1 to ${pages}, which phorest has`;
  return new Failure("file.changed", `${shownPath(file)}: ${which} already, changed; phorest takes no page of it`, {
    hint: "save a new series under a new name",
    retry: "later",
  });
}

/** Setting names under which the pages of a frame's file are recorded. */
const COUNT = "source_pages";
const CHECKSUM = "source_pages_crc32";

/** Returns the record about the pages of a file, for the next run. */
export function pagesSettings(pages: FirstPages | undefined): Readonly<Record<string, number>> {
  return pages === undefined ? {} : { [COUNT]: pages.count, [CHECKSUM]: pages.crc32 };
}

/** Returns the pages recorded in settings; undefined if there are none. */
export function pagesOfSettings(number: (key: string) => number | undefined): FirstPages | undefined {
  const [count, checksum] = [number(COUNT), number(CHECKSUM)];
  return count === undefined || checksum === undefined ? undefined : { count, crc32: checksum };
}
