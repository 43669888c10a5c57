// Refuses damaged JPEG pictures. JPEG has no checksum, and decoders silently fill missing parts with gray or shifted blocks. So
// all codes of the file are counted before it is decoded (native/image/jpeg_check.h).
import { Failure } from "../failure/failure.ts";
import { loadKernel } from "../native/kernel-binding.ts";

/**
 * Kinds of damage, in the order of the C++ side. "unknown": the compression cannot be checked; "large": more pixels than
 * phorest reads.
 */
const JPEG_DAMAGE = [
  "none",
  "unknown",
  "large",
  "header",
  "missing",
  "leftover",
  "invalid",
  "restart",
  "scans",
] as const;
type JpegDamage = (typeof JPEG_DAMAGE)[number];

export interface JpegFinding {
  readonly damage: JpegDamage;
  /** Blocks of the scan read before the damage, and the total number of blocks. */
  readonly blocks: number;
  readonly expected: number;
}

interface NativeJpegCheck {
  checkJpeg(bytes: Uint8Array): [damage: number, blocks: number, expected: number];
}

/** Checks whether the data of a JPEG file is complete. `bytes` begin with the start marker. Never throws. */
export function checkJpeg(bytes: Uint8Array): JpegFinding {
  const [damage, blocks, expected] = (loadKernel() as NativeJpegCheck).checkJpeg(bytes);
  return { damage: JPEG_DAMAGE[damage] ?? "unknown", blocks, expected };
}

/** Throws Failure `frame.unreadable` for a JPEG file that is damaged, or of a kind that cannot be checked. `where` names it. */
export function refuseDamagedJpeg(bytes: Uint8Array, where: string): void {
  const { damage, blocks, expected } = checkJpeg(bytes);
  // The general reader limits the size.
  if (damage === "none" || damage === "large") return;
  if (damage === "unknown") {
    throw new Failure(
      "frame.unreadable",
      `${where}: JPEG images with arithmetic coding, lossless coding or 12 bits are not supported, because phorest cannot detect damage in them`,
      {
        hint: "save it as a baseline JPEG, or better as PNG or TIFF",
      },
    );
  }
  const far = `${blocks} of ${expected} blocks`;
  const reasons: Readonly<Record<typeof damage, string>> = {
    header: "a segment of its header is inconsistent",
    missing: `it has data for only ${far}`,
    leftover: `it has data after the last of ${expected} blocks`,
    invalid: `an invalid value after ${far}`,
    restart: `restart markers are missing or out of order after ${far}`,
    scans: "a part of the image is missing",
  };
  throw new Failure("frame.unreadable", `${where}: the JPEG image is damaged or incomplete: ${reasons[damage]}`, {
    hint: "bytes were lost or changed; copy it again, or check the cable of the camera",
  });
}
