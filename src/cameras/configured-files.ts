// Reads the settings of image files from the configuration: which are frames, and the source of their times.
import type { Config } from "../config/schema.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import type { FrameSubset } from "../image/frame-subset.ts";
import type { TimesOptions } from "../image/times/capture-times.ts";
import { usFromIso } from "../system/iso-time.ts";

/** Returns which frames of a file source are taken. */
export function configuredSubset({ every, from, to, limit }: Config["Camera"]): FrameSubset {
  const us = (text: string | undefined) => (text === undefined ? undefined : usFromIso(text, "utc"));
  return { every, fromUs: us(from), toUs: us(to), limit: limit === 0 ? undefined : limit };
}

/** Returns which pages of files with several images are frames. */
export function configuredPages({ channel, z, position }: Config["Camera"]): PageChoice {
  return { channel, z, position };
}

/** Returns the table of capture times, and the pattern of times in names. */
export function configuredTimes({ times_file: table, name_time: names }: Config["Camera"]): TimesOptions {
  return { table, names };
}
