// What an earlier run recorded about a file that it took from another directory.
import { pagesOfSettings } from "../../cameras/grown-file.ts";
import type { TakenFile } from "../../cameras/watched-file.ts";
import type { TakenPicture } from "../../manifest/entries.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import { numberedBefore, numberedName } from "../../system/numbered-name.ts";

/** Returns the name under which a file was taken last; names taken twice get a number. Undefined if it was never taken. */
export function lastTaken(manifest: Manifest, filename: string): string | undefined {
  let taken: string | undefined;
  for (let n = 0; ; n++) {
    const name = [numberedName(filename, n), numberedBefore(filename, n)].find((one) =>
      manifest.entries.knowsFile(one),
    );
    if (name === undefined) return taken;
    taken = name;
  }
}

/** Returns what was recorded when a file was taken last; undefined if it never was. */
export function takenBefore(manifest: Manifest, filename: string): TakenFile | undefined {
  const taken = lastTaken(manifest, filename);
  return taken === undefined ? undefined : notedOf(manifest.entries.takenPicture(taken));
}

/**
 * Returns what was recorded of a file that is used in place in the data directory; undefined if its row has no record, or has it
 * under another name.
 */
export function takenInPlace(manifest: Manifest, filename: string): TakenFile | undefined {
  const picture = manifest.entries.takenPicture(filename, { exact: true });
  return picture === undefined ? undefined : notedOf(picture);
}

function notedOf(picture: TakenPicture | undefined): TakenFile {
  const noted: unknown = JSON.parse(picture?.settings ?? "{}");
  const number = (key: string) => {
    const value: unknown = typeof noted === "object" && noted !== null ? Reflect.get(noted, key) : undefined;
    return typeof value === "number" ? value : undefined;
  };
  return {
    bytes: number("source_bytes"),
    modifiedUs: number("source_modified_us"),
    sha256: picture?.sha256 ?? undefined,
    pages: pagesOfSettings(number),
  };
}
