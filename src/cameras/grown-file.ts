// Files that another program adds pages to: of one that was taken before only the new pages are frames.
import { Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { framesOfFile } from "../image/frames-of-file.ts";
import { type FirstPages, type StackContent, stackContent } from "../image/stack-content.ts";
import { type NamedFile, shownPath } from "../system/confined-file.ts";
import { systemCode } from "../system/fault-of.ts";

/** What of a file is to be taken. */
export interface NewPages {
  /** The first page that is new, from 0. */
  readonly from: number;
  /** Every page that the file has now, for the next time; undefined where it is no stack. */
  readonly pages: FirstPages | undefined;
}

/**
 * Which pages of a file are new; `taken`: those that were taken before. Undefined: none. Throws Failure `file.changed` where pages
 * that were taken are no longer there as they were, and what stackContent throws for files that it cannot read.
 */
export async function newPages(
  file: NamedFile,
  taken: FirstPages | undefined,
  progress?: () => void,
): Promise<NewPages | undefined> {
  const content = await contentOf(file, taken, progress);
  const pages = content?.all;
  // A file with one image that another program rewrites is a new image each time.
  if (taken === undefined || (taken.count === 1 && (pages?.count ?? 1) === 1)) return { from: 0, pages };
  if (content?.first?.crc32 !== taken.crc32) throw changed(file, taken.count);
  return content.all.count === taken.count ? undefined : { from: taken.count, pages };
}

/** Whether a file has a frame at the page `from` or behind it. */
export async function hasPageFrom(file: NamedFile, from: number, choice: PageChoice | undefined): Promise<boolean> {
  const { pages = [] } = await framesOfFile(file, choice);
  return pages.some(({ index }) => index >= from);
}

async function contentOf(
  file: NamedFile,
  taken: FirstPages | undefined,
  progress: (() => void) | undefined,
): Promise<StackContent | undefined> {
  try {
    return await stackContent(file, taken?.count, progress);
  } catch (error) {
    // A file that is no picture says so when it is measured; a new one that cannot be read, when it is stored.
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

/** The names under which a frame's settings hold the pages of its file. */
const COUNT = "source_pages";
const CHECKSUM = "source_pages_crc32";

/** What is noted of the pages of a file, for the next run. */
export function pagesSettings(pages: FirstPages | undefined): Readonly<Record<string, number>> {
  return pages === undefined ? {} : { [COUNT]: pages.count, [CHECKSUM]: pages.crc32 };
}

/** The pages that are noted in settings; undefined where none are. */
export function pagesOfSettings(number: (key: string) => number | undefined): FirstPages | undefined {
  const [count, checksum] = [number(COUNT), number(CHECKSUM)];
  return count === undefined || checksum === undefined ? undefined : { count, crc32: checksum };
}
