// Finds the axes of an image (channel, position, slice) from its file name.

import { TIFF_ENDING } from "../system/numbered-name.ts";

/** Axes of an image, each counted from 0; undefined if neither its metadata nor its name states it. */
export interface ImageAxes {
  readonly channel?: number | undefined;
  /** Used instead of the number: file names of version 1.4 contain the channel's name. */
  readonly channelName?: string | undefined;
  readonly z?: number | undefined;
  readonly position?: number | undefined;
  /** Names of the position: more than one if the metadata names it in several ways. */
  readonly positionNames?: readonly string[] | undefined;
}

/** File name of version 2.0: img_channel000_position000_time000000010_z000.tif */
const INDEXED = /^img_channel(\d+)_position(\d+)_time\d+_z(\d+)\.tiff?(?:\.gz)?$/i;
/** File name of version 1.4: frame, channel, slice. */
const NAMED = /^img_\d{9}_(.*)_(\d{3,})\.tiff?(?:\.gz)?$/i;
/** Name of a stack, or of an image in OME-XML, followed by the position. */
const STACK = new RegExp(String.raw`_MMStack_(.+?)(?:(?:\.ome)?${TIFF_ENDING}(?:\.gz)?)?$`, "i");
/** Suffix after the position in the names of a stack's further files. A number in a position's own name begins with 0. */
const FURTHER_FILE = /_[1-9]\d*$/;
/** Micro-Manager's name for positions without a name. */
const NUMBERED = /^Pos-?(\d+)$/i;

/** Returns the axes in the name of a separate image; undefined for other names. */
export function axesOfName(name: string): ImageAxes | undefined {
  const [, channel, position, z] = INDEXED.exec(name) ?? [];
  if (channel !== undefined) return { channel: Number(channel), position: Number(position), z: Number(z) };
  const [, channelName, slice] = NAMED.exec(name) ?? [];
  return channelName === undefined ? undefined : { channelName, z: Number(slice) };
}

/** A position with its name, and its number if the name contains one. */
export interface NamedPosition {
  readonly name: string;
  readonly number: number | undefined;
}

/**
 * Returns the position in the name of a Micro-Manager stack, such as Series_1_MMStack_Pos0.ome.tif. Undefined for other names.
 */
export function positionOfName(name: string): NamedPosition | undefined {
  const position = STACK.exec(name)?.[1]?.replace(FURTHER_FILE, "");
  // In a stack without positions, further files have only a number here.
  return position === undefined || /^\d+$/.test(position) ? undefined : namedPosition(position);
}

/** Returns the position for a name found in metadata. */
export function namedPosition(name: string): NamedPosition {
  const number = NUMBERED.exec(name)?.[1];
  return { name, number: number === undefined ? undefined : Number(number) };
}
