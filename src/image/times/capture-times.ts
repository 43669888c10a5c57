// Finds the capture times of images from other programs, each from the most reliable source it has. The last resort is the
// modification time of the file, which is only a guess.
import { basename, dirname, join, resolve } from "node:path";
import { counted } from "../../system/counted.ts";
import { namePattern } from "../../system/name-pattern.ts";
import { GZIPPED } from "../../system/numbered-name.ts";
import { axesOfName, type ImageAxes } from "../image-axes.ts";
import type { PageInfo } from "../pages.ts";
import { filled, oddities, type PageTime, pages as pagesText } from "./fill.ts";
import { type Found, findTimes, GUESSED, type TimedFile } from "./find.ts";
import { contradictions, repeated, sourcesLine, sourcesOf, UNDATED } from "./listing-notes.ts";
import { MetadataDirectories } from "./metadata-directories.ts";
import type { MetadataDirectory } from "./metadata-txt.ts";
import { PatternedNames } from "./names.ts";
import { placedByNeighbours } from "./neighbours.ts";
import { OF_EPOCH, SeriesStarts } from "./series-starts.ts";
import { images, readTimeTable, type TimeTable } from "./table.ts";

export type { TimedFile } from "./find.ts";

/** The user's options about times. */
export interface TimesOptions {
  /** Path of a table of times. */
  readonly table?: string | undefined;
  /** Pattern of the times in names, as namePattern reads it. */
  readonly names?: string | undefined;
  /** Monotonic clock, for tests. */
  readonly nowMs?: () => number;
}

/** The times of the pages of a file, in order, and messages of one line each; the messages name the file. */
export interface FileTimes {
  readonly pages: readonly PageTime[];
  readonly notes: readonly string[];
}

/** What to do if a name pattern matches no name. */
export const DESCRIBE_NAMES = "describe the times in the names as they are, or leave the pattern out";

interface Known {
  readonly version: string;
  /** State of the metadata.txt files; undefined if they do not matter. */
  readonly generation: number | undefined;
  readonly time: PageTime;
}

/** Number of files that are open at the same time. */
const AT_ONCE = 16;
const MOST_KNOWN = 1_000_000;

/** Reads capture times. Caches what it has read for each directory and file. */
export class CaptureTimes {
  readonly #names: PatternedNames | undefined;
  readonly #tablePath: string | undefined;
  #waits = false;
  #table: Promise<TimeTable> | undefined;
  readonly #metadata: MetadataDirectories;
  readonly #known = new Map<string, Known>();
  readonly #said = new Set<string>();
  /** Number of images of a directory that were last reported to share a time with another one. */
  readonly #repeatedSaid = new Map<string, number>();
  /** Lines about several files, reported together with the next file. */
  readonly #unsaid: string[] = [];
  readonly #starts = new SeriesStarts();

  /** Throws Failure `config.invalid` if the pattern gives no time. */
  constructor({ table, names, nowMs = () => performance.now() }: TimesOptions = {}) {
    this.#metadata = new MetadataDirectories(nowMs);
    this.#tablePath = table;
    this.#names = names === undefined ? undefined : new PatternedNames(namePattern(names));
  }

  /** Reads the user's table. Otherwise it is read with the first file. Throws as readTimeTable. */
  async table(): Promise<TimeTable | undefined> {
    if (this.#tablePath === undefined) return undefined;
    this.#table ??= readTimeTable(this.#tablePath).then((table) => {
      this.#unsaid.push(...table.notes);
      return table;
    });
    return this.#table;
  }

  /**
   * Returns the times of the pages of a file. `pages` is undefined for a single picture, or if only the first page is needed.
   * `count` is the number of images in the file, if known: table rows for other pages are reported. A file that cannot be read
   * gets its modification time, and a line says why. Throws as readTimeTable.
   */
  async of(file: TimedFile, pages?: readonly PageInfo[], count?: number): Promise<FileTimes> {
    await this.#metadata.refresh(file);
    const beyond = count === undefined ? [] : await this.rowsBeyond(file, count);
    const one = await this.#find(file, pages);
    const known = one.source === "file" && (pages?.length ?? 1) === 1 ? this.#knownTime(file) : undefined;
    // A guess from the modification time is reported here. One from neighbours has already been reported.
    const placed = known?.takenAtUs === file.modifiedUs ? undefined : known;
    const found = placed === undefined ? this.#resolved(file, one, pages) : { pages: [placed], notes: [] };
    return { ...found, notes: [...this.#unsaid.splice(0), ...found.notes, ...beyond] };
  }

  /** Returns a line about table rows that name pages which a file with `count` images does not have. */
  async rowsBeyond({ directory, name }: Pick<TimedFile, "directory" | "name">, count: number): Promise<string[]> {
    const line = (await this.table())?.beyond(join(directory, name), count);
    return line === undefined ? [] : this.#new(name, [line]);
  }

  /**
   * Returns the time of the first page of each file. Files that were read before are not read again. `names` are names of new
   * files of any kind in the directory, if known. `say` is called with each message; without it, `of` reports the messages
   * later.
   */
  async ofFirstPages<F extends TimedFile>(
    files: readonly F[],
    names: Iterable<string> = [],
    say?: (line: string) => void,
  ): Promise<ReadonlyMap<F, PageTime>> {
    const times = new Map<F, PageTime>();
    const found = new Map<F, Found>();
    const [first] = files;
    if (first !== undefined) await this.#metadata.refresh(first, names);
    let next = 0;
    const work = async () => {
      for (let file = files[next++]; file !== undefined; file = files[next++]) {
        const known = this.#knownTime(file);
        if (known !== undefined) times.set(file, known);
        else found.set(file, await this.#find(file, undefined));
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, files.length) }, work));
    this.#starts.note(found);
    const missing = new Set<F>();
    const tell = say ?? ((line: string) => void this.#unsaid.push(line));
    if (say !== undefined) for (const line of this.#unsaid.splice(0)) say(line);
    const take = (file: F, one: Found, isQuiet: boolean) => {
      const { pages, notes } = this.#resolved(file, one, undefined, isQuiet || say === undefined);
      const [time] = pages;
      for (const note of notes) say?.(note);
      if (time === undefined) return;
      this.#remember(file, time, one);
      times.set(file, time);
    };
    for (const [file, one] of found) {
      const isMissing = one.source === "file" && !this.#metadata.of(file).isEmpty;
      if (isMissing) missing.add(file);
      take(file, one, isMissing);
    }
    const placed = placedByNeighbours(times, missing);
    for (const file of missing) {
      const one = found.get(file);
      const time = placed.get(file);
      if (one === undefined) continue;
      if (time === undefined) take(file, one, false);
      else {
        this.#remember(file, time, one);
        times.set(file, time);
      }
    }
    const [example] = placed.keys();
    if (example !== undefined && !this.#isBehind(example)) {
      const count = images(placed.size);
      tell(`metadata.txt has no time for ${count}, for example ${example.name}; phorest guesses it from the others`);
    }
    const isGuessed = (file: F) => (found.get(file) ?? times.get(file))?.source === "file";
    const stated = new Map([...times].filter(([file]) => !isGuessed(file)));
    const lines = [...(await this.#aboutMetadata(files)), ...this.#repeated(stated)];
    if (this.#tablePath !== undefined && found.size > 0) {
      const sources = [...times].map(([file, { source }]) => found.get(file)?.source ?? source);
      lines.push(...sourcesLine(sources, filesText));
    }
    for (const line of lines) tell(line);
    return times;
  }

  /**
   * Returns lines about a whole list of files: table rows without a file, files without a row, and the same for metadata.txt.
   * Throws as readTimeTable.
   */
  async compare(paths: readonly string[], followLinks = false): Promise<string[]> {
    const ofTable = (await this.table())?.compare(paths) ?? [];
    const lines = [...this.#unsaid.splice(0), ...ofTable];
    const byDirectory = new Map<string, Set<string>>();
    for (const path of paths) {
      const directory = dirname(resolve(path));
      const names = byDirectory.get(directory) ?? new Set();
      byDirectory.set(directory, names.add(basename(path).replace(GZIPPED, "")));
    }
    for (const [directory, names] of byDirectory) {
      const file = { directory, name: "", followLinks, modifiedUs: 0, version: "" };
      await this.#metadata.refresh(file);
      lines.push(...contradictions(new Set(this.#metadata.of(file).described()), names));
    }
    return lines;
  }

  /**
   * Returns the axes of a file with one image, from Micro-Manager's metadata or its name; undefined for others. Uses the
   * metadata that was read with the last times.
   */
  axesOf(file: Pick<TimedFile, "directory" | "name" | "followLinks">): ImageAxes | undefined {
    const images = this.#metadata.of(file).describe(file.name)?.images;
    const [image] = images ?? [];
    const ofName = axesOfName(file.name);
    if (image === undefined || images?.length !== 1) return ofName;
    const { stated, record } = image;
    const positionNames = record.positionName === undefined ? undefined : [record.positionName];
    // The name supplies what the metadata lacks.
    return {
      channel: stated.channel ?? ofName?.channel,
      channelName: stated.channel === undefined ? ofName?.channelName : undefined,
      z: stated.slice ?? ofName?.z,
      position: record.position ?? ofName?.position,
      positionNames,
    };
  }

  /** Returns the state of the metadata.txt files next to a file, as of the last read. */
  metadataState(file: Pick<TimedFile, "directory" | "followLinks">): MetadataDirectory["state"] {
    return this.#metadata.of(file).state;
  }

  /**
   * Announces that the caller will ask again while metadata.txt grows. Until it is complete, guesses are neither kept nor
   * reported.
   */
  waitForMetadata(): void {
    this.#waits = true;
  }

  #isBehind(file: Pick<TimedFile, "directory" | "followLinks">): boolean {
    return this.#waits && this.metadataState(file) === "growing";
  }

  #knownTime(file: TimedFile): PageTime | undefined {
    const known = this.#known.get(join(file.directory, file.name));
    if (known?.version !== file.version) return undefined;
    return known.generation === undefined || known.generation === this.#metadata.of(file).generation
      ? known.time
      : undefined;
  }

  #remember(file: TimedFile, time: PageTime, { source }: Found): void {
    // The guessed time may be written to metadata.txt in the next seconds.
    if (time.source === "file" && this.#isBehind(file)) return;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    // metadata.txt may come later than the image.
    const isFinal = source === "table" || source === "micro-manager";
    const generation = isFinal ? undefined : this.#metadata.of(file).generation;
    this.#known.set(join(file.directory, file.name), { version: file.version, generation, time });
  }

  /**
   * A line that says that the user's name pattern matches none of the names seen, with an example; undefined if one matches, or
   * if there was none.
   */
  get unmatched(): string | undefined {
    return this.#names?.unmatched;
  }

  async #find(file: TimedFile, pages: readonly PageInfo[] | undefined): Promise<Found> {
    this.#names?.note(file.name);
    return findTimes(file, pages, {
      table: await this.table(),
      pattern: this.#names?.pattern,
      metadata: this.#metadata.of(file),
    });
  }

  /** Returns a line about files of one directory with identical times. Repeats it only when their number has doubled. */
  #repeated(times: ReadonlyMap<TimedFile, PageTime>): string[] {
    const [first] = times.keys();
    const found = repeated(times, (file) => this.axesOf(file));
    if (first === undefined || found === undefined) return [];
    const said = this.#repeatedSaid.get(first.directory) ?? 0;
    if (found.count < Math.max(1, 2 * said)) return [];
    this.#repeatedSaid.set(first.directory, found.count);
    return [found.line];
  }

  /** Returns the problems of the metadata.txt files next to files of one directory, each line once. */
  async #aboutMetadata(files: readonly TimedFile[]): Promise<string[]> {
    const [first] = files;
    if (first === undefined) return [];
    const metadata = this.#metadata.of(first);
    const lines = [...metadata.problems(), ...(await metadata.sizeNotes(files))];
    const fresh = lines.filter((line) => !this.#said.has(line));
    for (const line of fresh) this.#said.add(line);
    return fresh;
  }

  #resolved(file: TimedFile, found: Found, pages: readonly PageInfo[] | undefined, quiet = false): FileTimes {
    const count = pages?.length ?? 1;
    const { times: known, notes } = this.#stated(file, found, count);
    const times = filled(known, file.modifiedUs);
    const missing = known.filter((time) => time === undefined).length;
    if (count > 1 && count - missing < 2) notes.push(NO_INTERVAL);
    if (missing === count && found.source !== "file") notes.push(GUESSED);
    if (missing > 0 && missing < count)
      notes.push(`no capture time for ${pagesText(missing)} of ${count}; phorest guesses it from the others`);
    if (found.source === "table") notes.push(...sourcesLine(sourcesOf(found, count), pagesText));
    const us = known.map((time) => time?.takenAtUs);
    if (pages !== undefined) notes.push(...oddities(us, pages));
    return { pages: times, notes: quiet ? [] : this.#new(file.name, notes) };
  }

  /** Returns the time of each page from the first source that has it. */
  #stated(file: TimedFile, found: Found, count: number): { times: (PageTime | undefined)[]; notes: string[] } {
    const { source, stated, next } = found;
    const start = stated.relative ? this.#starts.of(file, found) : OF_EPOCH;
    const isUndated = start.isGuessed && stated.us.some((time) => time !== undefined);
    const notes = [...stated.notes, ...(isUndated ? [UNDATED] : [])];
    const rest = next === undefined ? undefined : this.#stated(file, next, count);
    const times = Array.from({ length: count }, (_, page): PageTime | undefined => {
      const time = stated.us[page];
      if (time === undefined) return rest?.times[page];
      // If the date is guessed, the times are guesses too, even though the intervals are known.
      return { takenAtUs: start.us + time, source: start.isGuessed ? "file" : source };
    });
    return { times, notes: [...notes, ...(rest?.notes ?? [])] };
  }

  /** Returns each line only once, with the first file that it is about. */
  #new(name: string, notes: readonly string[]): string[] {
    const fresh = [...new Set(notes)].filter((note) => !this.#said.has(note));
    for (const note of fresh) this.#said.add(note);
    return fresh.map((note) => `${name}: ${note}`);
  }
}

const filesText = (count: number): string => counted(count, "file");
const NO_INTERVAL = "the time between its pages is unknown; phorest counts them 1 s apart";
