// Multi-page image files of an imported experiment: each page is a frame. What the established system recorded for such a file is
// about its first page; the other pages have not been measured. phorest records each page.
import { basename, join, relative } from "node:path";
import { decodeFailure, Failure, type FailureData } from "../failure/failure.ts";
import { AXIS_ORDER, type PageChoice, wrongChoice } from "../image/chosen-pages.ts";
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

interface Stacks {
  /** The entries that become frames, oldest first. */
  readonly captures: readonly EstablishedEntry[];
  /** The pages of their images; none for single images. */
  readonly stacks: ReadonlyMap<EstablishedEntry, StackPages>;
}

/**
 * Finds the pages of the images of `entries`. Files that cannot be read are reported when they are measured. Reports what is left
 * out: entries and pages that cannot be matched, and pages that are not chosen; and entries with another time than their images
 * state. Failure `usage.invalid` if no stack has a page of `choice`. Throws errors of the disk.
 */
export async function stackPages(
  entries: readonly EstablishedEntry[],
  finder: PictureFinder,
  choice: PageChoice,
  findings: Findings,
): Promise<Stacks> {
  const captures: EstablishedEntry[] = [];
  const stacks = new Map<EstablishedEntry, StackPages>();
  const times = new EntryTimes(findings);
  const paths = new Map(entries.map((entry) => [entry, foundAt(entry, finder)]));
  const stated = new Map<string, PageEntry[]>();
  for (const [{ picture, capturedAtUs }, path] of paths) {
    const page = picture?.page;
    if (page !== undefined && path !== undefined)
      stated.set(path, [...(stated.get(path) ?? []), { page, capturedAtUs }]);
  }
  let refused: FailureData | undefined;
  for (const [entry, path] of paths) {
    const page = entry.picture?.page;
    if (page !== undefined) {
      // The entry says which page it is about; the others have entries of their own, or are no frames.
      stacks.set(entry, { page, damage: undefined });
      captures.push(entry);
      continue;
    }
    if (path !== undefined && stated.has(path)) {
      findings.add(UNPLACED, basename(path));
      continue;
    }
    const found = path === undefined ? undefined : await pagesOf(entry, path, choice, { times, findings });
    if (found?.refused !== undefined) refused ??= found.refused;
    else {
      captures.push(found?.entry ?? entry);
      if (found !== undefined) stacks.set(found.entry, found.pages);
    }
  }
  if (refused !== undefined && stacks.size === 0) throw wrongChoice(refused);
  if (AXIS_ORDER.some((axis) => choice[axis] !== undefined))
    for (const path of stated.keys()) findings.add(UNCHOSEN, basename(path));
  for (const [path, pages] of stated) await checkStated(path, pages, times, findings);
  return { captures: captures.sort((a, b) => a.capturedAtUs - b.capturedAtUs), stacks };
}

function foundAt({ picture }: EstablishedEntry, finder: PictureFinder): string | undefined {
  const found = picture === undefined ? undefined : finder.find(picture.directory, picture.filename);
  return found?.kind === "found" ? pathOf(found) : undefined;
}

const pathOf = ({ directory, filename }: Extract<NamedPicture, { kind: "found" }>): string => join(directory, filename);

type PagesOfEntry =
  | { readonly refused: FailureData }
  | { readonly entry: EstablishedEntry; readonly pages: StackPages; readonly refused?: undefined };

/** Returns the pages of an entry that states none; undefined for a single image. */
async function pagesOf(
  entry: EstablishedEntry,
  path: string,
  choice: PageChoice,
  { times, findings }: { readonly times: EntryTimes; readonly findings: Findings },
): Promise<PagesOfEntry | undefined> {
  try {
    const file = { directory: "/", path: relative("/", path) };
    const { pages, leftOut, damage, refused } = await framesOfFile(file, choice);
    if (refused !== undefined) {
      findings.add(NOT_CHOSEN, decodeFailure(refused).message);
      return { refused };
    }
    if (pages === undefined) {
      await times.compareImage(entry.capturedAtUs, path);
      return undefined;
    }
    const found = await times.of(path, pages);
    if (found === undefined) return undefined;
    const [first, ...further] = framesOfPages(pages, found);
    if (first === undefined) return undefined;
    for (const line of leftOut) findings.add(PAGES_LEFT_OUT, `${basename(path)}: ${line}`);
    // Several entries without a page are entries of its pages, and which is which is lost. The file knows the times of all of them.
    const isDatedByFile = entry.isContradicted === true;
    if (isDatedByFile) findings.add(DATED_BY_FILE, basename(path));
    else times.compare(entry.capturedAtUs, path, found.pages[0]);
    const capturedAtUs = isDatedByFile ? first.capturedAtUs : entry.capturedAtUs;
    // The first frame keeps the time that the experiment recorded; the others keep their distance from it as given by the file.
    const furtherPages = further.map((page) => ({
      ...page,
      capturedAtUs: capturedAtUs + page.capturedAtUs - first.capturedAtUs,
    }));
    const taken: EstablishedEntry = isDatedByFile ? { ...entry, capturedAtUs, status: "pending" } : entry;
    return { entry: taken, pages: { page: first.page, furtherPages, warnings: leftOut.join("; "), damage } };
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
  const isUnplaced = findings.all().some(({ kind }) => kind === UNPLACED);
  if (!isUnplaced && !hasDamagedEntries(findings)) return;
  for (const page of pages) {
    if (entryOf.has(page.index) || !taken.some((one) => isOfSeries(page, one))) continue;
    findings.add(UNNAMED, nameOf(path, page.index));
  }
}

/** The time and the state of such a page are unknown: guessed ones would look like recorded ones. */
const UNNAMED =
  "pages that no usable entry names, of stacks with entries for other pages, left out (a backup of the manifest may have their entries)";

const UNPLACED = "entries without a page, of stacks whose other entries state theirs, left out";
const NOT_CHOSEN = "stacks without a page of the chosen channel, z plane or position, left out";
const UNCHOSEN =
  "stacks whose entries state their pages, all taken: the chosen channel, z plane or position has no effect on them";
const PAGES_LEFT_OUT = "stacks of several channels, z planes or positions";
const DATED_BY_FILE =
  "stacks with several entries that do not say which page they are of; dated by the file, to be measured";

const nameOf = (path: string, index: number): string => `${basename(path)}, page ${index + 1}`;

const isOfSeries = (a: PageInfo, b: PageInfo): boolean => AXIS_ORDER.every((axis) => a[axis] === b[axis]);
