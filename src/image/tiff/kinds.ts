// Decides which kinds of TIFF are read, by which reader, and names the others. A file of another kind is refused with its name,
// not reported as damaged.
import { Failure } from "../../failure/failure.ts";
import { COMPRESSION, hasPredictor, isDeflate, isUnpackedHere } from "./compression.ts";
import { type PageFields, PHOTOMETRIC, SAMPLE } from "./page-fields.ts";
import { PREDICTOR } from "./predictor.ts";

/**
 * Which gray values to use where OpenCV, the reader of the established program, differs from the TIFF standard: `established`
 * is OpenCV, `precise` the standard. docs/user-guide.md lists all differences.
 */
export type Reading = "established" | "precise";

/** Names of compressions that occur but are not supported. */
const COMPRESSIONS: Readonly<Record<number, string>> = {
  6: "old-style JPEG",
  33003: "JPEG 2000",
  33005: "JPEG 2000",
  34712: "JPEG 2000",
  34887: "LERC",
  34892: "lossy JPEG",
  34925: "LZMA",
  50001: "WebP",
  50002: "JPEG XL",
  52546: "JPEG XL",
};
const JPEG = 7;
/** Left to libtiff: three forms of CCITT, and JPEG. */
const LEFT_TO_LIBRARY: ReadonlySet<number> = new Set([2, 3, 4, JPEG]);
/** Sample sizes that libtiff reads, bits: 1, 2 and 4 are stretched to 8. */
const LIBRARY_BITS: ReadonlySet<number> = new Set([1, 2, 4, 8, 16]);
const OWN_BITS: Readonly<Record<number, readonly number[]>> = {
  [SAMPLE.unsigned]: [8, 9, 10, 11, 12, 13, 14, 15, 16, 32],
  [SAMPLE.signed]: [8, 16, 32],
  [SAMPLE.float]: [32, 64],
};
const KIND_NAMES: Readonly<Record<number, string>> = {
  [SAMPLE.signed]: "signed ",
  [SAMPLE.float]: "floating-point ",
  5: "complex ",
  6: "complex ",
};
const PHOTOMETRICS: Readonly<Record<number, string>> = {
  4: "a mask",
  [PHOTOMETRIC.mosaic]: "raw data of a colour sensor (DNG, CFA)",
};

export const isUnsigned = ({ sampleFormat }: PageFields): boolean =>
  sampleFormat === SAMPLE.unsigned || sampleFormat === SAMPLE.unspecified;

/**
 * Whether phorest reads the samples itself. What sharp reads correctly is left to it: it unpacks LZW seven times as fast.
 * Deflate is read here, because libtiff stops at the last pixel, before the checksum, and so accepts damaged pixels.
 */
export function isReadHere(fields: PageFields, reading: Reading = "precise"): boolean {
  return isKnownHere(fields) && !isReadByLibrary(fields, reading);
}

function isKnownHere(fields: PageFields): boolean {
  if (!isUnpackedHere(fields.compression) || fields.mixedBits) return false;
  if (isGray(fields)) return (OWN_BITS[formatOf(fields)] ?? []).includes(fields.bits);
  return isColour(fields) && isUnsigned(fields) && (fields.bits === 8 || fields.bits === 16);
}

function isReadByLibrary(fields: PageFields, reading: Reading): boolean {
  const { bits, compression, photometric } = fields;
  if (!isUnsigned(fields) || !LIBRARY_BITS.has(bits) || compression === COMPRESSION.zstd) return false;
  if (isDeflate(compression)) return false;
  // sharp reports tiles in separate planes, and files that do not state their photometry, as damaged.
  if (fields.isPlanar || photometric === undefined || photometric === PHOTOMETRIC.linearRaw) return false;
  if (isGray(fields) && fields.samples > 1) return false;
  return reading === "precise" || bits !== 16 || photometric !== PHOTOMETRIC.whiteIsZero;
}

/**
 * Whether a picture is gray; the first sample of each pixel is then used. A single sample without photometry counts as gray
 * from black. Several raw samples are the colours of a sensor.
 */
function isGray({ samples, photometric }: PageFields): boolean {
  if (photometric === undefined || photometric === PHOTOMETRIC.linearRaw) return samples === 1;
  return GRAYS.has(photometric);
}

const GRAYS: ReadonlySet<number> = new Set([PHOTOMETRIC.whiteIsZero, PHOTOMETRIC.blackIsZero]);

const isColour = ({ samples, photometric }: PageFields): boolean =>
  photometric === PHOTOMETRIC.rgb && (samples === 3 || samples === 4);

const formatOf = (fields: PageFields): number => (isUnsigned(fields) ? SAMPLE.unsigned : fields.sampleFormat);

/** Throws Failure `frame.unreadable`, with the name of the kind, for an unsupported picture. `where` names the file. */
export function refuseKind(fields: PageFields, where: string): void {
  const { bits, compression, photometric, predictor } = fields;
  const isColourRaw = photometric === PHOTOMETRIC.linearRaw && fields.samples > 1;
  const name = PHOTOMETRICS[isColourRaw ? PHOTOMETRIC.mosaic : (photometric ?? PHOTOMETRIC.blackIsZero)];
  if (name !== undefined) throw refused(where, `a TIFF with ${name} is not read`, "save it as gray or RGB");
  if (fields.depth > 1) {
    const what = `a volumetric TIFF with ${fields.depth} planes in one page is not read`;
    throw refused(where, what, "save each plane as a page of its own");
  }
  const isHere = isReadHere(fields);
  if (!isHere && (!isUnsigned(fields) || !LIBRARY_BITS.has(bits))) {
    throw refused(
      where,
      `a TIFF with ${samplesText(fields)} is not read`,
      "save it with 8 or 16 bits per sample, unsigned",
    );
  }
  if (!isUnpackedHere(compression) && !LEFT_TO_LIBRARY.has(compression)) {
    const called = COMPRESSIONS[compression] ?? `number ${compression}`;
    throw refused(where, `a TIFF with the compression ${called} is not read`, SAVE_PLAIN);
  }
  if (!isHere && compression === COMPRESSION.zstd) {
    throw refused(
      where,
      "a TIFF with the compression Zstandard is read only in gray and RGB of 8 and 16 bits",
      SAVE_PLAIN,
    );
  }
  if (!isHere && photometric === undefined) {
    const what = `a TIFF with ${fields.samples} samples per pixel of unknown meaning is not read`;
    throw refused(where, what, "it has no PhotometricInterpretation; save it as gray or RGB");
  }
  if (!isHere && photometric === PHOTOMETRIC.linearRaw) {
    throw refused(where, "a TIFF with compressed raw data of a sensor (DNG, LinearRaw) is not read", SAVE_PLAIN);
  }
  if (!isHere && fields.isPlanar && fields.samples > 1) {
    const what = "a TIFF with samples in separate planes is read only in gray and RGB of 8 and 16 bits";
    throw refused(where, `${what}, without JPEG or CCITT compression`, "save it as gray or RGB in one plane");
  }
  if (isHere && hasPredictor(compression) && !isUndone(fields)) {
    throw refused(where, `a TIFF with ${samplesText(fields)} and the predictor ${predictor} is not read`, SAVE_PLAIN);
  }
}

const SAVE_PLAIN = "save it uncompressed, or with LZW or deflate";

/** Whether the predictor is defined for such samples, as in libtiff. */
function isUndone({ predictor, bits, sampleFormat }: PageFields): boolean {
  if (predictor === PREDICTOR.none) return true;
  if (predictor === PREDICTOR.differences) return bits === 8 || bits === 16 || bits === 32;
  return predictor === PREDICTOR.float && sampleFormat === SAMPLE.float;
}

/** "packed samples of 12 bits" */
export function samplesText(fields: PageFields): string {
  const { bits, sampleFormat } = fields;
  const packed = bits % 8 === 0 ? "" : "packed ";
  return `${packed}${isUnsigned(fields) ? "" : (KIND_NAMES[sampleFormat] ?? "unknown ")}samples of ${bits} bits`;
}

export function refused(where: string, what: string, hint: string): Failure {
  return new Failure("frame.unreadable", `${where}: ${what}`, { hint });
}
