// When the images of other programs were taken, from the most trustworthy source that each has. In order: the user's table,
// the name of an own capture, Micro-Manager, OME-XML, ImageJ, EXIF, a pattern of names, and at last the file's time of
// modification, which is only a guess.
import { join } from "node:path";
import { errorCode } from "../../failure/error-code.ts";
import { Failure } from "../../failure/failure.ts";
import type { NamedFile } from "../../system/confined-file.ts";
import { type NamePattern, namePattern } from "../../system/name-pattern.ts";
import type { PageInfo } from "../pages.ts";
import { type Embedded, embeddedTimes, type Sourced } from "./embedded.ts";
import { filled, oddities, type PageTime, pages as pagesText } from "./fill.ts";
import { type Described, MetadataDirectory } from "./metadata-txt.ts";
import { timeOf } from "./micro-manager.ts";
import { ownNameTime, patternTime } from "./names.ts";
import type { Stated } from "./source.ts";
import { readTimeTable, type TimeTable } from "./table.ts";

/** What the user says about times. */
export interface TimesOptions {
  /** Path of a table of times. */
  readonly table?: string | undefined;
  /** Pattern of the times in names, as namePattern reads it. */
  readonly names?: string | undefined;
}

/** A file whose times are wanted. */
export interface TimedFile extends Pick<NamedFile, "directory" | "followLinks"> {
  readonly name: string;
  /** Time of modification, microseconds since the epoch. */
  readonly modifiedUs: number;
  /** Changes whenever the file is written. */
  readonly version: string;
}

/** The times of the pages of a file in their order, and one line for each thing to know; the lines name the file. */
export interface FileTimes {
  readonly pages: readonly PageTime[];
  readonly notes: readonly string[];
}

/** Times count from the start of a series of files, whose date is not known. */
type Scope = "file" | "series";

interface Found extends Sourced {
  readonly scope: Scope;
  /** Date for times without one, microseconds since the epoch. */
  readonly date: number | undefined;
}

interface Known {
  readonly version: string;
  /** State of the metadata.txt files; undefined where they do not matter. */
  readonly generation: number | undefined;
  readonly time: PageTime;
}

/** So many files are opened at once. */
const AT_ONCE = 16;
const MOST_KNOWN = 1_000_000;
const GUESSED = "no capture time found; phorest guesses it from the time of modification, which copying may change";

/** Reads capture times; keeps what it has read of each directory and file. */
export class CaptureTimes {
  readonly #pattern: NamePattern | undefined;
  readonly #tablePath: string | undefined;
  #table: Promise<TimeTable> | undefined;
  readonly #directories = new Map<string, MetadataDirectory>();
  readonly #known = new Map<string, Known>();
  readonly #said = new Set<string>();
  /** The date at which counters of names and tables begin, once a file gives it. */
  #seriesStartUs: number | undefined;

  /** Throws Failure `config.invalid` for a pattern that gives no time. */
  constructor({ table, names }: TimesOptions = {}) {
    this.#tablePath = table;
    this.#pattern = names === undefined ? undefined : namePattern(names);
  }

  /** Reads the user's table, which otherwise happens with the first file. Throws as readTimeTable. */
  async table(): Promise<TimeTable | undefined> {
    if (this.#tablePath === undefined) return undefined;
    this.#table ??= readTimeTable(this.#tablePath);
    return this.#table;
  }

  /**
   * The times of the pages of a file; `pages` undefined: it is a single picture, or only the first page is of interest.
   * A file that cannot be read gets its time of modification, and a line says why. Throws as readTimeTable.
   */
  async of(file: TimedFile, pages?: readonly PageInfo[]): Promise<FileTimes> {
    await this.#refresh(file);
    return this.#resolved(file, await this.#find(file, pages), pages);
  }

  /**
   * The time of the first page of each file, and what to know about them. Files that were read before are not read again.
   * `names` are names of new files of any kind in the directory, if known. `say` is called with each line to know; without it
   * `of` says them later.
   */
  async ofFirstPages<F extends TimedFile>(
    files: readonly F[],
    names: Iterable<string> = [],
    say?: (line: string) => void,
  ): Promise<ReadonlyMap<F, PageTime>> {
    const times = new Map<F, PageTime>();
    const found = new Map<F, Found>();
    const [first] = files;
    if (first !== undefined) await this.#refresh(first, names);
    let next = 0;
    const work = async () => {
      for (let file = files[next++]; file !== undefined; file = files[next++]) {
        const known = this.#knownTime(file);
        if (known !== undefined) times.set(file, known);
        else found.set(file, await this.#find(file, undefined));
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, files.length) }, work));
    this.#startSeries(found);
    for (const [file, one] of found) {
      const { pages, notes } = this.#resolved(file, one, undefined, say === undefined);
      const [time] = pages;
      for (const note of notes) say?.(note);
      if (time === undefined) continue;
      this.#remember(file, time, one);
      times.set(file, time);
    }
    return times;
  }

  /** Lines about the whole list of files: rows of the table without a file, files without a row. */
  async compare(paths: Iterable<string>): Promise<string[]> {
    return (await this.table())?.compare(paths) ?? [];
  }

  #metadata({ directory, followLinks = false }: TimedFile): MetadataDirectory {
    const known = this.#directories.get(directory) ?? new MetadataDirectory(directory, followLinks);
    this.#directories.set(directory, known);
    return known;
  }

  async #refresh(file: TimedFile, names: Iterable<string> = []): Promise<void> {
    await this.#metadata(file)
      .refresh(names)
      .catch((error: unknown) => {
        // The directory itself is listed elsewhere, where its errors count.
        if (errorCode(error) === undefined) throw error;
      });
  }

  #knownTime(file: TimedFile): PageTime | undefined {
    const known = this.#known.get(join(file.directory, file.name));
    if (known?.version !== file.version) return undefined;
    return known.generation === undefined || known.generation === this.#metadata(file).generation
      ? known.time
      : undefined;
  }

  #remember(file: TimedFile, time: PageTime, { source }: Found): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    // metadata.txt may come later than the image.
    const isFinal = source === "table" || source === "micro-manager";
    const generation = isFinal ? undefined : this.#metadata(file).generation;
    this.#known.set(join(file.directory, file.name), { version: file.version, generation, time });
  }

  async #find(file: TimedFile, pages: readonly PageInfo[] | undefined): Promise<Found> {
    const pattern = this.#pattern;
    const path = join(file.directory, file.name);
    const count = pages?.length ?? 1;
    const ofTable = (await this.table())?.timesOf(path, count);
    if (ofTable !== undefined) return { source: "table", stated: ofTable, scope: "series", date: undefined };
    const ownName = ownNameTime(file.name);
    const named = (pattern === undefined ? undefined : patternTime(file.name, pattern)) ?? ownName;
    const ofName = (stated: Stated, date?: number): Found => ({ source: "name", stated, scope: "series", date });
    if (ownName !== undefined && count === 1) return ofName(named ?? ownName);
    const described = this.#metadata(file).describe(file.name);
    // A stack says itself which page is which.
    const separate = count === 1 && described !== undefined ? ofMetadata(described, pages) : undefined;
    if (separate !== undefined) return { ...separate, scope: "file", date: undefined };
    const { inside, notes } = await this.#inside(file, pages);
    const date = inside.date ?? (named?.relative === false ? named.us[0] : undefined);
    const withNotes = (one: Sourced): Sourced => ({
      ...one,
      stated: { ...one.stated, notes: [...notes, ...one.stated.notes] },
    });
    const own =
      described === undefined || inside.pages?.source === "micro-manager" ? inside.pages : ofMetadata(described, pages);
    const best = own ?? inside.pages;
    if (best !== undefined) return { ...withNotes(best), scope: "file", date };
    if (named !== undefined) return ofName({ ...named, notes: [...notes, ...named.notes] });
    const nothing: Stated = { us: [], relative: false, notes: [...notes, GUESSED] };
    return { source: "file", stated: nothing, scope: "file", date: undefined };
  }

  async #inside(
    file: TimedFile,
    pages: readonly PageInfo[] | undefined,
  ): Promise<{ inside: Embedded; notes: string[] }> {
    const { directory, name, followLinks = false } = file;
    const problems = this.#metadata(file).problems();
    try {
      return { inside: await embeddedTimes({ directory, path: name, followLinks }, pages), notes: problems };
    } catch (error) {
      // That a file cannot be read is said, and acted upon, where its pixels are read.
      const why = error instanceof Failure ? error.message : errorCode(error);
      if (why === undefined) throw error;
      return {
        inside: { pages: undefined, date: undefined },
        notes: [...problems, `its metadata are not used: ${why}`],
      };
    }
  }

  /** The start of a series of counters is the earliest that the files allow: none is written before it is taken. */
  #startSeries(found: ReadonlyMap<TimedFile, Found>): void {
    let startUs = Number.POSITIVE_INFINITY;
    for (const [{ modifiedUs }, { stated, scope }] of found) {
      const [us] = stated.us;
      if (stated.relative && scope === "series" && us !== undefined) startUs = Math.min(startUs, modifiedUs - us);
    }
    if (Number.isFinite(startUs)) this.#seriesStartUs ??= startUs;
  }

  #resolved(file: TimedFile, found: Found, pages: readonly PageInfo[] | undefined, quiet = false): FileTimes {
    const { source, stated, scope } = found;
    const count = pages?.length ?? 1;
    const us = Array.from({ length: count }, (_, page) => stated.us[page]);
    const lastUs = us.reduce<number>((last, time) => Math.max(last, time ?? last), 0);
    const notes = [...stated.notes];
    let startUs = 0;
    if (stated.relative) {
      startUs = found.date ?? file.modifiedUs - lastUs;
      if (scope === "series") startUs = this.#seriesStartUs ??= startUs;
      if (found.date === undefined) notes.push(UNDATED);
    }
    const times = filled(
      us.map((time) => (time === undefined ? undefined : startUs + time)),
      source,
      file.modifiedUs,
    );
    const missing = us.filter((time) => time === undefined).length;
    if (missing > 0 && missing < count)
      notes.push(`no capture time for ${pagesText(missing)} of ${count}; phorest guesses it from the others`);
    if (pages !== undefined) notes.push(...oddities(us, pages));
    return { pages: times, notes: quiet ? [] : this.#new(file.name, notes) };
  }

  /** Each line once, with the first file that it is about. */
  #new(name: string, notes: readonly string[]): string[] {
    const fresh = notes.filter((note) => !this.#said.has(note));
    for (const note of fresh) this.#said.add(note);
    return fresh.map((note) => `${name}: ${note}`);
  }
}

const UNDATED = "its metadata have elapsed times without a date; phorest takes the date from the time of modification";

/** What metadata.txt says about the pages of a file. */
function ofMetadata({ images, series, notes }: Described, pages: readonly PageInfo[] | undefined): Sourced | undefined {
  const count = pages?.length ?? 1;
  const at = new Map(images.map((image) => [`${image.frame} ${image.channel} ${image.slice}`, image]));
  // In the order of the file, unless some are missing: then by their place in the series.
  const isWhole = images.length === count || pages === undefined;
  const records = Array.from({ length: count }, (_, page) => {
    const place = pages?.[page];
    return (isWhole || place === undefined ? images[page] : at.get(`${place.time} ${place.channel} ${place.z}`))
      ?.record;
  });
  const us = records.map((record) => (record === undefined ? undefined : timeOf(record, series)));
  if (us.every((time) => time === undefined)) return undefined;
  const relative = series.startUs === undefined && records.every((record) => record?.received === undefined);
  const differ =
    pages !== undefined && !isWhole ? [`metadata.txt describes ${images.length} images of it, it has ${count}`] : [];
  return { source: "micro-manager", stated: { us, relative, notes: [...notes, ...differ] } };
}
