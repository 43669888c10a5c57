// sharp, loaded with the first image that needs it. Loading takes 0.1 s of CPU in every thread, and plain gray files are decoded
// without it.
import type Sharp from "sharp";

export type ImageLibrary = typeof Sharp;

let loaded: ImageLibrary | undefined;

/** The image library. Throws what Node throws where it cannot be loaded. */
export async function imageLibrary(): Promise<ImageLibrary> {
  if (loaded === undefined) {
    const { default: sharp } = await import("sharp");
    // One image per analysis thread is the parallelism; libvips' own threads would only compete with capture.
    sharp.concurrency(1);
    sharp.cache(false);
    loaded = sharp;
  }
  return loaded;
}
