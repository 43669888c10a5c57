// Finds in OME-XML the plane of each page of a file, and its time (DeltaT after AcquisitionDate, or TimeIncrement).
import { counted } from "../../system/counted.ts";
import { readTime } from "../../system/time-text.ts";
import { type Axis, keyOf, type OmeBlock, type OmeDocument, type OmeImage } from "./ome-xml.ts";
import { plainName } from "./plain-name.ts";
import type { Stated } from "./source.ts";

/** Limit for the number of planes; no series has more. */
const MOST_PLANES = 4_000_000;
const NO_ZONE = "the AcquisitionDate in the OME-XML has no time zone; phorest reads it as UTC, as OME defines it";

/**
 * Returns the times of the first `pages` pages of the file `name`; undefined if the document states nothing about them. If the file is cut
 * off (`isCut`), the document may describe more pages.
 */
export function omePages(document: OmeDocument, name: string, pages: number, isCut = false): Stated | undefined {
  const { images, damage } = document;
  const planes = planesOf(images, name, pages);
  const damaged = damage === undefined ? [] : [`the OME-XML ${damage}; phorest uses what it can read of it`];
  const us = Array.from({ length: pages }, (_, page) => planeTime(planes.get(page)));
  const used = new Set([...planes.values()].map(({ image }) => image));
  if (us.every((time) => time === undefined)) {
    const notes = [
      ...(damage === undefined ? [] : [`the OME-XML ${damage}; phorest takes the times from the next source`]),
      ...[...used].flatMap(unusedTexts),
      ...moreThan(pages, images, used, isCut),
    ];
    return notes.length === 0 ? undefined : { us: [], relative: true, notes };
  }
  const dates = [...used].map(({ date }) => readTime(date ?? ""));
  const relative = dates.every((date) => date === undefined);
  const more = moreThan(pages, images, used, isCut);
  const notes = [
    ...damaged,
    ...[...used].flatMap(unusedTexts),
    ...(dates.some((date) => date?.hasZone === false) ? [NO_ZONE] : []),
  ];
  if (more.length > 0) notes.push(...more);
  else if (damage === undefined && pages > 1) notes.push(...misplaced(document, name, pages, isCut));
  return {
    us: relative ? us : us.map((time, page) => (isDated(planes.get(page)) ? time : undefined)),
    relative,
    notes,
  };
}

/** A line if the document describes more images than the only file of the series has, by its sizes or one by one. */
function moreThan(pages: number, images: readonly OmeImage[], used: ReadonlySet<OmeImage>, isCut: boolean): string[] {
  if (filesOf(images).size > 1 || pages < 2 || isCut) return [];
  const described = [...used].reduce((sum, { sizes, deltaUs }) => {
    return sum + Math.max(sizes.Z * sizes.C * sizes.T, deltaUs.size);
  }, 0);
  return described > pages ? [`the OME-XML describes ${counted(described, "image")}, the file has ${pages}`] : [];
}

/** Lines for pages that the document places nothing on, and for images on pages that the file does not have. */
function misplaced({ images }: OmeDocument, name: string, pages: number, isCut: boolean): string[] {
  const planes = planesOf(images, name, pages);
  const without = Array.from({ length: pages }, (_, page) => page + 1).filter((page) => !planes.has(page - 1));
  let beyond = 0;
  let example = Number.POSITIVE_INFINITY;
  for (const { from, many, isNamed } of blocksOf(images, name)) {
    if (!isNamed) continue;
    const first = Math.max(from, pages);
    if (from + many <= first) continue;
    beyond += from + many - first;
    example = Math.min(example, first + 1);
  }
  const lines: string[] = [];
  if (without.length > 0) {
    const some = without.slice(0, MOST_NAMED).join(", ");
    const more = without.length > MOST_NAMED ? ", …" : "";
    lines.push(`the OME-XML says nothing about ${counted(without.length, "page")} of ${pages}: ${some}${more}`);
  }
  if (beyond > 0 && !isCut) {
    const where =
      beyond === 1 ? "a page that the file does not have: page" : "pages that the file does not have, from page";
    lines.push(`the OME-XML places ${counted(beyond, "image")} on ${where} ${example}`);
  }
  return lines;
}

const MOST_NAMED = 5;

/** Lines for what an image says of its time in a way that is not read. */
function unusedTexts({ unknownUnit, noNumber, date }: OmeImage): string[] {
  return [
    ...(unknownUnit === undefined
      ? []
      : [`the OME-XML's time unit ${JSON.stringify(unknownUnit)} is not known; phorest does not use its DeltaT`]),
    ...(noNumber === undefined
      ? []
      : [`the OME-XML's DeltaT ${JSON.stringify(noNumber)} is not a number; phorest does not use it`]),
    ...(date === undefined || readTime(date) !== undefined
      ? []
      : [`cannot read the date ${JSON.stringify(date.trim())} in the OME-XML`]),
  ];
}

/**
 * Whether each page is a separate image without a name: programs that add pages one by one (tifffile) write a series in this
 * way.
 */
export function isPageByPage({ images }: OmeDocument): boolean {
  const isUnnamed = ({ names, sizes }: OmeImage, at: number) =>
    sizes.Z * sizes.C * sizes.T === 1 && names.length === 1 && names[0] === `Image${at}`;
  return images.length > 1 && images.every(isUnnamed);
}

/** The place of a page in the document. */
export interface OmePlace {
  /** Number of its image, from 0: the position on the stage. */
  readonly image: number;
  readonly names: readonly string[];
  /** Name of its position on the stage, if the document has one. */
  readonly stage: string | undefined;
  readonly at: Readonly<Record<Axis, number>>;
}

/** Returns the places of the first `pages` pages of the file `name`, by page. */
export function omePlaces({ images }: OmeDocument, name: string, pages: number): Map<number, OmePlace> {
  const planes = planesOf(images, name, pages);
  const numbers = new Map(images.map((image, index) => [image, index]));
  return new Map(
    [...planes].map(([page, { image, at }]) => {
      const { names, stage } = image;
      return [page, { image: numbers.get(image) ?? 0, names, stage, at }];
    }),
  );
}

/** Returns the names of all files that the document describes; empty if it describes one file without naming it. */
export function omeFiles({ images }: OmeDocument): string[] {
  return [...filesOf(images)].flatMap((file) => (file === undefined ? [] : (file.split(/[\\/]/).at(-1) ?? file)));
}

/** Returns the number of images that the document describes in a single file; 0 if it describes several files, or no images. */
export function omeImageCount({ images }: OmeDocument): number {
  if (filesOf(images).size > 1) return 0;
  let count = 0;
  for (const { from, many } of blocksOf(images, "")) count = Math.max(count, from + many);
  return count;
}

interface OmePlane {
  readonly image: OmeImage;
  readonly at: Readonly<Record<Axis, number>>;
}

const isDated = (plane: OmePlane | undefined): boolean => readTime(plane?.image.date ?? "") !== undefined;

function planeTime(plane: OmePlane | undefined): number | undefined {
  if (plane === undefined) return undefined;
  const { image, at } = plane;
  const date = readTime(image.date ?? "")?.us;
  const elapsedUs =
    image.deltaUs.get(keyOf(at)) ??
    (image.deltaUs.size === 0 && image.incrementUs !== undefined ? at.T * image.incrementUs : undefined) ??
    // A date without plane times is the time of the first picture.
    (image.deltaUs.size === 0 && at.T === 0 && date !== undefined ? 0 : undefined);
  return elapsedUs === undefined ? undefined : (date ?? 0) + elapsedUs;
}

const filesOf = (images: readonly OmeImage[]): Set<string | undefined> =>
  new Set(images.flatMap(({ blocks }) => blocks.map(({ file }) => file)));

/** Returns the plane on each page of a file. */
function planesOf(images: readonly OmeImage[], name: string, pages: number): Map<number, OmePlane> {
  const planes = new Map<number, OmePlane>();
  for (const { image, first, from, many } of blocksOf(images, name)) {
    let at = indexOf(image, first);
    for (let page = from; page < Math.min(from + many, pages); page++, at++) {
      planes.set(page, { image, at: placeOf(image, at) });
    }
  }
  return planes;
}

/** Consecutive planes of an image on consecutive pages of a file. */
interface PlacedBlock {
  readonly image: OmeImage;
  readonly first: OmeBlock["first"];
  /** Page of the first one. */
  readonly from: number;
  readonly many: number;
  /** The document names the page; an acquisition that was stopped has more planes than pages. */
  readonly isNamed: boolean;
}

/** Returns the blocks of the file `name`. */
function* blocksOf(images: readonly OmeImage[], name: string): Generator<PlacedBlock> {
  const files = filesOf(images);
  // A file that was renamed is still the only one.
  const isOwn = (file: string | undefined) =>
    file === undefined || files.size === 1 || plainName(file) === plainName(name);
  let next = 0;
  for (const image of images) {
    const blocks = image.blocks.length > 0 ? image.blocks : [wholeFile(next)];
    for (const { ifd, count, first, file } of blocks) {
      if (!isOwn(file)) continue;
      const total = image.sizes.Z * image.sizes.C * image.sizes.T;
      const many = Math.min(count ?? (ifd === undefined ? total : 1), total, MOST_PLANES);
      const from = ifd ?? next;
      yield { image, first, from, many, isNamed: ifd !== undefined && image.blocks.length > 0 };
      next = Math.max(next, from + many);
    }
  }
}

const wholeFile = (ifd: number): OmeBlock => ({
  ifd,
  count: Number.MAX_SAFE_INTEGER,
  first: { Z: 0, C: 0, T: 0 },
  file: undefined,
});

/** Returns the number of a plane in the order of the axes. */
function indexOf({ order, sizes }: OmeImage, at: Readonly<Record<Axis, number>>): number {
  return order.reduceRight((index, axis) => index * sizes[axis] + at[axis], 0);
}

function placeOf({ order, sizes }: OmeImage, index: number): Record<Axis, number> {
  const at = { Z: 0, C: 0, T: 0 };
  let rest = index;
  for (const axis of order) {
    at[axis] = rest % sizes[axis];
    rest = Math.floor(rest / sizes[axis]);
  }
  return at;
}
