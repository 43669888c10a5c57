// What the configuration says of image files: which are frames, and where their times come from.
import type { Config } from "../config/schema.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import type { FrameSubset } from "../image/frame-subset.ts";
import type { TimesOptions } from "../image/times/capture-times.ts";
import { usFromIso } from "../system/iso-time.ts";

/** Which frames of a file source are taken. */
export function configuredSubset({ every, from, to, limit }: Config["Camera"]): FrameSubset {
  const us = (text: string | undefined) => (text === undefined ? undefined : usFromIso(text, "utc"));
  return { every, fromUs: us(from), toUs: us(to), limit: limit === 0 ? undefined : limit };
}

/** Which pages of files with several images are frames. */
export function configuredPages({ channel, z, position }: Config["Camera"]): PageChoice {
  return { channel, z, position };
}

/** A table of the times of capture, and a pattern of the times in names. */
export function configuredTimes({ times_file: table, name_time: names }: Config["Camera"]): TimesOptions {
  return { table, names };
}
