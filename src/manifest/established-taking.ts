// Turns the entries of a metadata_manifest.json into rows, one by one, with each image where it is or copied into the data
// directory. Everything that is left out is counted and named.
import { lstatSync } from "node:fs";
import { join, relative } from "node:path";
import { Failure } from "../failure/failure.ts";
import { wholeMegabytes } from "../system/byte-size.ts";
import { digestOpened, withConfinedFile } from "../system/confined-file.ts";
import { diskSpace } from "../system/disk-space.ts";
import { printable } from "../system/file-name.ts";
import { copyInto, type NewFile } from "../system/new-file.ts";
import type { EstablishedEntry } from "./established-entry.ts";
import type { NamedPicture, PictureFinder } from "./established-pictures.ts";
import type { EstablishedResult } from "./established-result.ts";
import { fileOf, historyOf, type Imported, placeOf, type Usable } from "./established-rows.ts";
import type { StackPages } from "./established-stacks.ts";
import type { Manifest } from "./manifest.ts";
import { frameName } from "./page-rows.ts";
import { plainName } from "./plain-name.ts";

/** Options for copying images into the data directory. */
export interface Adoption {
  /** Space that must stay free there, bytes. */
  readonly keepFreeBytes: number;
}

export interface TakingSummary {
  readonly added: number;
  readonly pending: number;
  readonly processed: number;
  readonly failed: number;
  /** Pictures copied into the data directory. */
  readonly adopted: number;
  /** Images that an earlier import did not find and this one did. */
  readonly returned: number;
  /** Names of images that were not found. */
  readonly missing: readonly string[];
  /** Directories in which entries name missing images, but which are not part of the import. */
  readonly outside: readonly string[];
  /** One line for each entry or image that is not used: its name is unusable, or it is a link or not an image. */
  readonly skipped: readonly string[];
  /** How many of them, by reason. */
  readonly skippedFor: Readonly<Record<string, number>>;
}

/** The row of an entry; time in microseconds since the epoch. */
interface TakenRow {
  readonly entryId: number;
  readonly capturedAtUs: number;
}

type Found = Extract<NamedPicture, { kind: "found" }>;

export class Taking {
  /**
   * Entries of this import by the plain name of their image, with its page if they state one. Its results belong to these entries
   * and to no others.
   */
  readonly #rows = new Map<string, TakenRow>();
  /** The times of the frames of each image, by its plain name. */
  readonly #moments = new Map<string, Set<number>>();
  /** Entries added as processed. */
  readonly processedIds = new Set<number>();
  readonly #addedAs = new Map<number, Imported>();
  readonly #manifest: Manifest;
  readonly #finder: PictureFinder;
  readonly #stacks: ReadonlyMap<EstablishedEntry, StackPages>;
  readonly #counts = { added: 0, pending: 0, processed: 0, failed: 0, adopted: 0, returned: 0 };
  /** For entries that state a page: the entry that carries the file, by its place. */
  readonly #carriers = new Map<string, number>();
  readonly #missing: string[] = [];
  readonly #outside = new Set<string>();
  readonly #skipped: string[] = [];
  #skippedFor: Readonly<Record<string, number>> = {};

  /** `stacks`: the pages of multi-page images. */
  constructor(manifest: Manifest, finder: PictureFinder, stacks: ReadonlyMap<EstablishedEntry, StackPages>) {
    this.#manifest = manifest;
    this.#finder = finder;
    this.#stacks = stacks;
  }

  get summary(): TakingSummary {
    return {
      ...this.#counts,
      missing: this.#missing,
      outside: [...this.#outside],
      skipped: this.#skipped,
      skippedFor: this.#skippedFor,
    };
  }

  /** Adds one entry, with its image where it is. Call within a transaction. */
  take(entry: EstablishedEntry): void {
    const picture = this.#pictureOf(entry);
    if (picture !== "skipped") this.#record(entry, picture, undefined);
  }

  /** Adds all entries. Each image is copied into the data directory before its row says so. */
  async takeAndAdopt(entries: readonly EstablishedEntry[], adoption: Adoption): Promise<void> {
    this.#checkRoom(entries, adoption);
    for (const entry of entries) {
      const picture = this.#pictureOf(entry);
      if (picture === "skipped") continue;
      let copy: NewFile | undefined;
      try {
        const isCopied = this.#carrierOf(entry, picture) !== undefined;
        copy = picture?.kind === "found" && !isCopied ? await this.#copy(entry, picture) : undefined;
      } catch (error) {
        if (!(error instanceof Failure) || !error.code.startsWith("file.")) throw error;
        this.#skip(picture?.filename ?? "", error.message);
        continue;
      }
      this.#manifest.together(() => this.#record(entry, picture, copy));
    }
  }

  /** Returns the row of the frame that a result is about; undefined if no entry of this import is about it. */
  rowOf({ filename, page }: Pick<EstablishedResult, "filename" | "page">): TakenRow | undefined {
    const name = plainName(filename);
    // Without a page in its entry, an image is the first one of its file.
    return this.#rows.get(frameName(name, page)) ?? (page === 0 ? this.#rows.get(name) : undefined);
  }

  /** Whether a frame of this image was taken at this time. */
  hasMoment(filename: string, capturedAtUs: number): boolean {
    return this.#moments.get(plainName(filename))?.has(capturedAtUs) === true;
  }

  /** Records that a result of this entry was imported; returns whether this changed its state. Call within a transaction. */
  settleMeasured(entryId: number, processedAtUs: number): boolean {
    if (!this.#manifest.imported.settleMeasured(entryId, processedAtUs)) return false;
    const was = this.#addedAs.get(entryId);
    if (was !== undefined) {
      this.#counts[was] -= 1;
      this.#counts.processed += 1;
    }
    return true;
  }

  #pictureOf({ picture }: EstablishedEntry): Usable | undefined | "skipped" {
    if (picture === undefined) return undefined;
    const found = this.#finder.find(picture.directory, picture.filename);
    if (found.kind !== "skipped") return found;
    this.#skip(found.filename, found.reason);
    return "skipped";
  }

  #skip(filename: string, reason: string): void {
    this.#skipped.push(`${printable(filename).slice(1, -1)}: skipped: ${reason}`);
    this.#skippedFor = withCount(this.#skippedFor, reason, 1);
  }

  /** Refuses, before the first copy, an import that would fill the disk so far that capture pauses. */
  #checkRoom(entries: readonly EstablishedEntry[], { keepFreeBytes }: Adoption): void {
    const dataDir = this.#manifest.directory;
    const freeBytes = diskSpace(dataDir)?.freeBytes;
    if (freeBytes === undefined) return;
    let bytes = 0;
    for (const { picture, capturedAtUs } of entries) {
      const found = picture === undefined ? undefined : this.#finder.find(picture.directory, picture.filename);
      if (found?.kind === "found" && this.#isWanted(capturedAtUs, found)) bytes += found.bytes;
    }
    if (bytes + keepFreeBytes <= freeBytes) return;
    throw new Failure(
      "disk.full",
      `${dataDir}: the images need ${wholeMegabytes(bytes)}, ${wholeMegabytes(freeBytes)} are free`,
      {
        hint: `${wholeMegabytes(keepFreeBytes)} must stay free; import without --adopt, or free some space`,
      },
    );
  }

  /** Whether an image should be copied: it is not in the data directory, and no earlier import copied it. */
  #isWanted(capturedAtUs: number, { directory, filename }: Found): boolean {
    return (
      directory !== this.#manifest.directory &&
      this.#manifest.imported.find({ capturedAtUs, directory, filename })?.own !== true
    );
  }

  async #copy({ capturedAtUs }: EstablishedEntry, found: Found): Promise<NewFile | undefined> {
    const dataDir = this.#manifest.directory;
    if (!this.#isWanted(capturedAtUs, found)) return undefined;
    const { directory, filename, bytes } = found;
    // The path contains no link now, and must contain none when the image is opened.
    return withConfinedFile("/", join(relative("/", directory), filename), async (file) => {
      const earlier = await this.#copiedBefore(dataDir, filename, await digestOpened(file));
      if (earlier !== undefined) return earlier;
      return copyInto(file, dataDir, filename, {
        recorded: { bytes },
        isTaken: (name) => this.#manifest.entries.knowsFile(name),
      });
    });
  }

  /** Returns the copy made by an import that was killed before it added the row. */
  async #copiedBefore(
    dataDir: string,
    name: string,
    { bytes, sha256 }: { bytes: number; sha256: string },
  ): Promise<NewFile | undefined> {
    const there = lstatSync(join(dataDir, name), { throwIfNoEntry: false });
    if (there?.isFile() !== true || there.size !== bytes || this.#manifest.entries.knowsFile(name)) return undefined;
    const content = await withConfinedFile(dataDir, name, (file) => digestOpened(file));
    return content.sha256 === sha256 ? { name, bytes, sha256 } : undefined;
  }

  /** Adds the row of an entry. Call within a transaction. */
  #record(entry: EstablishedEntry, picture: Usable | undefined, copy: NewFile | undefined): void {
    const carrier = this.#carrierOf(entry, picture);
    if (picture !== undefined && carrier !== undefined) {
      this.#recordPage(entry, picture, carrier);
      return;
    }
    const known = picture === undefined ? undefined : this.#manifest.imported.find({ ...entry, ...picture });
    if (picture !== undefined && known !== undefined) {
      const page = entry.picture?.page;
      if (page === undefined && this.#rows.get(plainName(picture.filename))?.entryId === known.entryId) {
        this.#skip(picture.filename, "another entry has the same image");
        return;
      }
      this.#complete(known, picture, copy);
      if (page === undefined) this.#setRow(picture, page, { ...known, capturedAtUs: entry.capturedAtUs });
      else {
        this.#carriers.set(placeOf(picture), known.entryId);
        this.#recordPage(entry, picture, known.entryId);
      }
      return;
    }
    const { damage, ...pages } = this.#stacks.get(entry) ?? { damage: undefined };
    const further = pages.furtherPages?.length ?? 0;
    const { history, readings } = historyOf(entry, picture);
    const entryId = this.#manifest.imported.add(
      {
        capturedAtUs: entry.capturedAtUs,
        ...fileOf(picture, copy),
        ...pages,
        cameraIndex: entry.picture?.cameraIndex,
        collectionError: entry.collectionError ?? damage,
        cutOff: damage,
        readings,
      },
      { ...history, compressionAttempted: copy === undefined && entry.compressionAttempted },
    );
    if (entryId === undefined) return;
    this.#counts.added += further;
    this.#counts.pending += further;
    if (copy !== undefined) this.#counts.adopted += 1;
    this.#note(entryId, entry, picture, history.status);
    if (picture === undefined) return;
    if (entry.picture?.page !== undefined) this.#carriers.set(placeOf(picture), entryId);
    if (picture.kind !== "missing") return;
    this.#missing.push(picture.filename);
    if (picture.outside !== undefined) this.#outside.add(picture.outside);
  }

  /** Returns the entry that carries the file of an entry which states a page, if it was taken. */
  #carrierOf({ picture: named }: EstablishedEntry, picture: Usable | undefined): number | undefined {
    return named?.page === undefined || picture === undefined ? undefined : this.#carriers.get(placeOf(picture));
  }

  /** Adds the row of a further page of a file. */
  #recordPage(entry: EstablishedEntry, picture: Usable, carrier: number): void {
    const page = entry.picture?.page ?? 0;
    const name = frameName(plainName(picture.filename), page);
    if (this.#rows.has(name)) {
      this.#skip(picture.filename, "another entry has the same page");
      return;
    }
    const known = this.#manifest.imported.pageOf(carrier, page);
    if (known !== undefined) {
      this.#setRow(picture, page, { entryId: known, capturedAtUs: entry.capturedAtUs });
      return;
    }
    const { history, readings } = historyOf(entry, picture);
    const { capturedAtUs, collectionError } = entry;
    const cameraIndex = entry.picture?.cameraIndex;
    const row = { page, capturedAtUs, cameraIndex, collectionError, readings };
    this.#note(this.#manifest.entries.addPage(carrier, row, history), entry, picture, history.status);
  }

  #setRow({ filename }: Usable, page: number | undefined, { entryId, capturedAtUs }: TakenRow): void {
    const name = plainName(filename);
    this.#rows.set(frameName(name, page), { entryId, capturedAtUs });
    const moments = this.#moments.get(name) ?? new Set();
    this.#moments.set(name, moments.add(capturedAtUs));
  }

  #note(
    entryId: number,
    { picture: named, capturedAtUs }: EstablishedEntry,
    picture: Usable | undefined,
    status: Imported,
  ): void {
    this.#counts.added += 1;
    this.#counts[status] += 1;
    this.#addedAs.set(entryId, status);
    if (picture === undefined) return;
    this.#setRow(picture, named?.page, { entryId, capturedAtUs });
    if (status === "processed") this.processedIds.add(entryId);
  }

  /** Updates an entry of an earlier import: its image may have been found or copied since. */
  #complete(
    { entryId, missing }: { readonly entryId: number; readonly missing: boolean },
    picture: Usable,
    copy: NewFile | undefined,
  ): void {
    if (copy !== undefined) {
      this.#manifest.imported.settleAdopted(entryId, copy, picture.filename);
      this.#counts.adopted += 1;
    } else if (missing && picture.kind === "found") {
      this.#manifest.imported.relocate(entryId, picture);
      this.#counts.returned += 1;
    }
  }
}

/** Adds one to the count of a reason. */
export function withCount(counts: Readonly<Record<string, number>>, reason: string, n: number) {
  return n === 0 ? counts : { ...counts, [reason]: (counts[reason] ?? 0) + n };
}
