// Finds the images that a metadata_manifest.json names. The file is untrusted: a name in it is used only for an image, as a
// regular file, in the imported directory or in one that the user named.
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { errorCode } from "../failure/error-code.ts";
import { isPictureName, pictureNameProblem } from "../image/picture-name.ts";
import { readNamesNow } from "../system/names-in-bytes.ts";
import { otherForm } from "./entries.ts";
import { isInside } from "./picture-place.ts";

/** An image that an entry names. Directories are absolute; only the data directory may contain links. */
export type NamedPicture =
  | { readonly kind: "found"; readonly directory: string; readonly filename: string; readonly bytes: number }
  /**
   * `directory`: where the image is expected if it appears later. `outside`: the directory that the file names, which is not
   * read.
   */
  | {
      readonly kind: "missing";
      readonly directory: string;
      readonly filename: string;
      readonly outside: string | undefined;
    }
  /** `reason` completes the sentence "NAME: skipped: ...". */
  | { readonly kind: "skipped"; readonly filename: string; readonly reason: string };

/** Number of directories that are cached. */
const MOST_PLACES = 10_000;

/** Looks for images where the file says, and next to the file, because the file may come from another machine. */
export class PictureFinder {
  readonly #roots: readonly string[];
  readonly #allowed: readonly string[];
  readonly #listings = new Map<string, ReadonlySet<string>>();
  readonly #unusable = new Set<string>();
  readonly #places = new Map<string, string | undefined>();
  /** The data directory: its real path without links, and its name in rows. */
  readonly #own: { readonly real: string | undefined; readonly name: string };

  /**
   * `roots`: directories that are searched for every image; missing images are expected in the first. `allowed`: images are used
   * only in these and below. `dataDir`: the manifest's own directory.
   */
  constructor(roots: readonly string[], allowed: readonly string[], dataDir: string) {
    this.#own = { real: realOf(dataDir), name: dataDir };
    this.#allowed = allowed.flatMap((directory) => realOf(directory) ?? []);
    this.#roots = [...new Set(roots)];
    // Listed even if no row names an image in them, because images that cannot be used must be reported.
    for (const root of this.#roots) {
      const real = this.#usable(root);
      if (real !== undefined) this.#listing(real);
    }
  }

  /** Finds the image, or its compressed form. */
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

  /** Returns the names of the files in a directory, which is listed once. Disk errors pass through. */
  names(directory: string): ReadonlySet<string> {
    return this.#listing(this.#usable(directory) ?? directory);
  }

  /** Printable paths of images whose names are not UTF-8, in the directories searched so far. */
  get skipped(): string[] {
    return [...this.#unusable].sort();
  }

  /**
   * Returns the directory without links, if it exists and images in it may be used. Cached, because entries name few different
   * directories.
   */
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

/** Returns the path of a directory without any link in it; undefined if it is not a directory. */
function realOf(directory: string): string | undefined {
  try {
    const real = realpathSync(directory);
    return lstatSync(real).isDirectory() ? real : undefined;
  } catch (error) {
    // Missing, not readable, or a circular link: it cannot hold images.
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}
