// Reads file names as the system stores them: as bytes. Node.js reads them as UTF-8 and silently replaces what is not UTF-8, and
// no file can be opened by the replaced name. So directories are read as bytes, and such names are kept separate.
import { readdirSync } from "node:fs";
import { readdir } from "node:fs/promises";

/** The names in a directory that can be used, and printable forms of those that cannot, because they are not UTF-8. */
export interface DirectoryNames {
  readonly names: string[];
  readonly unusable: string[];
}

/** Returns the names in a directory, in no particular order. Throws errors of the file system. */
export async function readNames(directory: string): Promise<DirectoryNames> {
  return sorted(await readdir(directory, { encoding: "buffer" }));
}

/** Does the same synchronously. */
export function readNamesNow(directory: string): DirectoryNames {
  return sorted(readdirSync(directory, { encoding: "buffer" }));
}

/** Returns the name as text; undefined if its bytes are not UTF-8. */
export function usableName(bytes: Buffer): string | undefined {
  const name = bytes.toString("utf8");
  return Buffer.from(name, "utf8").equals(bytes) ? name : undefined;
}

/** Returns a name of any bytes for people: everything but printable ASCII as `\xfc`. The extension stays readable. */
export function printableName(bytes: Buffer): string {
  return Array.from(bytes, (byte) => {
    const printable = byte >= 0x20 && byte < 0x7f;
    return printable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** Returns one line about an image whose name cannot be used; `printable` as in `DirectoryNames.unusable`. */
export function unusableNameLine(printable: string): string {
  return `${printable}: skipped: the name is not valid UTF-8; rename the file`;
}

function sorted(all: readonly Buffer[]): DirectoryNames {
  const names: string[] = [];
  const unusable: string[] = [];
  for (const bytes of all) {
    const name = usableName(bytes);
    if (name === undefined) unusable.push(printableName(bytes));
    else names.push(name);
  }
  return { names, unusable: unusable.sort() };
}
