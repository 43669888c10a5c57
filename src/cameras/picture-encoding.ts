// Converts a captured frame to the bytes of a file, for the collector and for pictures taken manually. Also stores brightfield
// pictures, which are never frames.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { captureFileName } from "../image/capture-name.ts";
import { encodePicture } from "../image/encode.ts";
import type { Picture } from "../image/picture.ts";
import { LARGEST_PICTURE_BYTES } from "../image/picture-name.ts";
import { transformPicture } from "../image/transform.ts";
import { readConfined } from "../system/confined-file.ts";
import { writeDurably } from "../system/files.ts";
import { freeName } from "../system/new-file.ts";
import type { CapturedFrame, TakenFrom } from "./frame.ts";

/** Storage settings of a camera's pictures. */
export interface Storing {
  /** Camera number in the file name. */
  readonly id: number;
  readonly transform: string;
  /** png, tiff or bmp. */
  readonly format: string;
}

export interface StoredPicture {
  readonly bytes: Uint8Array;
  /** Ending of the file name, without the dot. */
  readonly extension: string;
  readonly picture: Picture;
}

/**
 * Returns the file of a frame: encoded pictures byte for byte unless they must be rotated or mirrored; pixels in `format`, but
 * as TIFF if that format cannot hold their bits. Throws Failure camera.failed for a frame without a picture.
 */
export async function storedPicture(frame: CapturedFrame, { transform, format }: Storing): Promise<StoredPicture> {
  const { encoded } = frame;
  if (encoded !== undefined && transform === "NONE") return encoded;
  const given = frame.picture ?? encoded?.picture;
  if (given === undefined) throw new Failure("camera.failed", "the camera delivered no image", { retry: "later" });
  const picture = transformPicture(given, transform);
  const extension = picture.bitDepth === 16 && format === "bmp" ? "tiff" : format;
  return { bytes: await encodePicture(picture, extension), extension, picture };
}

/**
 * Returns the bytes of a picture file that another program wrote. Failures as readConfined, and `file.changed` (retry later) if
 * it is no longer what the source took.
 */
export async function readTaken({ directory, name, followLinks, sha256 }: TakenFrom): Promise<Buffer> {
  const bytes = await readConfined(directory, name, LARGEST_PICTURE_BYTES, { followLinks });
  if (sha256 === undefined || createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
  throw new Failure("file.changed", `${join(directory, name)}: it changed while it was being read`, {
    hint: "phorest retries when it stays unchanged",
    retry: "later",
  });
}

/** Prefix of brightfield pictures' names, so that no tool mistakes one for a frame. */
export const BRIGHTFIELD_PREFIX = "brightfield_";

/** Stores a brightfield picture durably and returns its path. Never overwrites a file. */
export async function storeBrightfield(
  frame: CapturedFrame | null,
  storing: Storing,
  directory: string,
): Promise<string> {
  if (frame === null || frame.file !== undefined) {
    throw new Failure(
      "usage.invalid",
      "this camera type reads files from another program, so it cannot take brightfield images",
      {
        hint: "set Services.enable_brightfield = false",
      },
    );
  }
  const { bytes, extension } = await storedPicture(frame, storing);
  const name = captureFileName(frame.capturedAtUs, storing.id, extension).replace(/^image_/, BRIGHTFIELD_PREFIX);
  const path = join(directory, freeName(directory, name));
  await writeDurably(path, bytes);
  return path;
}
