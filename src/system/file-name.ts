// Decides which names may be opened. A name from a database, an archive, a share or a watched directory is untrusted: it may name
// one file in the directory it belongs to, and nothing else.
import { Failure } from "../failure/failure.ts";

/** The longest file name that common file systems support (ext4, XFS, NTFS in UTF-8, NFS), bytes. */
export const LONGEST_NAME_BYTES = 255;

/** Returns why a text is not a plain file name (completes a sentence); undefined if it is one. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name === "." || name === "..") return "is a directory";
  if (name.includes("/")) return "contains a slash";
  if (name.includes("\0")) return "contains a NUL character";
  // A lone surrogate, or the character that Node substitutes for bytes that are not UTF-8, does not name the original file.
  if (Buffer.from(name).toString() !== name || name.includes("\uFFFD")) return "is not valid UTF-8";
  if (Buffer.byteLength(name) > LONGEST_NAME_BYTES) return `is longer than ${LONGEST_NAME_BYTES} bytes`;
  return undefined;
}

/** Whether `name` is a plain file name: one path component, and not `.` or `..`. */
export function isFileName(name: string): boolean {
  return nameProblem(name) === undefined;
}

/** Throws Failure `file.refused` unless `name` is a plain file name. `from` says where the name was found. */
export function checkFileName(name: string, from: string): void {
  const problem = nameProblem(name);
  if (problem === undefined) return;
  throw new Failure("file.refused", `${from}: the file name ${printable(name)} ${problem}`, {
    hint: "phorest only opens files directly in the expected directory",
  });
}

/**
 * Returns the components of a relative path such as `bright/b_01.png`. Throws Failure `file.refused` unless each is a plain file
 * name, so that the path cannot lead out of the directory it is relative to.
 */
export function pathComponents(path: string, from: string): string[] {
  const components = path.split("/");
  for (const component of components) checkFileName(component, from);
  return components;
}

/** Whether a relative path consists of plain file names, so that it cannot lead out of its directory. */
export function isPlainPath(path: string): boolean {
  return path.split("/").every(isFileName);
}

const LONGEST_PRINTED = 80;

/** Returns a name for a terminal and a log: quoted, control characters escaped, cut if long. */
export function printable(name: string): string {
  const cut = name.length > LONGEST_PRINTED ? `${name.slice(0, LONGEST_PRINTED)}…` : name;
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
