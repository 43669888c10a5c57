// Names of files as the system stores them: bytes. Node.js reads them as UTF-8 and silently replaces what is not UTF-8, and
// no file can be opened by the replaced name. So directories are read as bytes, and such names are kept apart.
import { readdirSync } from "node:fs";
import { readdir } from "node:fs/promises";

/** What a directory holds: names that can be used, and printable forms of those that cannot, because they are not UTF-8. */
export interface DirectoryNames {
  readonly names: string[];
  readonly unusable: string[];
}

/** The names in a directory, in no particular order. Throws what the file system throws. */
export async function readNames(directory: string): Promise<DirectoryNames> {
  return sorted(await readdir(directory, { encoding: "buffer" }));
}

/** The same at once. */
export function readNamesNow(directory: string): DirectoryNames {
  return sorted(readdirSync(directory, { encoding: "buffer" }));
}

/** The name as text; undefined where its bytes are not UTF-8. */
export function usableName(bytes: Buffer): string | undefined {
  const name = bytes.toString("utf8");
  return Buffer.from(name, "utf8").equals(bytes) ? name : undefined;
}

/** A name of any bytes for people: what is not printable ASCII as `\xfc`. The ending of the name stays readable. */
export function printableName(bytes: Buffer): string {
  return Array.from(bytes, (byte) => {
    const printable = byte >= 0x20 && byte < 0x7f;
    return printable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** One line for a picture whose name cannot be used; `printable` as in `DirectoryNames.unusable`. */
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
