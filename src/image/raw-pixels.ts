// Converts raw camera frames to gray pixels: which formats are supported, how many bytes each takes, and how the bits of 10-
// and 12-bit sensors are placed in 16. Names are V4L2's four-character codes without padding.

import { Failure } from "../failure/failure.ts";
import type { Picture } from "./picture.ts";

interface RawFormat {
  /** Bits of a gray value. */
  readonly bits: 8 | 10 | 12 | 14 | 16;
  /** Bytes from one pixel's gray value to the next. */
  readonly step: 1 | 2;
  /** Bytes before the first gray value. */
  readonly start?: 1;
  /** Bytes of colour after the gray plane, as a share of it. */
  readonly colourShare?: 0.5 | 1;
}

/**
 * Formats whose gray values are taken exactly, best first: more bits before fewer, gray before colour. Of YUV formats, Y is
 * kept as it is: it is the gray value, and colour contains nothing that is measured.
 */
const RAW_FORMATS: Readonly<Record<string, RawFormat>> = {
  Y16: { bits: 16, step: 2 },
  Y14: { bits: 14, step: 2 },
  Y12: { bits: 12, step: 2 },
  Y10: { bits: 10, step: 2 },
  GREY: { bits: 8, step: 1 },
  YUYV: { bits: 8, step: 2 },
  UYVY: { bits: 8, step: 2, start: 1 },
  NV12: { bits: 8, step: 1, colourShare: 0.5 },
  YU12: { bits: 8, step: 1, colourShare: 0.5 },
};

/** All raw formats, best first. */
export const RAW_FORMAT_NAMES = Object.keys(RAW_FORMATS) as [string, ...string[]];

export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** Returns the bits of a gray value in `format`; undefined for a format that is not raw. */
export function bitsOf(format: string): number | undefined {
  return RAW_FORMATS[format]?.bits;
}

/** Returns the bytes of a frame without gaps between its rows. */
export function frameBytes(format: string, { width, height }: FrameSize): number {
  const { step, colourShare = 0 } = formatOf(format);
  return width * height * step * (1 + colourShare);
}

/**
 * Returns the gray plane of a raw frame. `bytesPerLine`: distance between rows, if the driver pads them. 16-bit values are
 * little-endian. Values of 10, 12 and 14 bits arrive in the low bits of 16, as V4L2 defines them. They are moved to the high
 * bits, and their highest bits are repeated below: black stays 0, white becomes 65535, and `value >> (16 - bits)` restores the
 * sensor's count exactly. Throws Failure camera.failed (retry later) if the frame is incomplete.
 */
export function grayOfRaw(bytes: Uint8Array, format: string, size: FrameSize, bytesPerLine?: number): Picture {
  const { bits, step, start = 0, colourShare = 0 } = formatOf(format);
  const { width, height } = size;
  const tight = width * step;
  const padded = Math.max(bytesPerLine ?? tight, tight);
  const whole = (line: number) => Math.round(line * height * (1 + colourShare));
  const line = bytes.length === whole(tight) ? tight : padded;
  if (bytes.length !== whole(line)) {
    throw new Failure(
      "camera.failed",
      `the camera delivered ${bytes.length} bytes, but a ${width}x${height} ${format} frame has ${whole(line)}`,
      {
        hint: "the frame is incomplete, or the resolution of the camera was changed; phorest opens the camera again",
        retry: "later",
      },
    );
  }
  if (bits === 8) {
    const pixels = new Uint8Array(width * height);
    for (let y = 0, at = 0; y < height; y++) {
      const row = y * line + start;
      if (step === 1) pixels.set(bytes.subarray(row, row + width), at);
      else for (let x = 0; x < width; x++) pixels[at + x] = bytes[row + x * step] as number;
      at += width;
    }
    return { pixels, width, height, bitDepth: 8 };
  }
  const pixels = new Uint16Array(width * height);
  const [up, down] = [16 - bits, 2 * bits - 16];
  let seen = 0;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0, from = y * line; x < width; x++, at++, from += 2) {
      const value = (bytes[from] as number) | ((bytes[from + 1] as number) << 8);
      seen |= value;
      pixels[at] = bits === 16 ? value : (value << up) | (value >> down);
    }
  }
  if (seen >> bits !== 0) {
    // This violates V4L2's definition of the format. Shifting would turn bright pixels into dark ones.
    throw new Failure("camera.failed", `the camera delivered ${format} values of more than ${bits} bits`, {
      hint: 'its driver aligns them differently; try Camera.pixel_format = "Y16"',
      retry: "later",
    });
  }
  return { pixels, width, height, bitDepth: 16 };
}

function formatOf(format: string): RawFormat {
  const found = RAW_FORMATS[format];
  if (found !== undefined) return found;
  throw new Failure("usage.invalid", `unknown raw format "${format}"`, {
    hint: `use one of ${RAW_FORMAT_NAMES.join(", ")}`,
  });
}
