// Reads the index of NDTiff, Micro-Manager's format for fast and large series. For each image NDTiff.index states its axes and
// its offset in one of the files NDTiffStack*.tif next to it. Those files are TIFFs whose pages do not state axes.
import { Failure } from "../failure/failure.ts";
import { type NamedFile, readConfined } from "../system/confined-file.ts";
import { isObject } from "./times/json-members.ts";

const INDEX = "NDTiff.index";
/** The index of a million images takes about 150 MB. */
const LARGEST_INDEX = 512 * 2 ** 20;
/** Offset, size, kind and compression of the pixels; offset, length and compression of the metadata. */
const NUMBERS = 8;
const LONGEST_TEXT = 2 ** 16;

export interface NdtiffPlace {
  readonly channel: number;
  readonly z: number;
  readonly position: number;
  readonly positionNames: readonly string[] | undefined;
  readonly time: number;
}

/** Numbers the names on an axis in the order of their first appearance. */
export class NamedNumbers {
  readonly #numbers = new Map<string, number>();
  /** Returns undefined for no value, and a number as it is. */
  number(value: unknown): number | undefined {
    if (typeof value === "number" && Number.isInteger(value)) return value;
    if (typeof value !== "string") return undefined;
    const known = this.#numbers.get(value) ?? this.#numbers.size;
    this.#numbers.set(value, known);
    return known;
  }
}

/**
 * Returns the images of a file by the offset of their pixels; undefined if there is no index next to it. An index that is cut
 * off (the acquisition crashed or is still running) is used up to its last complete entry.
 */
export async function ndtiffPlaces(file: NamedFile): Promise<Map<number, NdtiffPlace> | undefined> {
  const name = file.path.split("/").at(-1) ?? file.path;
  const bytes = await readIndex(file, file.path.slice(0, file.path.length - name.length) + INDEX);
  if (bytes === undefined) return undefined;
  const places = new Map<number, NdtiffPlace>();
  const [channels, positions, times] = [new NamedNumbers(), new NamedNumbers(), new NamedNumbers()];
  for (let at = 0; ; ) {
    const axes = textAt(bytes, at);
    const stack = axes === undefined ? undefined : textAt(bytes, axes.end);
    if (axes === undefined || stack === undefined || stack.end + 4 * NUMBERS > bytes.length) return places;
    at = stack.end + 4 * NUMBERS;
    const { channel, z, position, time, ...others } = objectOf(axes.text);
    // Counted over all files, so that a channel has the same number in each of them.
    const place = {
      channel: channels.number(channel) ?? 0,
      z: typeof z === "number" ? z : 0,
      position: positions.number(position) ?? 0,
      positionNames: typeof position === "string" ? [position] : undefined,
      // Axes with other names, which scripts create, count as time.
      time: times.number(time ?? Object.values(others)[0]) ?? 0,
    };
    if (stack.text === name) places.set(bytes.readUInt32LE(stack.end), place);
  }
}

async function readIndex({ directory, followLinks = false }: NamedFile, path: string): Promise<Buffer | undefined> {
  try {
    return await readConfined(directory, path, LARGEST_INDEX, { followLinks });
  } catch (error) {
    // Missing, too large, or just being written: then the pages are frames in time.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Reads a text that follows its length; undefined if it is incomplete. */
function textAt(bytes: Buffer, at: number): { readonly text: string; readonly end: number } | undefined {
  if (at + 4 > bytes.length) return undefined;
  const end = at + 4 + bytes.readUInt32LE(at);
  if (end > bytes.length || end - at > LONGEST_TEXT) return undefined;
  return { text: bytes.toString("utf8", at + 4, end), end };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
