// The pictures that a metadata_manifest.json names. The file is data: a name in it is used only for a picture, a regular
// file, in the imported directory or in one that the user named.
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { errorCode } from "../failure/error-code.ts";
import { isPictureName, pictureNameProblem } from "../image/picture-name.ts";
import { readNamesNow } from "../system/names-in-bytes.ts";
import { otherForm } from "./entries.ts";
import { isInside } from "./picture-place.ts";

/** A picture that an entry names. Directories are absolute; only that of the data directory may contain links. */
export type NamedPicture =
  | { readonly kind: "found"; readonly directory: string; readonly filename: string; readonly bytes: number }
  /** `directory`: where it is expected if it appears later. `outside`: the place that the file names, which is not read. */
  | {
      readonly kind: "missing";
      readonly directory: string;
      readonly filename: string;
      readonly outside: string | undefined;
    }
  /** `reason` completes the sentence "NAME: skipped: ...". */
  | { readonly kind: "skipped"; readonly filename: string; readonly reason: string };

/** Directories that are remembered. */
const MOST_PLACES = 10_000;

/** Looks for pictures where the file says, and next to the file, for files from any machine. */
export class PictureFinder {
  readonly #roots: readonly string[];
  readonly #allowed: readonly string[];
  readonly #listings = new Map<string, ReadonlySet<string>>();
  readonly #unusable = new Set<string>();
  readonly #places = new Map<string, string | undefined>();
  /** The data directory, without links and as it is called in rows. */
  readonly #own: { readonly real: string | undefined; readonly name: string };

  /**
   * `roots`: directories that are searched for every picture; the first one is where missing pictures are expected.
   * `allowed`: pictures are used in these and below only. `dataDir`: the manifest's own directory.
   */
  constructor(roots: readonly string[], allowed: readonly string[], dataDir: string) {
    this.#own = { real: realOf(dataDir), name: dataDir };
    this.#allowed = allowed.flatMap((directory) => realOf(directory) ?? []);
    this.#roots = [...new Set(roots)];
    // Looked through also where no row names a picture in them: what cannot be used must be named.
    for (const root of this.#roots) {
      const real = this.#usable(root);
      if (real !== undefined) this.#listing(real);
    }
  }

  /** The picture, or its compressed form. */
  find(directory: string, filename: string): NamedPicture {
    const problem = directory.includes("\0") ? "is in an invalid directory" : pictureNameProblem(filename);
    if (problem !== undefined) return { kind: "skipped", filename, reason: `it ${problem}` };
    const named = this.#roots.map((root) => resolve(root, directory));
    const places = [...named, ...this.#roots, ...this.#roots.map((root) => join(root, basename(directory)))];
    const usable = new Set(places.flatMap((place) => this.#usable(place) ?? []));
    let unfit: NamedPicture | undefined;
    for (const place of usable) {
      for (const form of [filename, otherForm(filename)].filter((name) => this.#listing(place).has(name))) {
        const status = lstatSync(join(place, form), { throwIfNoEntry: false });
        const at = place === this.#own.real ? this.#own.name : place;
        if (status?.isFile() === true) return { kind: "found", directory: at, filename: form, bytes: status.size };
        const reason = status?.isSymbolicLink() === true ? "it is a link" : "it is not a regular file";
        unfit ??= { kind: "skipped", filename, reason };
      }
    }
    if (unfit !== undefined) return unfit;
    const [expected = "/"] = usable;
    const [first] = named;
    const outside = first !== undefined && existsSync(first) && this.#usable(first) === undefined ? first : undefined;
    return { kind: "missing", directory: expected, filename, outside };
  }

  /** Printable paths of pictures whose names are not UTF-8, in the directories searched so far. */
  get skipped(): string[] {
    return [...this.#unusable].sort();
  }

  /** The directory itself, without links, if it is there and pictures in it may be used. Entries name few different ones. */
  #usable(directory: string): string | undefined {
    if (this.#places.has(directory)) return this.#places.get(directory);
    const real = realOf(directory);
    const usable = real !== undefined && this.#allowed.some((root) => isInside(real, root)) ? real : undefined;
    if (this.#places.size < MOST_PLACES) this.#places.set(directory, usable);
    return usable;
  }

  #listing(directory: string): ReadonlySet<string> {
    let listing = this.#listings.get(directory);
    if (listing === undefined) {
      const { names, unusable } = readNamesNow(directory);
      listing = new Set(names);
      for (const name of unusable.filter(isPictureName)) this.#unusable.add(join(directory, name));
      this.#listings.set(directory, listing);
    }
    return listing;
  }
}

/** A directory without any link in its path; undefined when it is not one. */
function realOf(directory: string): string | undefined {
  try {
    const real = realpathSync(directory);
    return lstatSync(real).isDirectory() ? real : undefined;
  } catch (error) {
    // Missing, not readable, or a circular link: it cannot hold pictures.
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}
