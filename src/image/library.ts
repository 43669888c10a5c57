// Loads sharp when the first image needs it. Loading takes 0.1 s of CPU in every thread, and plain gray files do not need it.
import type Sharp from "sharp";

export type ImageLibrary = typeof Sharp;

let loaded: ImageLibrary | undefined;

/** Returns the image library. Throws Node's error if it cannot be loaded. */
export async function imageLibrary(): Promise<ImageLibrary> {
  if (loaded === undefined) {
    const { default: sharp } = await import("sharp");
    // The analysis threads already work on one image each; libvips' own threads would only compete with capture.
    sharp.concurrency(1);
    sharp.cache(false);
    loaded = sharp;
  }
  return loaded;
}
