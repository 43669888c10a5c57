// Reads stacks without directories: Y4M, whose header states the size, and raw frames one after the other, whose size is in the
// file name, as in series_640x480x12.raw. They are presented as a TIFF with one uncompressed strip per page.
import { Failure } from "../failure/failure.ts";
import { DECLARED_RAW, GZIPPED } from "../system/numbered-name.ts";
import { type ByteSource, bytesAt } from "./tiff/byte-source.ts";
import { fieldOf, type PageShape } from "./tiff/page-shape.ts";
import { MOST_PAGES, type TiffPage, type TiffSeries } from "./tiff/series.ts";

const RAW = /\.raw(?:\.gz)?$/i;
const Y4M = /\.y4m(?:\.gz)?$/i;
const Y4M_SIGNATURE = "YUV4MPEG2 ";
const HEADER_BYTES = 1024;
/** Begins the line before each frame of a Y4M file. */
const FRAME = "FRAME";
const FRAME_BYTES = 256;
/** Gray, or a colour format with this subsampling. Samples of more than 8 bits take two bytes. */
const Y4M_KIND = /^(mono|420|422|444|411)(?:jpeg|paldv|mpeg2|(alpha)|p?(9|10|12|14|16))?$/;

interface Frames {
  readonly width: number;
  readonly height: number;
  readonly bits: 8 | 16;
  readonly little: boolean;
  /** Bytes of colour data after the gray plane. */
  readonly colourBytes: number;
  /** Offset of the first frame, bytes. */
  readonly start: number;
  /** Whether a line of text precedes each frame. */
  readonly hasHeads: boolean;
}

/** Whether a file is a stack without directories, by its name. */
export const isFlatName = (name: string): boolean => RAW.test(name) || Y4M.test(name);

/**
 * Returns the frames of a stack without directories; undefined if the file name is not that of one. Throws Failure
 * `frame.unreadable` if the size is not stated or the kind is not supported.
 */
export async function readFlatSeries(source: ByteSource, name: string): Promise<TiffSeries | undefined> {
  if (!isFlatName(name)) return undefined;
  const frames = RAW.test(name) ? declaredFrames(name) : y4mFrames(await bytesAt(source, 0, HEADER_BYTES), name);
  const { width, height, bits, little } = frames;
  const planeBytes = (width * height * bits) / 8;
  if (planeBytes === 0) throw unreadable(name, "a stack of images without pixels", "check its width and height");
  if (source.size > 0 && source.size < frames.start) {
    const what = `its images begin after ${frames.start} bytes, by its name, but the file has only ${source.size}`;
    throw unreadable(name, what, "correct the number after + in its name");
  }
  const shape: PageShape = { fields: fieldsOf(frames), isTiled: false, sizes: [planeBytes] };
  const pages: TiffPage[] = [];
  const leftOut: string[] = [];
  let at = frames.start;
  for (let index = 0; at < source.size && index < MOST_PAGES; index++) {
    const from = frames.hasHeads ? await frameStart(source, at) : at;
    if (from === "broken") {
      leftOut.push(`page ${index + 1}: the frame does not begin with a line FRAME: the file is damaged from there on`);
      break;
    }
    const end = from === undefined ? Number.POSITIVE_INFINITY : from + planeBytes + frames.colourBytes;
    if (from === undefined || end > source.size) {
      leftOut.push(`page ${index + 1}: the file is cut off`);
      break;
    }
    pages.push({ index, at: 0, shift: 0, width, height, bits, shape, from });
    at = end;
  }
  return {
    layout: { little, big: false },
    firstAt: 0,
    pages,
    count: pages.length + leftOut.length,
    leftOut,
    notes: [],
  };
}

function fieldsOf({ width, height, bits, little }: Frames): PageShape["fields"] {
  const fields = [
    [256, width],
    [257, height],
    [258, bits],
    [259, 1],
    [262, 1],
    [277, 1],
    [278, height],
  ] as const;
  return fields.map(([tag, value]) => fieldOf(tag, [value], little));
}

function declaredFrames(name: string): Frames {
  const [, width, height, bits, high, start] = DECLARED_RAW.exec(name.replace(GZIPPED, "")) ?? [];
  if (width === undefined) {
    throw unreadable(
      name,
      "its name does not say the size of its images",
      "rename it to NAME_WIDTHxHEIGHTxBITS.raw, such as series_640x480x12.raw",
    );
  }
  const size = { width: Number(width), height: Number(height) };
  const little = high === undefined;
  return { ...size, bits: bits === "8" ? 8 : 16, little, colourBytes: 0, start: Number(start ?? 0), hasHeads: false };
}

/**
 * Returns the interval between frames from the header of a Y4M file, microseconds; undefined for other files and an unknown
 * rate (`F0:0`).
 */
export function y4mIntervalUs(head: Buffer): number | undefined {
  const [, frames, seconds] = /^(\d{1,9}):(\d{1,9})$/.exec(y4mValues(head)?.("F") ?? "") ?? [];
  const us = (Number(seconds) / Number(frames)) * 1e6;
  return us > 0 && Number.isFinite(us) ? us : undefined;
}

/** Returns a function that gives the value after a letter in the header of a Y4M file; undefined for other files. */
function y4mValues(head: Buffer): ((letter: string) => string | undefined) | undefined {
  const text = head.toString("latin1", 0, Math.max(0, head.subarray(0, HEADER_BYTES).indexOf("\n")));
  if (!text.startsWith(Y4M_SIGNATURE)) return undefined;
  const parts = text.split(" ").slice(1);
  return (letter) => parts.find((part) => part.startsWith(letter))?.slice(1);
}

function y4mFrames(head: Buffer, name: string): Frames {
  const end = head.indexOf("\n");
  const value = y4mValues(head);
  if (value === undefined)
    throw unreadable(name, "not a Y4M file", "it does not start with a Y4M header; check what wrote it");
  const [width, height, kind] = [Number(value("W")), Number(value("H")), value("C") ?? "420"];
  const [, sampling, alpha, deep] = Y4M_KIND.exec(kind) ?? [];
  if (sampling === undefined) throw unreadable(name, `Y4M of the kind ${kind} is not read`, "save it as C420 or Cmono");
  if (!(width > 0 && height > 0)) throw unreadable(name, "its header does not say a size", "check what wrote it");
  const bits = deep === undefined ? 8 : 16;
  const samples = colourSamples(sampling, width, height) + (alpha === undefined ? 0 : width * height);
  return { width, height, bits, little: true, colourBytes: (samples * bits) / 8, start: end + 1, hasHeads: true };
}

/** Returns the number of samples of both colour planes. */
function colourSamples(sampling: string, width: number, height: number): number {
  const half = Math.ceil(width / 2);
  const planes: Readonly<Record<string, number>> = {
    mono: 0,
    420: 2 * half * Math.ceil(height / 2),
    422: 2 * half * height,
    444: 2 * width * height,
    411: 2 * Math.ceil(width / 4) * height,
  };
  return planes[sampling] ?? 0;
}

/** Returns the offset after a frame's header line; undefined if the file ends before the end of the line. */
async function frameStart(source: ByteSource, at: number): Promise<number | "broken" | undefined> {
  const line = await bytesAt(source, at, FRAME_BYTES);
  const end = line.indexOf("\n");
  const begin = line.toString("latin1", 0, FRAME.length);
  if (!FRAME.startsWith(begin)) return "broken";
  if (end >= 0) return begin === FRAME ? at + end + 1 : "broken";
  return line.length < FRAME_BYTES ? undefined : "broken";
}

function unreadable(where: string, what: string, hint: string): Failure {
  return new Failure("frame.unreadable", `${where}: ${what}`, { hint });
}
