// Multi-page image files of an imported experiment: each page is a frame. What the established system recorded for such a file is
// about its first page; the other pages have not been measured. phorest records each page.
import { basename, join, relative } from "node:path";
import { Failure } from "../failure/failure.ts";
import { AXIS_ORDER, type PageChoice } from "../image/chosen-pages.ts";
import { framesOfFile, framesOfPages } from "../image/frames-of-file.ts";
import { listPages, type PageInfo } from "../image/pages.ts";
import type { NewEntry } from "./entries.ts";
import type { EstablishedEntry } from "./established-entry.ts";
import { hasDamagedEntries } from "./established-metadata.ts";
import type { NamedPicture, PictureFinder } from "./established-pictures.ts";
import { EntryTimes } from "./established-times.ts";
import type { Findings } from "./import-findings.ts";

/** What the row of a file gets in addition if the file has several images. */
export type StackPages = Pick<NewEntry, "page" | "furtherPages" | "warnings"> & { readonly damage: string | undefined };

/** An entry that states its page. */
interface PageEntry {
  readonly page: number;
  readonly capturedAtUs: number;
}

/**
 * Returns the pages of the images of `entries`, by entry; none for single images and for files that cannot be read, which are
 * reported when they are measured. Reports entries with another time than their images state, and pages whose entries are
 * damaged. Throws errors of the disk.
 */
export async function stackPages(
  entries: readonly EstablishedEntry[],
  finder: PictureFinder,
  choice: PageChoice,
  findings: Findings,
): Promise<ReadonlyMap<EstablishedEntry, StackPages>> {
  const stacks = new Map<EstablishedEntry, StackPages>();
  const times = new EntryTimes(findings);
  const stated = new Map<string, PageEntry[]>();
  for (const entry of entries) {
    const { picture, capturedAtUs } = entry;
    const found = picture === undefined ? undefined : finder.find(picture.directory, picture.filename);
    if (picture?.page !== undefined) {
      // The entry says which page it is about; the others have entries of their own, or are no frames.
      stacks.set(entry, { page: picture.page, damage: undefined });
      const path = found?.kind === "found" ? pathOf(found) : undefined;
      if (path !== undefined) stated.set(path, [...(stated.get(path) ?? []), { page: picture.page, capturedAtUs }]);
      continue;
    }
    const pages = found?.kind === "found" ? await pagesOf(entry, pathOf(found), choice, times) : undefined;
    if (pages !== undefined) stacks.set(entry, pages);
  }
  for (const [path, pages] of stated) await checkStated(path, pages, times, findings);
  return stacks;
}

const pathOf = ({ directory, filename }: Extract<NamedPicture, { kind: "found" }>): string => join(directory, filename);

async function pagesOf(
  { capturedAtUs }: EstablishedEntry,
  path: string,
  choice: PageChoice,
  times: EntryTimes,
): Promise<StackPages | undefined> {
  try {
    const { pages, leftOut, damage } = await framesOfFile({ directory: "/", path: relative("/", path) }, choice);
    if (pages === undefined) {
      await times.compareImage(capturedAtUs, path);
      return undefined;
    }
    const found = await times.of(path, pages);
    if (found === undefined) return undefined;
    const [first, ...further] = framesOfPages(pages, found);
    if (first === undefined) return undefined;
    times.compare(capturedAtUs, path, found.pages[0]);
    // The first frame keeps the time that the experiment recorded; the others keep their distance from it as given by the file.
    const furtherPages = further.map((page) => ({
      ...page,
      capturedAtUs: capturedAtUs + page.capturedAtUs - first.capturedAtUs,
    }));
    return { page: first.page, furtherPages, warnings: leftOut.join("; "), damage };
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Checks the pages of a file against the entries that state them. */
async function checkStated(
  path: string,
  entries: readonly PageEntry[],
  times: EntryTimes,
  findings: Findings,
): Promise<void> {
  let pages: readonly PageInfo[];
  try {
    ({ pages } = await listPages({ directory: "/", path: relative("/", path) }));
  } catch (error) {
    if (error instanceof Failure) return;
    throw error;
  }
  const entryOf = new Map(entries.map((entry) => [entry.page, entry]));
  const taken = pages.filter(({ index }) => entryOf.has(index));
  const found = await times.of(path, taken);
  taken.forEach(({ index }, at) => {
    const capturedAtUs = entryOf.get(index)?.capturedAtUs;
    if (capturedAtUs !== undefined) times.compare(capturedAtUs, nameOf(path, index), found?.pages[at]);
  });
  // Otherwise pages have no entry because the experiment did not take them.
  if (!hasDamagedEntries(findings)) return;
  for (const page of pages) {
    if (entryOf.has(page.index) || !taken.some((one) => isOfSeries(page, one))) continue;
    findings.add(UNNAMED, nameOf(path, page.index));
  }
}

/** The time and the state of such a page are unknown: guessed ones would look like recorded ones. */
const UNNAMED =
  "pages that no usable entry names, of stacks with entries for other pages, left out (a backup of the manifest may have their entries)";

const nameOf = (path: string, index: number): string => `${basename(path)}, page ${index + 1}`;

const isOfSeries = (a: PageInfo, b: PageInfo): boolean => AXIS_ORDER.every((axis) => a[axis] === b[axis]);
