// Reads Micro-Manager's metadata.txt (versions 1.4 and 2.0) next to separate images or a stack. The file is read in pieces, and
// only its times are kept. While an acquisition writes it, only the added part is read.
import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../failure/error-code.ts";
import { Failure } from "../../failure/failure.ts";
import { type ConfinedFile, withConfinedFile } from "../../system/confined-file.ts";
import { readNames } from "../../system/names-in-bytes.ts";
import { GZIPPED, TIFF_ENDING } from "../../system/numbered-name.ts";
import { CommonStart } from "./common-start.ts";
import { sizeNotesOf } from "./embedded.ts";
import { Contents, type DescribedImage } from "./metadata-contents.ts";
import { NO_ZONE, type Series } from "./micro-manager.ts";
import { utf16Decoder } from "./text-encoding.ts";

const PIECE = 1024 * 1024;
/** A file modified within this time is still being written. */
const STILL_AFTER_MS = 10_000;
const NAME = /(?:^|_)metadata\.txt$/i;
/** Name of a separate image of version 1.4: frame, channel, slice. */
const IMAGE_NAME = /^img_(\d+)_(.*)_(\d+)\.tiff?$/i;
const STACK_ENDING = new RegExp(`(\\.ome)?${TIFF_ENDING}$`, "i");

/** What the metadata.txt files of a directory state about one file. */
export interface Described {
  readonly images: readonly DescribedImage[];
  readonly series: Series;
  readonly notes: readonly string[];
}

const NEXT_SOURCE = "phorest takes the times from the next source";

/** One metadata.txt. */
class MetadataFile {
  readonly name: string;
  readonly #directory: string;
  readonly #followLinks: boolean;
  #contents = new Contents();
  #version = "";
  #refusal: string | undefined;
  readonly #nowMs: () => number;
  #grewAtMs = Number.NEGATIVE_INFINITY;

  constructor(directory: string, name: string, followLinks: boolean, nowMs: () => number) {
    this.#directory = directory;
    this.name = name;
    this.#followLinks = followLinks;
    this.#nowMs = nowMs;
  }

  get isGrowing(): boolean {
    return this.#nowMs() - this.#grewAtMs < STILL_AFTER_MS;
  }

  /**
   * Reads what was added since the last call; returns false if there is nothing new. If the file is gone, its content stays
   * valid.
   */
  async refresh(): Promise<boolean> {
    try {
      const path = join(this.#directory, this.name);
      const { size, mtimeNs, ino } = await (this.#followLinks ? stat : lstat)(path, { bigint: true });
      const version = `${size} ${mtimeNs} ${ino}`;
      if (version === this.#version) return false;
      // At first sight its modification time decides; later only whether it changed, because the other machine's clock may be
      // wrong.
      const ageMs = Math.abs(Date.now() - Number(mtimeNs / 1_000_000n));
      if (this.#version !== "" || ageMs < STILL_AFTER_MS) this.#grewAtMs = this.#nowMs();
      this.#version = version;
      const options = { followLinks: this.#followLinks };
      await withConfinedFile(this.#directory, this.name, (file) => this.#read(file, ino), options);
      this.#refusal = undefined;
      return true;
    } catch (error) {
      if (hasCode(error, "ENOENT")) return false;
      if (!(error instanceof Failure)) throw error;
      this.#refusal = error.message;
      return true;
    }
  }

  async #read({ handle, bytes }: ConfinedFile, inode: bigint): Promise<void> {
    // The file is shorter, or a different one: read it from the start.
    if (bytes < this.#contents.bytes || inode !== this.#contents.inode) this.#contents = new Contents();
    const contents = this.#contents;
    contents.inode = inode;
    for (;;) {
      const piece = Buffer.allocUnsafeSlow(PIECE);
      const { bytesRead } = await handle.read(piece, 0, PIECE, contents.bytes);
      if (bytesRead === 0) break;
      const read = piece.subarray(0, bytesRead);
      if (contents.bytes === 0) contents.decoder = utf16Decoder(read);
      contents.bytes += bytesRead;
      const { decoder } = contents;
      const text = decoder === undefined ? read : Buffer.from(decoder.decode(read, { stream: true }));
      for (const { key, value } of contents.members.feed(text)) contents.take(key, value);
    }
    contents.settle();
  }

  describe(name: string): Described | undefined {
    const images = this.#imagesOf(name);
    return images.length === 0 ? undefined : { images, series: this.#contents.series, notes: this.#notes() };
  }

  described(): Iterable<string> {
    return this.#contents.byFile.keys();
  }

  /** The reason why this file cannot be used. */
  get problem(): string | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    const { members, bytes, byFile, unnamed, untimed } = this.#contents;
    if (members.isObject === false)
      return `${this.name} is not JSON as Micro-Manager writes it; phorest does not use it`;
    if (byFile.size > 0 || unnamed.length > 0) return undefined;
    if (untimed > 0) {
      const which =
        untimed === 1 ? "the only image that it describes" : `any of the ${untimed} images that it describes`;
      return `${this.name} has no time for ${which}; ${NEXT_SOURCE}`;
    }
    if (this.isGrowing) return undefined;
    return bytes === 0 ? `${this.name} is empty` : `${this.name} describes no image; ${NEXT_SOURCE}`;
  }

  #imagesOf(name: string): readonly DescribedImage[] {
    const { byFile, unnamed, unnamedAt } = this.#contents;
    const named = byFile.get(name);
    if (named !== undefined || unnamed.length === 0) return named ?? [];
    // A stack's metadata.txt belongs to the stack of the same name.
    const stack = this.name.replace(NAME, "");
    if (stack !== "") return name.replace(STACK_ENDING, "") === stack ? unnamed : [];
    const [, frame, channelName, slice] = IMAGE_NAME.exec(name) ?? [];
    if (frame === undefined || slice === undefined) return [];
    const at = unnamedAt.get(`${+frame} ${+slice}`) ?? [];
    return at.length < 2 ? at : at.filter(({ record }) => record.channelName === channelName);
  }

  #notes(): string[] {
    const { series, members, unreadable, contradicting, firstContradiction } = this.#contents;
    const lines = series.notes.map((note) => `${this.name}: ${note}`);
    if (contradicting > 0) {
      const images = contradicting === 1 ? "1 image has" : `${contradicting} images have`;
      lines.push(
        `${this.name}: ${images} other numbers in the metadata than in the key (first: ${firstContradiction}); phorest uses those of the key`,
      );
    }
    if (!series.hasZone) lines.push(NO_ZONE);
    if (members.torn) lines.push(`${this.name} ends in the middle of an image; phorest uses what comes before`);
    const left = unreadable + members.tooLong;
    if (left > 0) lines.push(`${this.name}: cannot read the metadata of ${left} ${left === 1 ? "image" : "images"}`);
    return lines;
  }
}

/** The metadata.txt files of one directory. */
export class MetadataDirectory {
  readonly #directory: string;
  readonly #followLinks: boolean;
  readonly #files = new Map<string, MetadataFile>();
  readonly #nowMs: () => number;
  #work: Promise<void> | undefined;
  #listed = false;
  #isSizeKnown = false;
  /** Of images that these files do not describe. */
  readonly commonStart: CommonStart;
  /** Counts how often something new was read. */
  generation = 0;

  /** `nowMs`: monotonic clock. */
  constructor(directory: string, followLinks: boolean, nowMs: () => number) {
    this.#directory = directory;
    this.#followLinks = followLinks;
    this.#nowMs = nowMs;
    this.commonStart = new CommonStart(directory, followLinks);
  }

  /** State of the files: none exists, one was written in the last seconds, or none was. */
  get state(): "absent" | "growing" | "still" {
    if (this.#files.size === 0) return "absent";
    return [...this.#files.values()].some(({ isGrowing }) => isGrowing) ? "growing" : "still";
  }

  /** Returns what is stated about the file `name`, compressed or not, as of the last refresh; undefined if nothing. */
  describe(name: string): Described | undefined {
    for (const file of this.#files.values()) {
      const found = file.describe(name.replace(GZIPPED, ""));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether no file is described by its name. */
  get isEmpty(): boolean {
    return this.described().next().done === true;
  }

  /** Returns the names of the described files, without the ending of gzip. */
  *described(): Generator<string> {
    for (const file of this.#files.values()) yield* file.described();
  }

  /** Why metadata files were not used, one line each. */
  problems(): string[] {
    return [...this.#files.values()].flatMap(({ problem }) => problem ?? []);
  }

  /** Returns a line if the first described file of these differs in size from its metadata. Checks one file only. */
  async sizeNotes(files: readonly { readonly name: string }[]): Promise<string[]> {
    if (this.#isSizeKnown) return [];
    for (const { name } of files) {
      const [image, ...others] = this.describe(name)?.images ?? [];
      // A stack also contains its metadata.
      if (image?.record.size === undefined || others.length > 0) continue;
      this.#isSizeKnown = true;
      const file = { directory: this.#directory, path: name, followLinks: this.#followLinks };
      return (await sizeNotesOf(file, "metadata.txt says", image.record.size)).map((line) => `${name}: ${line}`);
    }
    return [];
  }

  /** Reads new content; `names` are names of new files, if known. Concurrent calls share one read. Disk errors pass through. */
  async refresh(names: Iterable<string> = []): Promise<void> {
    for (const name of names) this.#add(name);
    this.#work ??= this.#refresh().finally(() => {
      this.#work = undefined;
    });
    await this.#work;
  }

  async #refresh(): Promise<void> {
    if (!this.#listed) for (const name of (await readNames(this.#directory)).names.sort()) this.#add(name);
    this.#listed = true;
    for (const file of this.#files.values()) if (await file.refresh()) this.generation++;
  }

  #add(name: string): void {
    if (!NAME.test(name) || this.#files.has(name)) return;
    this.#files.set(name, new MetadataFile(this.#directory, name, this.#followLinks, this.#nowMs));
  }
}
