// Handles files that were taken before: if another program has added pages, or a run with a subset left some out, only the pages
// that were not taken are frames.
import { Failure } from "../failure/failure.ts";
import { AXIS_ORDER, type PageChoice } from "../image/chosen-pages.ts";
import { framesOfFile } from "../image/frames-of-file.ts";
import { shownFile } from "../image/read-picture.ts";
import { type FirstPages, type StackContent, stackContent } from "../image/stack-content.ts";
import { type NamedFile, shownPath } from "../system/confined-file.ts";
import { systemCode } from "../system/fault-of.ts";
import { printable } from "../system/file-name.ts";
import type { TakenFrom } from "./frame.ts";

type WantedPages = Pick<TakenFrom, "pages" | "from" | "without">;

/** What was recorded about a file when it was taken; undefined if an older version recorded nothing. */
export interface TakenFile {
  readonly bytes: number | undefined;
  readonly modifiedUs: number | undefined;
  /** Hash of its content: a file with only a new modification time is unchanged. */
  readonly sha256?: string | undefined;
  /** All pages that it had, if the file may grow. */
  readonly pages?: FirstPages | undefined;
  /** The pages that have a row, from 0: a run with a subset leaves out others. Undefined: all that it had. */
  readonly rows?: readonly number[] | undefined;
}

/** Returns the pages that have a row, if the file had others when it was taken; undefined otherwise. */
export function partlyTaken({ pages, rows }: TakenFile): readonly number[] | undefined {
  if (pages === undefined || rows === undefined) return undefined;
  // Pages that came later may have a row by the name of another form of the file.
  return rows.filter((page) => page < pages.count).length >= pages.count ? undefined : rows;
}

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

/**
 * Returns the pages of a file that were not taken: new ones, and those left out before if only `rows` of `pages` were taken.
 * Undefined if there are none. `isRepeated`: the file has not changed. Throws as `newPages`.
 */
export async function pagesLeft(
  file: NamedFile,
  { pages, rows }: Pick<TakenFile, "pages" | "rows">,
  { isRepeated, progress }: { readonly isRepeated: boolean; readonly progress?: (() => void) | undefined },
): Promise<NewPages | undefined> {
  const grown = isRepeated ? undefined : await newPages(file, pages, progress);
  return rows === undefined ? grown : { pages, ...grown, from: 0, without: rows };
}

/**
 * Returns why nothing of a file is taken, in one line, if it has several pictures and none is of the chosen channel, plane or
 * position; undefined if it has one, or if nothing is chosen. The file is then left as it is, for a run that chooses another.
 */
export async function lackingChoice(file: NamedFile, choice: PageChoice = {}): Promise<string | undefined> {
  const chosen = AXIS_ORDER.filter((axis) => choice[axis] !== undefined);
  if (chosen.length === 0) return undefined;
  const { refused } = await framesOfFile(file, choice);
  if (refused === undefined) return undefined;
  const why = refused.message.replace(`${shownFile(file)}: `, "");
  return `${printable(file.path).slice(1, -1)}: skipped: ${why} (a run that chooses another one takes it)`;
}

/** Whether a file that was taken before has a frame that is wanted now. If it has no page of the choice, `lackingChoice` says so. */
export async function hasWantedPage(
  file: NamedFile,
  wanted: WantedPages,
  choice: PageChoice | undefined,
): Promise<boolean> {
  const { pages = [], refused } = await framesOfFile(file, choice);
  const isWanted = pageFilter(wanted);
  return refused !== undefined || pages.some(({ index }) => isWanted(index));
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
