// Decides from its name whether a file is a picture.
import { Failure } from "../failure/failure.ts";
import { checkFileName, nameProblem, printable } from "../system/file-name.ts";
import { extensionOf, GZIPPED, NUMBERED_BEFORE, PICTURE_EXTENSIONS, TIFF_ENDING } from "../system/numbered-name.ts";

/** Largest file that is accepted as a picture, unless its format can contain many. */
export const LARGEST_PICTURE_BYTES = 2 ** 30;
const MAY_HOLD_MANY = new RegExp(`${TIFF_ENDING}$`, "i");

/** Throws Failure `file.refused` if a file is too large for the kind that its name states. `path` names it. */
export function checkPictureBytes(path: string, bytes: number): void {
  if (bytes <= LARGEST_PICTURE_BYTES || MAY_HOLD_MANY.test(path)) return;
  throw new Failure("file.refused", `cannot use ${path}: it is larger than ${LARGEST_PICTURE_BYTES} bytes`, {
    hint: "only a TIFF may be larger, as it can hold many images",
  });
}

/** Whether a file name is that of a picture, compressed by gzip or not. Hidden files are not. */
export function isPictureName(name: string): boolean {
  if (name.startsWith(".")) return false;
  return extensionOf(name.replace(GZIPPED, "")) !== "" || extensionOf(name.replace(NUMBERED_BEFORE, "")) !== "";
}

/** Returns why a name may not be opened as a picture, as the end of a sentence; undefined if it may. */
export function pictureNameProblem(name: string): string | undefined {
  return nameProblem(name) ?? (isPictureName(name) ? undefined : "is not the name of an image");
}

/** Throws Failure `file.refused` unless `name` is a plain file name of a picture. `from` says where the name was found. */
export function checkPictureName(name: string, from: string): void {
  checkFileName(name, from);
  if (isPictureName(name)) return;
  throw new Failure("file.refused", `${from}: the file name ${printable(name)} is not the name of an image`, {
    hint: `phorest only opens images: ${PICTURE_EXTENSIONS.join(", ")}, and .gz of these`,
  });
}
