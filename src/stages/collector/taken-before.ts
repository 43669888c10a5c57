// What an earlier run recorded about a file that it took from another directory.
import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { TakenFrom } from "../../cameras/frame.ts";
import type { TakenFile } from "../../cameras/grown-file.ts";
import { pagesOfSettings } from "../../cameras/grown-file.ts";
import { otherForm, type TakenPicture } from "../../manifest/entries.ts";
import type { Manifest } from "../../manifest/manifest.ts";
import { numberedBefore, numberedName } from "../../system/numbered-name.ts";

/** Returns the name under which a file was taken last; names taken twice get a number. Undefined if it was never taken. */
export function lastTaken(manifest: Manifest, filename: string): string | undefined {
  return takenNames(manifest, filename).at(-1);
}

function takenNames(manifest: Manifest, filename: string): readonly string[] {
  const taken: string[] = [];
  for (let n = 0; ; n++) {
    const name = [numberedName(filename, n), numberedBefore(filename, n)].find((one) =>
      manifest.entries.knowsFile(one),
    );
    if (name === undefined) return taken;
    taken.push(name);
  }
}

/**
 * Returns the copy of a file in the data directory, with its present name and recorded hash (it may be compressed since), if the
 * file was copied before with this content; undefined if it was not, or the copy is no longer there.
 */
export function presentCopy(
  manifest: Manifest,
  dataDir: string,
  { name, sha256 }: Pick<TakenFrom, "name" | "sha256">,
): { readonly name: string; readonly sha256: string } | undefined {
  const taken = lastTaken(manifest, name);
  if (taken === undefined || sha256 === undefined) return undefined;
  for (const one of [taken, otherForm(taken)]) {
    const picture = manifest.entries.takenPicture(one, { exact: true });
    if (picture?.sha256 !== sha256 || !picture.storedSha256) continue;
    const isThere = lstatSync(join(dataDir, one), { throwIfNoEntry: false })?.isFile();
    if (isThere === true) return { name: one, sha256: picture.storedSha256 };
  }
  return undefined;
}

/** Returns what was recorded when a file was taken last; undefined if it never was. */
export function takenBefore(manifest: Manifest, filename: string): TakenFile | undefined {
  const taken = lastTaken(manifest, filename);
  return taken === undefined ? undefined : notedOf(manifest.entries.takenPicture(taken), rowsOf(manifest, filename));
}

/**
 * Returns what was recorded of a file that is used in place in the data directory, by its row, by that of its other form (with or
 * without .gz), or by that of the file that was moved away; undefined if there is no record.
 */
export function takenInPlace(manifest: Manifest, filename: string): TakenFile | undefined {
  const { entries } = manifest;
  const name = rowInPlace(manifest, filename);
  const picture = entries.takenPicture(name, { exact: true }) ?? entries.takenPicture(filename);
  return picture === undefined ? undefined : notedOf(picture, entries.pagesOf(filename));
}

/**
 * Returns the name of the row whose pages a file in the data directory continues. A stack that grew after it was compressed is
 * again there without .gz: its new pages get a row of this name, and the compressed file keeps its own.
 */
export function rowInPlace(manifest: Manifest, filename: string): string {
  return manifest.entries.takenPicture(filename, { exact: true }) === undefined ? otherForm(filename) : filename;
}

/**
 * Returns the pages that have a row under any of the names that a file was taken under; undefined if it is not known, because
 * rows were archived or have the name that the file got on the share: then no page of it is taken twice.
 */
function rowsOf(manifest: Manifest, filename: string): readonly number[] | undefined {
  const rows = takenNames(manifest, filename).map((name) => manifest.entries.pagesOf(name));
  return rows.some((of) => of.length === 0) ? undefined : [...new Set(rows.flat())];
}

function notedOf(picture: TakenPicture | undefined, rows: readonly number[] | undefined): TakenFile {
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
    rows,
  };
}
