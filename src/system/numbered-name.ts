// Makes names for further files of the same name. The number is put before the extension, so that the name of an image stays one.
import { LONGEST_NAME_BYTES } from "./file-name.ts";

/** Extensions of image files, in lower case. */
export const PICTURE_EXTENSIONS: readonly string[] = [
  ...[".png", ".tif", ".tiff", ".btf", ".tf2", ".tf8"],
  ...[".bmp", ".jpg", ".jpeg", ".y4m"],
];

/** The extension of a TIFF file, with the dot, as a regular expression; OME-TIFF has three more for BigTIFF. */
export const TIFF_ENDING = String.raw`\.(?:tiff?|btf|tf[28])`;

/**
 * Name of a stack of images without a header: width, height and bits of an image, "be" for big-endian, "+N" for the number of
 * bytes before the first image. Other .raw files are not images.
 */
export const DECLARED_RAW = /[-_. ](\d{1,5})x(\d{1,5})x(8|10|12|14|16)(be)?(?:\+(\d{1,9}))?(?:-\d+)?\.raw$/i;
const RAW = ".raw";

export const GZIPPED = /\.gz$/i;
/** Earlier versions numbered `a.png.gz` as `a.png-1.gz`. */
export const NUMBERED_BEFORE = /-\d+\.gz$/i;

/**
 * Returns the n-th name to try for a file whose name is taken: `image.png.gz`, `image-1.png.gz`, `image-2.png.gz`, … All of them
 * differ, names of images stay such names, and none is longer than a file name may be: the stem is cut if necessary.
 */
export function numberedName(name: string, n: number): string {
  if (n === 0) return name;
  const ending = endingOf(name);
  const stem = name.slice(0, name.length - ending.length);
  const tail = `-${n}${ending}`;
  if (bytesOf(stem) + bytesOf(tail) <= LONGEST_NAME_BYTES) return stem + tail;
  // Shorter than the name itself, because the cut stem may end like the name.
  const room = Math.min(LONGEST_NAME_BYTES, bytesOf(name) - 1) - bytesOf(tail);
  return firstBytes(stem, room) + tail;
}

/** Returns the name that a numbered one was made from: `image.png` for `image-2.png`; undefined if there is no number. */
export function unnumberedName(name: string): string | undefined {
  const ending = endingOf(name);
  const stem = name.slice(0, name.length - ending.length).replace(/-\d+$/, "");
  return stem + ending === name || stem === "" ? undefined : stem + ending;
}

/** Returns the n-th name as earlier versions made it: the number was put before the last extension. */
export function numberedBefore(name: string, n: number): string {
  const dot = name.lastIndexOf(".");
  return n === 0 || dot <= 0 ? name : `${name.slice(0, dot)}-${n}${name.slice(dot)}`;
}

/** Returns `.png.gz` for an image; for any other name what follows its first dot, as in `history.csv.gz`. */
function endingOf(name: string): string {
  const packed = GZIPPED.exec(name)?.[0] ?? "";
  const extension = extensionOf(name.slice(0, name.length - packed.length));
  if (extension !== "") return extension + packed;
  const numbered = NUMBERED_BEFORE.exec(name);
  if (numbered !== null && extensionOf(name.slice(0, numbered.index)) !== "") {
    return extensionOf(name.slice(0, numbered.index)) + numbered[0];
  }
  const dot = name.indexOf(".", 1);
  return dot < 0 || name.length - dot > LONGEST_ENDING ? "" : name.slice(dot);
}

/** If the text after the first dot is longer, it is not an extension. */
const LONGEST_ENDING = 40;

/** Returns the extension of an image's name as it is written; empty for any other name. */
export function extensionOf(plain: string): string {
  const lower = plain.toLowerCase();
  const extension = PICTURE_EXTENSIONS.find((one) => lower.endsWith(one));
  if (extension === undefined) return DECLARED_RAW.test(plain) ? plain.slice(plain.length - RAW.length) : "";
  return plain.slice(plain.length - extension.length);
}

const bytesOf = (text: string): number => Buffer.byteLength(text);

/** Returns as many characters of `text` as fit into `bytes`. */
function firstBytes(text: string, room: number): string {
  let cut = "";
  let bytes = 0;
  for (const character of text) {
    bytes += bytesOf(character);
    if (bytes > room) break;
    cut += character;
  }
  return cut;
}
