// What has been read of a metadata.txt of Micro-Manager: the members of its JSON, taken one by one.
import { GZIPPED } from "../../system/numbered-name.ts";
import { ElapsedClock } from "./elapsed-clock.ts";
import { JsonMembers, jsonObject, textOf } from "./json-members.ts";
import {
  type ImageRecord,
  imageRecord,
  NO_SERIES,
  type Series,
  type SummaryRecord,
  seriesOf,
  summaryRecord,
} from "./micro-manager.ts";
import type { utf16Decoder } from "./text-encoding.ts";

/** Version 2.0 writes two members for an image: first its coordinates, then everything else. */
const COORDINATES_KEY = /^Coords-(.*)$/s;
const METADATA_KEY = /^Metadata-(.*)$/s;
const FRAME_KEY = /^FrameKey-(-?\d+)-(-?\d+)-(-?\d+)$/;

/** Time and coordinates of one image that a metadata.txt describes. */
export interface DescribedImage {
  readonly frame: number;
  readonly channel: number;
  readonly slice: number;
  /** Channel and slice as stated; undefined if 0 is only a default. */
  readonly stated: { readonly channel: number | undefined; readonly slice: number | undefined };
  readonly record: ImageRecord;
}

/** What has been read of one metadata.txt. */
export class Contents {
  readonly members = new JsonMembers();
  readonly byFile = new Map<string, DescribedImage[]>();
  /** Images of members that do not name a file. */
  readonly unnamed: DescribedImage[] = [];
  /** The same by frame and slice. */
  readonly unnamedAt = new Map<string, DescribedImage[]>();
  /** Coordinates of images whose other metadata has not been read yet, by the path in the member's name. */
  readonly #coordinates = new Map<string, Readonly<Record<string, unknown>>>();
  unreadable = 0;
  /** Number of images that have no time. */
  untimed = 0;
  /** Number of images whose key and metadata have different numbers for the same, and the first of them. */
  contradicting = 0;
  firstContradiction = "";
  bytes = 0;
  /** For UTF-16. */
  decoder: ReturnType<typeof utf16Decoder>;
  inode = -1n;
  series: Series = NO_SERIES;
  #summary: SummaryRecord | undefined;
  /** The first image with both times, and the first with a date. */
  #first: ImageRecord | undefined;
  #dated: ImageRecord | undefined;
  readonly #clock = new ElapsedClock();

  /** Takes a member of the JSON; members that describe no image are left out. */
  take(key: string, value: Buffer): void {
    const frameKey = FRAME_KEY.exec(key);
    const [, coordinatesOf] = COORDINATES_KEY.exec(key) ?? [];
    const [, named] = METADATA_KEY.exec(key) ?? [];
    if (frameKey === null && coordinatesOf === undefined && named === undefined && key !== "Summary") return;
    const json = jsonObject(textOf(value));
    if (json === undefined) this.unreadable++;
    else if (key === "Summary") this.#summary = summaryRecord(json);
    else if (coordinatesOf !== undefined) this.#coordinates.set(coordinatesOf, json);
    else this.#add(imageRecord({ ...this.#taken(named), ...json }), frameKey?.slice(1).map(Number), named);
  }

  /** Returns the coordinates of an image and forgets them: they are needed only once. */
  #taken(named: string | undefined): Readonly<Record<string, unknown>> | undefined {
    if (named === undefined) return undefined;
    const coordinates = this.#coordinates.get(named);
    this.#coordinates.delete(named);
    return coordinates;
  }

  /** Works out the series from what has been read so far. */
  settle(): void {
    const series = seriesOf(this.#first ?? this.#dated, this.#summary);
    const notes = [...series.notes, ...this.#clock.notes(), ...this.#clock.uncorrected()];
    const { usesReceived, hasElapsed } = this.#clock;
    this.series = { ...series, notes, usesReceived, hasElapsed };
  }

  /** Notes an image whose metadata contradict its key, by which it is read. */
  #compare(record: ImageRecord, frameKey: readonly number[]): void {
    const [name, of] = KEY_NUMBERS.find(([, of], at) => record[of] !== undefined && record[of] !== frameKey[at]) ?? [];
    if (name === undefined || of === undefined) return;
    this.contradicting++;
    if (this.contradicting === 1) this.firstContradiction = `FrameKey-${frameKey.join("-")} with ${name} ${record[of]}`;
  }

  #add(record: ImageRecord, frameKey: readonly number[] | undefined, named: string | undefined): void {
    if (frameKey !== undefined) this.#compare(record, frameKey);
    if (record.elapsedUs === undefined && record.received === undefined) {
      this.untimed++;
      return;
    }
    if (record.received !== undefined) this.#dated ??= record;
    if (record.received !== undefined && record.elapsedUs !== undefined) this.#first ??= record;
    const [frame = record.frame, channel = record.channel, slice = record.slice] = frameKey ?? [];
    const stated = { channel, slice };
    const image = { frame: frame ?? 0, channel: channel ?? 0, slice: slice ?? 0, stated, record };
    const file = record.file ?? named?.split(/[\\/]/).at(-1);
    const place = { ...record, channel: channel ?? record.channel, slice: slice ?? record.slice };
    this.#clock.add(place, file ?? `frame ${frame ?? 0}`);
    if (file === undefined) {
      this.unnamed.push(image);
      addTo(this.unnamedAt, `${image.frame} ${image.slice}`, image);
      return;
    }
    addTo(this.byFile, file.replace(GZIPPED, ""), image);
  }
}

/** What the numbers of a FrameKey are called in the metadata of an image, in their order. */
const KEY_NUMBERS = [
  ["FrameIndex", "frame"],
  ["ChannelIndex", "channel"],
  ["SliceIndex", "slice"],
] as const;

function addTo(lists: Map<string, DescribedImage[]>, key: string, image: DescribedImage): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [image]);
  else list.push(image);
}
