// Recognises unsupported files by their first bytes, so that the error message can name the kind and say what to do about it.
import { Failure } from "../failure/failure.ts";

/** The supported kinds, for messages. */
export const READ_KINDS =
  "phorest reads PNG, TIFF, BMP, JPEG, Y4M and raw stacks such as series_640x480x12.raw, each also as .gz";

/** Number of bytes that are enough to recognise a file. */
export const KIND_BYTES = 132;

interface Kind {
  /** Name with its article. */
  readonly name: string;
  readonly remedy: string;
  readonly starts: (text: string) => boolean;
}

const AS_OME = "export it as OME-TIFF from the program that wrote it, or with Bio-Formats";
const AS_IMAGE = "save it as PNG or TIFF, gray, with all bits of the camera";
const AS_STACK = "save its images as TIFF, or as Y4M";

const at = (place: number, wanted: string) => (text: string) => text.startsWith(wanted, place);
const riff = (wanted: string) => (text: string) => text.startsWith("RIFF") && text.startsWith(wanted, 8);
const brand = (pattern: RegExp) => (text: string) => text.startsWith("ftyp", 4) && pattern.test(text.slice(8, 12));

/** The first match counts. */
const KINDS: readonly Kind[] = [
  { name: "a Zeiss CZI file", remedy: AS_OME, starts: at(0, "ZISRAWFILE") },
  { name: "a Nikon ND2 file", remedy: AS_OME, starts: at(0, "\xda\xce\xbe\x0a") },
  {
    name: "a Leica LIF file",
    remedy: AS_OME,
    starts: (text) => text.startsWith("\x70\0\0\0") && text[8] === "\x2a",
  },
  { name: "an Olympus or Zeiss file (OIB, ZVI)", remedy: AS_OME, starts: at(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") },
  { name: "an Andor SIF file", remedy: AS_OME, starts: at(0, "Andor Technology") },
  { name: "an HDF5 file", remedy: "write its images as TIFF", starts: at(0, "\x89HDF\r\n\x1a\n") },
  { name: "a FITS file", remedy: "write its images as TIFF", starts: at(0, "SIMPLE  =") },
  { name: "a NumPy file", remedy: "write its images as TIFF", starts: at(0, "\x93NUMPY") },
  { name: "a MATLAB file", remedy: "write its images as TIFF", starts: at(0, "MATLAB ") },
  { name: "a DICOM file", remedy: AS_IMAGE, starts: at(128, "DICM") },
  { name: "a GIF file", remedy: AS_IMAGE, starts: (text) => /^GIF8[79]a/.test(text) },
  { name: "a WebP file", remedy: AS_IMAGE, starts: riff("WEBP") },
  { name: "a JPEG 2000 file", remedy: AS_IMAGE, starts: at(0, "\0\0\0\x0cjP  \r\n\x87\n") },
  { name: "a JPEG 2000 file", remedy: AS_IMAGE, starts: at(0, "\xff\x4f\xff\x51") },
  { name: "a JPEG XL file", remedy: AS_IMAGE, starts: at(0, "\0\0\0\x0cJXL ") },
  { name: "a JPEG XL file", remedy: AS_IMAGE, starts: at(0, "\xff\x0a") },
  { name: "a PGM file", remedy: AS_IMAGE, starts: (text) => /^P[25]\s/.test(text) },
  { name: "a PPM file", remedy: AS_IMAGE, starts: (text) => /^P[36]\s/.test(text) },
  { name: "a PBM file", remedy: AS_IMAGE, starts: (text) => /^P[14]\s/.test(text) },
  { name: "a PAM file", remedy: AS_IMAGE, starts: (text) => /^P7\n/.test(text) },
  { name: "a HEIF or AVIF file", remedy: AS_IMAGE, starts: brand(/^(?:avi[fs]|hei[cfsx]|hev[cx]|mif1|msf1)$/) },
  { name: "a Photoshop file", remedy: AS_IMAGE, starts: at(0, "8BPS") },
  { name: "an OpenEXR file", remedy: AS_IMAGE, starts: at(0, "\x76\x2f\x31\x01") },
  { name: "an AVI video", remedy: AS_STACK, starts: riff("AVI ") },
  { name: "an MP4 or QuickTime video", remedy: AS_STACK, starts: at(4, "ftyp") },
  { name: "a Matroska or WebM video", remedy: AS_STACK, starts: at(0, "\x1a\x45\xdf\xa3") },
  {
    name: "a Y4M stack",
    remedy: "give it a name that ends in .y4m; phorest reads such a stack by its name",
    starts: at(0, "YUV4MPEG2 "),
  },
  { name: "a ZIP archive", remedy: "unpack it", starts: at(0, "PK\x03\x04") },
  { name: "a PDF", remedy: "export its images as PNG or TIFF", starts: at(0, "%PDF-") },
];

/** Returns the kind of an unsupported file, from its first bytes; undefined if it is not a known one. */
export function foreignKind(bytes: Uint8Array): Pick<Kind, "name" | "remedy"> | undefined {
  const { buffer, byteOffset, length } = bytes.subarray(0, KIND_BYTES);
  const text = Buffer.from(buffer, byteOffset, length).toString("latin1");
  return KINDS.find(({ starts }) => starts(text));
}

/** Returns the Failure `frame.unreadable` for a file of an unsupported kind. `where` names it. */
export function notRead(bytes: Uint8Array, where: string): Failure {
  const kind = foreignKind(bytes);
  if (kind === undefined) return new Failure("frame.unreadable", `${where}: not an image`, { hint: READ_KINDS });
  const { name, remedy } = kind;
  return new Failure("frame.unreadable", `${where}: ${name}, which phorest does not read`, { hint: remedy });
}
