// Where in an acquisition an image is, by the name of its file.

import { TIFF_ENDING } from "../system/numbered-name.ts";

/** Where in an acquisition an image is, each counted from 0; undefined: its metadata or its name do not say. */
export interface ImageAxes {
  readonly channel?: number | undefined;
  /** Instead of the number, as names of version 1.4 have it. */
  readonly channelName?: string | undefined;
  readonly z?: number | undefined;
  readonly position?: number | undefined;
  /** What the position is called; several where the metadata have several names for it. */
  readonly positionNames?: readonly string[] | undefined;
}

/** Name of 2.0: img_channel000_position000_time000000010_z000.tif */
const INDEXED = /^img_channel(\d+)_position(\d+)_time\d+_z(\d+)\.tiff?(?:\.gz)?$/i;
/** Name of 1.4: frame, channel, slice. */
const NAMED = /^img_\d{9}_(.*)_(\d{3,})\.tiff?(?:\.gz)?$/i;
/** Name of a stack, or of an image in OME-XML: the position follows. */
const STACK = new RegExp(String.raw`_MMStack_(.+?)(?:(?:\.ome)?${TIFF_ENDING}(?:\.gz)?)?$`, "i");
/** Behind the position of the further files of a stack; numbers in a position's own name begin with a 0. */
const FURTHER_FILE = /_[1-9]\d*$/;
/** Micro-Manager's name for positions without a name. */
const NUMBERED = /^Pos-?(\d+)$/i;

/** What the name of a separate image says; undefined for other names. */
export function axesOfName(name: string): ImageAxes | undefined {
  const [, channel, position, z] = INDEXED.exec(name) ?? [];
  if (channel !== undefined) return { channel: Number(channel), position: Number(position), z: Number(z) };
  const [, channelName, slice] = NAMED.exec(name) ?? [];
  return channelName === undefined ? undefined : { channelName, z: Number(slice) };
}

/** A position by its name, with its number where the name has it. */
export interface NamedPosition {
  readonly name: string;
  readonly number: number | undefined;
}

/** The position that the name of one of Micro-Manager's stacks says: Series_1_MMStack_Pos0.ome.tif. Undefined for other names. */
export function positionOfName(name: string): NamedPosition | undefined {
  const position = STACK.exec(name)?.[1]?.replace(FURTHER_FILE, "");
  // The further files of a stack without positions have a number only.
  return position === undefined || /^\d+$/.test(position) ? undefined : namedPosition(position);
}

/** A position by the name that metadata have for it. */
export function namedPosition(name: string): NamedPosition {
  const number = NUMBERED.exec(name)?.[1];
  return { name, number: number === undefined ? undefined : Number(number) };
}
