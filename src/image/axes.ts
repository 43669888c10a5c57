// Finds the axes of the pages of a TIFF file: channel, slice, position and time. Sources in order of preference: Micro-Manager
// metadata (per page, or NDTiff's index), OME-XML, ImageJ. If a file has none of these, all its pages are frames in time.
import { hasCode } from "../failure/error-code.ts";
import { Failure } from "../failure/failure.ts";
import { type NamedFile, withConfinedFile } from "../system/confined-file.ts";
import { GZIPPED } from "../system/numbered-name.ts";
import { type NamedPosition, namedPosition, positionOfName } from "./image-axes.ts";
import { NamedNumbers, type NdtiffPlace, ndtiffPlaces } from "./ndtiff.ts";
import type { ByteSource } from "./tiff/byte-source.ts";
import { fieldNumber, TAG } from "./tiff/directory.ts";
import type { TiffPage, TiffSeries } from "./tiff/series.ts";
import { descriptionOf, directoryAt, type OpenDirectory } from "./times/head.ts";
import { imagejPlaces, isImagej } from "./times/imagej.ts";
import { recordOf } from "./times/micro-manager-pages.ts";
import { isPageByPage, omeFiles, omePlaces } from "./times/ome.ts";
import { nameOf, omeDocument } from "./times/ome-companion.ts";
import { isOme, type OmeDocument } from "./times/ome-xml.ts";
import { plainName } from "./times/plain-name.ts";

/** Coordinates of a page on the axes, each counted from 0. */
export interface PagePlace {
  readonly channel: number;
  readonly z: number;
  readonly position: number;
  /** Name of the position, if the file states one. */
  readonly positionNames?: readonly string[] | undefined;
  /** The position has a name without a number in it. */
  readonly isUnnumbered?: boolean | undefined;
  readonly time: number;
}

export interface Places {
  /** Coordinates by page number. A page that is not listed is one of the frames in time. */
  readonly places: ReadonlyMap<number, PagePlace>;
  /** One line for each part of the series that is missing from the file. */
  readonly leftOut: readonly string[];
  /** Other messages for the user, one line each. */
  readonly notes: readonly string[];
}

interface StatedPlaces extends Places {
  /** Whether the metadata states positions. */
  readonly hasPositions: boolean;
}

const NONE: StatedPlaces = { places: new Map(), leftOut: [], notes: [], hasPositions: false };

/**
 * Returns the coordinates of the pages of a TIFF file. Unreadable metadata is ignored. If the metadata of a stack states no
 * position, the position comes from the file name. Disk errors pass through.
 */
export async function placesOf(file: NamedFile, source: ByteSource, series: TiffSeries): Promise<Places> {
  const { places, hasPositions, ...lines } = await statedPlaces(file, source, series);
  const named = hasPositions ? undefined : positionOfName(nameOf(file));
  if (named === undefined) return { places, ...lines };
  const position = positionFields(named);
  const placed = series.pages.map(({ index }): [number, PagePlace] => {
    return [index, { channel: 0, z: 0, time: index, ...places.get(index), ...position }];
  });
  return { places: new Map(placed), ...lines };
}

function positionFields({
  name,
  number,
}: NamedPosition): Pick<PagePlace, "position" | "positionNames" | "isUnnumbered"> {
  return { position: number ?? 0, positionNames: [name], isUnnumbered: number === undefined };
}

async function statedPlaces(file: NamedFile, source: ByteSource, series: TiffSeries): Promise<StatedPlaces> {
  const [page, second] = series.pages;
  const opened = async (one: TiffPage | undefined) => one && directoryAt(source, series.layout, one.at);
  const first = await opened(page);
  if (first === undefined) return NONE;
  const isManagers = (one: OpenDirectory | undefined) => one?.directory.fields.has(TAG.microManagerPage) === true;
  // One page may have lost its metadata, also the first.
  if (isManagers(first) || isManagers(await opened(second))) return managerPlaces(file, source, series);
  const description = (await descriptionOf(first)) ?? "";
  if (isImagej(description)) {
    const placeOf = imagejPlaces(description);
    return placed(series.pages, ({ index }) => {
      const { c, z, t } = placeOf(index);
      return { channel: c, z, position: 0, time: t };
    });
  }
  return isOme(description) ? omePlacesOf(file, description, series) : NONE;
}

function placed(pages: readonly TiffPage[], placeOf: (page: TiffPage) => PagePlace | undefined): StatedPlaces {
  const places = new Map<number, PagePlace>();
  for (const page of pages) {
    const place = placeOf(page);
    if (place !== undefined) places.set(page.index, place);
  }
  return { ...NONE, places };
}

async function managerPlaces(
  file: NamedFile,
  source: ByteSource,
  { layout, pages }: TiffSeries,
): Promise<StatedPlaces> {
  const index = await ndtiffPlaces(file);
  const places = new Map<number, PagePlace>();
  let hasPositions = index !== undefined;
  const channels = new NamedNumbers();
  for (const page of pages) {
    const directory = await directoryAt(source, layout, page.at);
    if (directory === undefined) continue;
    const place = index === undefined ? await ofRecord(directory, page, channels) : await ofIndex(directory, index);
    if (place === undefined) continue;
    places.set(page.index, { ...place, position: place.position ?? 0 });
    hasPositions ||= place.position !== undefined;
  }
  return { ...NONE, places, hasPositions };
}

type StatedPlace = Omit<PagePlace, "position"> & { readonly position: number | undefined };

/** `channels`: the names of the file's channels so far, for records that do not number them. */
async function ofRecord(
  directory: OpenDirectory,
  { index }: TiffPage,
  channels: NamedNumbers,
): Promise<StatedPlace | undefined> {
  const record = await recordOf(directory);
  if (record === undefined) return undefined;
  const {
    channel = channels.number(record.channelName) ?? 0,
    slice = 0,
    position,
    positionName,
    frame = index,
  } = record;
  const named = positionName === undefined ? undefined : positionFields(namedPosition(positionName));
  const isUnnumbered = position === undefined && named?.isUnnumbered;
  return { channel, z: slice, ...named, position: position ?? named?.position, isUnnumbered, time: frame };
}

async function ofIndex(
  { source, layout, directory }: OpenDirectory,
  places: ReadonlyMap<number, NdtiffPlace>,
): Promise<StatedPlace | undefined> {
  const at = await fieldNumber(source, layout, directory, TAG.strips, undefined);
  return at === undefined ? undefined : places.get(at);
}

async function omePlacesOf(file: NamedFile, description: string, { pages, count }: TiffSeries): Promise<StatedPlaces> {
  const document = await known(() => omeDocument(file, description));
  if (document === undefined) return NONE;
  if (isPageByPage(document)) return { ...NONE, notes: [PAGE_BY_PAGE] };
  const found = omePlaces(document, nameOf(file), count);
  const isAlone = document.images.length === 1;
  const { places } = placed(pages, ({ index }) => {
    const place = found.get(index);
    if (place === undefined) return undefined;
    const { image, names, stage, at } = place;
    const axes = { channel: at.C, z: at.Z, position: image, time: at.T };
    // A file with a single image always numbers it 0, wherever it was on the stage: only the names tell files of different
    // positions apart.
    if (!isAlone || stage === undefined) return { ...axes, positionNames: names };
    return { ...axes, positionNames: [stage, ...names.filter((name) => name !== stage)], isUnnumbered: true };
  });
  const hasPositions = !isAlone || [...found.values()].some(({ stage }) => stage !== undefined);
  return { places, leftOut: await filesNotThere(file, document), notes: [], hasPositions };
}

const PAGE_BY_PAGE =
  "its OME-XML lists each page as a separate image without a name; phorest treats the pages as a time series";

/** Returns what the metadata says, or undefined if it is missing or unreadable. */
async function known<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

const MOST_NAMED = 3;

/** Returns a line that lists the files of the series that are not next to this one. */
async function filesNotThere(file: NamedFile, document: OmeDocument): Promise<string[]> {
  const own = nameOf(file);
  const names = omeFiles(document);
  // A file that was renamed is still the only one.
  if (names.length < 2) return [];
  const folder = file.path.slice(0, file.path.length - own.length);
  const absent: string[] = [];
  for (const name of names) {
    if (plainName(name) !== plainName(own) && !(await isThere(file, folder + name))) absent.push(name);
  }
  if (absent.length === 0) return [];
  const more = absent.length > MOST_NAMED ? ", …" : "";
  const shown = `${absent.slice(0, MOST_NAMED).join(", ")}${more}`;
  return [`${absent.length} of the ${names.length} files of its OME-TIFF series are not there: ${shown}`];
}

/** Whether a file exists, compressed or not. */
async function isThere(file: NamedFile, path: string): Promise<boolean> {
  const plain = path.replace(GZIPPED, "");
  return (await isFile(file, plain)) || isFile(file, `${plain}.gz`);
}

async function isFile({ directory, followLinks = false }: NamedFile, path: string): Promise<boolean> {
  try {
    return await withConfinedFile(directory, path, async () => true, { followLinks });
  } catch (error) {
    // Missing, or not a regular file. A name that is too long counts as missing.
    if (error instanceof Failure || hasCode(error, "ENAMETOOLONG")) return false;
    throw error;
  }
}
