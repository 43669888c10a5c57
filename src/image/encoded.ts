// Checks pictures that a camera or program encoded itself. They are decoded to the end before they count as captured.

import { Failure, failureLine } from "../failure/failure.ts";
import { decodeBytes } from "./decode.ts";
import type { Picture } from "./picture.ts";

/**
 * A picture file in memory that decoded without error. It is stored byte for byte unless it must be rotated or mirrored first.
 */
export interface EncodedPicture {
  readonly bytes: Uint8Array;
  /** The decoded picture. A picture that cannot be decoded is not stored. */
  readonly picture: Picture;
  /** Ending of the file name, without the dot. */
  readonly extension: string;
}

const ENDINGS: readonly (readonly [string, readonly number[]])[] = [
  ["png", [0x89, 0x50, 0x4e, 0x47]],
  ["jpg", [0xff, 0xd8, 0xff]],
  ["tiff", [0x49, 0x49, 0x2a, 0x00]],
  ["tiff", [0x4d, 0x4d, 0x00, 0x2a]],
  ["bmp", [0x42, 0x4d]],
];

/**
 * Finds the encoded picture in a frame and keeps it byte for byte, so that nothing is lost by encoding it twice. `from` names
 * its origin in errors; `hint` says what to do if there is no picture. Throws Failure camera.failed (retry later) if the
 * picture is incomplete or missing.
 */
export async function encodedFrame(
  bytes: Uint8Array,
  from: string,
  hint = "it must write the image, and nothing else, to standard output",
): Promise<{ readonly encoded?: EncodedPicture; readonly picture?: Picture }> {
  if (bytes.length === 0) {
    throw new Failure("camera.failed", `${from} succeeded but returned no image`, {
      hint,
      retry: "later",
    });
  }
  const picture = await decodeBytes(bytes, from).catch((error: unknown) => {
    throw new Failure("camera.failed", `${failureLine(error)}`, {
      hint: `it returned ${bytes.length} bytes; phorest discards this image and retries`,
      retry: "later",
      cause: error,
    });
  });
  const extension = ENDINGS.find(([, start]) => start.every((byte, at) => bytes[at] === byte))?.[0];
  return extension === undefined ? { picture } : { encoded: { bytes, picture, extension } };
}
