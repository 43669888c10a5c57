// Reads times in the metadata of Micro-Manager 1.4 and 2.0 and of NDTiff, for one image and for a whole series. metadata.txt
// and tag 51123 of each page use the same keys.

import { type ReadTime, readTime } from "../../system/time-text.ts";
import { isObject } from "./json-members.ts";
import { LONGEST_US } from "./plausible.ts";
import { type StatedSize, sizeOf } from "./stated-size.ts";

/** What the metadata of one image states about its time and place in the series. */
export interface ImageRecord {
  /** `ElapsedTime-ms`, in microseconds since the start of the acquisition. */
  readonly elapsedUs: number | undefined;
  /** `ReceivedTime` or `Time`: when the program received the image. */
  readonly received: ReadTime | undefined;
  /** Name of the image's file without directories. */
  readonly file: string | undefined;
  readonly frame: number | undefined;
  readonly slice: number | undefined;
  readonly channel: number | undefined;
  readonly channelName: string | undefined;
  readonly position: number | undefined;
  readonly positionName: string | undefined;
  readonly size: StatedSize | undefined;
}

/** What the summary of an acquisition states about its start. */
export interface SummaryRecord {
  readonly start: ReadTime | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Reads the metadata of one image. Missing keys are undefined. */
export function imageRecord(json: Json): ImageRecord {
  const elapsedMs = numberOf(json, "ElapsedTime-ms", "ElapsedTimeMs");
  const isPossible = elapsedMs !== undefined && Math.abs(elapsedMs) * 1000 <= LONGEST_US;
  // NDTiff states the place of an image here, by numbers or names.
  const axes: Json = isObject(json.Axes) ? json.Axes : {};
  const received = textOf(json, "ReceivedTime", "receivedTime", "Time");
  return {
    elapsedUs: isPossible ? Math.round(elapsedMs * 1000) : undefined,
    received: received === undefined ? undefined : readTime(received),
    file: textOf(json, "FileName")?.split(/[\\/]/).at(-1),
    frame: numberOf(json, "FrameIndex", "Frame") ?? numberOf(axes, "time"),
    slice: numberOf(json, "SliceIndex", "Slice") ?? numberOf(axes, "z"),
    channel: numberOf(json, "ChannelIndex") ?? numberOf(axes, "channel"),
    channelName: textOf(json, "Channel") ?? textOf(axes, "channel"),
    position: numberOf(json, "PositionIndex") ?? numberOf(axes, "position"),
    positionName: textOf(json, "PositionName") ?? textOf(axes, "position"),
    size: sizeOf(numberOf(json, "Width"), numberOf(json, "Height"), textOf(json, "PixelType")),
  };
}

/** Reads the summary of an acquisition: `StartTime` of 2.0, `Time` of 1.4, `DateAndTime` of NDTiff. */
export function summaryRecord(json: Json): SummaryRecord {
  const start = textOf(json, "StartTime", "Time", "DateAndTime");
  return { start: start === undefined ? undefined : readTime(start) };
}

/**
 * Returns the value of the first key that exists. Version 2.0 wraps some values: `{"PropVal": …}` in its first versions,
 * `{"scalar": …}` later.
 */
function plainValue(json: Json, keys: readonly string[]): unknown {
  for (const key of keys) {
    const value = json[key];
    const plain = isObject(value) ? (value.PropVal ?? value.scalar) : value;
    if (plain !== undefined && plain !== null) return plain;
  }
  return undefined;
}

function numberOf(json: Json, ...keys: string[]): number | undefined {
  const value = plainValue(json, keys);
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function textOf(json: Json, ...keys: string[]): string | undefined {
  const value = plainValue(json, keys);
  return typeof value === "string" ? value : undefined;
}

/** A start that differs by more than this from the first image belongs to another acquisition. */
const LARGEST_START_ERROR_US = 2e6;
const SECOND_US = 1e6;

/** How the times of a series are computed from its images. */
export interface Series {
  /** Microseconds since the epoch at elapsed time zero; undefined if there is no date. */
  readonly startUs: number | undefined;
  readonly hasZone: boolean;
  readonly notes: readonly string[];
  /** The elapsed times are wrong. */
  readonly usesReceived?: boolean;
  /** Some image has an elapsed time. */
  readonly hasElapsed?: boolean;
}

export const NO_SERIES: Series = { startUs: undefined, hasZone: true, notes: [] };

/**
 * Returns the start of a series, from its summary and its first image with both times. `ElapsedTime-ms` is the clock of the
 * camera or of the acquisition; `ReceivedTime` is up to a few frames late. So the time of an image is the start plus its
 * elapsed time. The start is `StartTime` if that agrees with the first image. Only the first image is used, so that the start
 * does not change while an acquisition adds images.
 */
export function seriesOf(first: ImageRecord | undefined, summary: SummaryRecord | undefined): Series {
  const start = summary?.start;
  if (first?.received === undefined || first.elapsedUs === undefined) {
    return { startUs: start?.us, hasZone: (start ?? first?.received)?.hasZone ?? true, notes: [] };
  }
  const { received, elapsedUs } = first;
  const imageUs = received.us - elapsedUs;
  const ofImage = { startUs: imageUs, hasZone: received.hasZone };
  // Two times cannot be compared if only one has a time zone.
  if (start === undefined || start.hasZone !== received.hasZone) return { ...ofImage, notes: [] };
  const apartUs = imageUs - start.us;
  if (Math.abs(apartUs) <= LARGEST_START_ERROR_US) {
    return start.hasFraction ? { startUs: start.us, hasZone: start.hasZone, notes: [] } : { ...ofImage, notes: [] };
  }
  const apart = `${(apartUs / SECOND_US).toFixed(1)} s`;
  const note = `the start of the acquisition and the time of its first image differ by ${apart}; phorest uses the image's`;
  return { ...ofImage, notes: [note] };
}

/**
 * Returns the time of one image: the start plus its elapsed time, or the time when it was received. A series uses only one of
 * the two clocks: they differ by the lag of the camera, or by a second if the received times are whole seconds. Undefined if an
 * image has only the other one.
 */
export function timeOf(
  { elapsedUs, received }: ImageRecord,
  { startUs, usesReceived, hasElapsed }: Series,
): number | undefined {
  if (usesReceived === true && received !== undefined) return received.us;
  if (elapsedUs !== undefined) return (startUs ?? 0) + elapsedUs;
  return hasElapsed === true ? undefined : received?.us;
}

export const NO_ZONE = "the Micro-Manager metadata have no time zone; phorest reads the times as UTC";
