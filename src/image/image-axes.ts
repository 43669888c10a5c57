// Where in an acquisition an image in a file of its own is, by its name.

/** Where in an acquisition an image is, each counted from 0; undefined: its metadata or its name do not say. */
export interface ImageAxes {
  readonly channel?: number | undefined;
  /** Instead of the number, as names of version 1.4 have it. */
  readonly channelName?: string | undefined;
  readonly z?: number | undefined;
  readonly position?: number | undefined;
}

/** Name of 2.0: img_channel000_position000_time000000010_z000.tif */
const INDEXED = /^img_channel(\d+)_position(\d+)_time\d+_z(\d+)\.tiff?(?:\.gz)?$/i;
/** Name of 1.4: frame, channel, slice. */
const NAMED = /^img_\d{9}_(.*)_(\d{3,})\.tiff?(?:\.gz)?$/i;

/** What the name of a separate image says; undefined for other names. */
export function axesOfName(name: string): ImageAxes | undefined {
  const [, channel, position, z] = INDEXED.exec(name) ?? [];
  if (channel !== undefined) return { channel: Number(channel), position: Number(position), z: Number(z) };
  const [, channelName, slice] = NAMED.exec(name) ?? [];
  return channelName === undefined ? undefined : { channelName, z: Number(slice) };
}
