// Multi-page image files of an imported experiment: each page is a frame. What the established system recorded for such a file is
// about its first page; the other pages have not been measured.
import { join, relative } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { framesOfFile, framesOfPages } from "../image/frames-of-file.ts";
import { CaptureTimes } from "../image/times/capture-times.ts";
import { timedFile } from "../image/times/of-paths.ts";
import type { NewEntry } from "./entries.ts";
import type { EstablishedEntry } from "./established-entry.ts";
import type { NamedPicture, PictureFinder } from "./established-pictures.ts";

/** What the row of a file gets in addition if the file has several images. */
export type StackPages = Pick<NewEntry, "page" | "furtherPages" | "warnings"> & { readonly damage: string | undefined };

/**
 * Returns the pages of the images of `entries`, by entry; none for single images and for files that cannot be read, which are
 * reported when they are measured. Throws errors of the disk.
 */
export async function stackPages(
  entries: readonly EstablishedEntry[],
  finder: PictureFinder,
  choice: PageChoice,
): Promise<ReadonlyMap<EstablishedEntry, StackPages>> {
  const stacks = new Map<EstablishedEntry, StackPages>();
  const times = new CaptureTimes();
  for (const entry of entries) {
    const { picture } = entry;
    if (picture?.page !== undefined) {
      // The entry says which page it is about; the others have entries of their own, or are no frames.
      stacks.set(entry, { page: picture.page, damage: undefined });
      continue;
    }
    const found = picture === undefined ? undefined : finder.find(picture.directory, picture.filename);
    const pages = found?.kind === "found" ? await pagesOf(entry, found, choice, times) : undefined;
    if (pages !== undefined) stacks.set(entry, pages);
  }
  return stacks;
}

async function pagesOf(
  { capturedAtUs }: EstablishedEntry,
  { directory, filename }: Extract<NamedPicture, { kind: "found" }>,
  choice: PageChoice,
  times: CaptureTimes,
): Promise<StackPages | undefined> {
  const path = join(directory, filename);
  try {
    const { pages, leftOut, damage } = await framesOfFile({ directory: "/", path: relative("/", path) }, choice);
    const file = pages === undefined ? undefined : await timedFile(path);
    if (pages === undefined || file === undefined) return undefined;
    const [first, ...further] = framesOfPages(pages, await times.of(file, pages));
    if (first === undefined) return undefined;
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
