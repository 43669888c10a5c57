// Adds images in the data directory that have no row to the queue. Own captures are single images, with the time in their name;
// files of other programs are read to find their pages and times.
import { join } from "node:path";
import { configuredPages, configuredTimes } from "../cameras/configured-files.ts";
import { lackingChoice, newPages, pageFilter, pagesSettings, partlyTaken } from "../cameras/grown-file.ts";
import { BRIGHTFIELD_PREFIX } from "../cameras/picture-encoding.ts";
import { seriesSettings } from "../cameras/series-record.ts";
import type { Config } from "../config/schema.ts";
import { Failure, failureLine } from "../failure/failure.ts";
import { captureTimeOf } from "../image/capture-name.ts";
import { axesOfFiles } from "../image/file-axes.ts";
import { framesOfFile, framesOfPages } from "../image/frames-of-file.ts";
import { usableStatus } from "../image/picture-files.ts";
import { isPictureName } from "../image/picture-name.ts";
import { SeparateImages } from "../image/separate-images.ts";
import { CaptureTimes } from "../image/times/capture-times.ts";
import type { StageLog } from "../log/logger.ts";
import { MANIFEST_FILENAME, type Manifest } from "../manifest/manifest.ts";
import { takenSeries } from "../manifest/taken-series.ts";
import { lastTaken, takenBefore } from "../stages/collector/taken-before.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { unnumberedName } from "../system/numbered-name.ts";

export interface AdoptOptions {
  readonly manifest: Manifest;
  readonly dataDir: string;
  readonly runId: number;
  /** Also add links to images. */
  readonly followLinks: boolean;
  readonly log: StageLog;
}

/** An image that has no row. */
export interface UnknownFile {
  readonly name: string;
  readonly bytes: number;
  /** Modification time, microseconds since the epoch. */
  readonly modifiedUs: number;
  /** Time in the name of an own capture; undefined for files of other programs. */
  readonly capturedAtUs: number | undefined;
}

/** Whether a file without a row can be a frame, by its name. */
export const isAdoptable = (name: string): boolean => isPictureName(name) && !name.startsWith(BRIGHTFIELD_PREFIX);

/**
 * Adds own captures that have no row, oldest first. `skipped`: one line for each image that cannot be added; `foreign`: files of
 * other programs, whose pages and times must be read first (adoptForeign).
 */
export function adoptOwn(
  unclaimed: readonly string[],
  { manifest, dataDir, runId, followLinks, log }: AdoptOptions,
): { readonly skipped: readonly string[]; readonly foreign: readonly UnknownFile[] } {
  const skipped: string[] = [];
  const unknown = unclaimed
    .filter((name) => isAdoptable(name) && !manifest.entries.knowsFile(name))
    .flatMap((name): UnknownFile[] => {
      const status = usableStatus(dataDir, name, followLinks, (line) => skipped.push(line));
      if (status === undefined) return [];
      const modifiedUs = Math.round(status.mtimeMs * 1000);
      return [{ name, bytes: status.size, modifiedUs, capturedAtUs: captureTimeOf(name) }];
    })
    .sort((a, b) => (a.capturedAtUs ?? a.modifiedUs) - (b.capturedAtUs ?? b.modifiedUs));
  for (const { name, capturedAtUs, bytes } of unknown) {
    if (capturedAtUs === undefined) continue;
    manifest.entries.adopt({ runId, filename: name, filepath: dataDir, capturedAtUs, bytes });
    log.warn(`found ${name}, which was not in the database; added it to the queue`);
  }
  return { skipped, foreign: unknown.filter(({ capturedAtUs }) => capturedAtUs === undefined) };
}

/**
 * Adds files of other programs, with a row for each frame, if they are of the series that the experiment's frames are of. Names the
 * others. A file that cannot be read now is left for the next start.
 */
export async function adoptForeign(
  files: readonly UnknownFile[],
  { config, manifest, log, runId }: Pick<AdoptOptions, "manifest" | "log" | "runId"> & { readonly config: Config },
): Promise<void> {
  if (files.length === 0) return;
  const { follow_links: followLinks } = config.Camera;
  const dataDir = config.Paths.data_dir;
  const before = takenSeries(join(dataDir, MANIFEST_FILENAME));
  const { channel, z, position } = configuredPages(config.Camera);
  const choice = {
    ...{ channel: channel ?? before?.channel, z: z ?? before?.z },
    position: position ?? before?.position,
  };
  const options = {
    ...{ manifest, dataDir, runId, followLinks },
    times: new CaptureTimes(configuredTimes(config.Camera)),
    separate: new SeparateImages(choice, before),
  };
  for (const file of files) {
    const { name } = file;
    try {
      const found = await entryOf(file, options);
      if (typeof found === "string") {
        log.warn(found);
        continue;
      }
      const { entry, notes } = found;
      await manifest.whenFree(() => manifest.entries.adopt(entry));
      const frames = 1 + entry.furtherPages.length;
      log.warn(
        `found ${name}, which was not in the database; added it to the queue${frames > 1 ? `, ${frames} pages` : ""}`,
      );
      for (const note of notes) log.warn(note.startsWith(name) ? note : `${name}: ${note}`);
      if (entry.collectionError !== undefined) log.error(`${name}: ${entry.collectionError}`);
    } catch (error) {
      log.error(`${name}: cannot add it to the queue: ${failureLine(error)}; the next start retries`);
    }
  }
}

interface ForeignOptions extends Pick<AdoptOptions, "manifest" | "dataDir" | "runId" | "followLinks"> {
  readonly times: CaptureTimes;
  /** The series of the experiment's frames; files that state theirs first decide what nobody chose. */
  readonly separate: SeparateImages;
}

/** Returns the entry of a file; if it is not of the series, a line that says so. */
async function entryOf(
  { name, bytes, modifiedUs }: UnknownFile,
  { manifest, dataDir, runId, followLinks, times, separate }: ForeignOptions,
) {
  const named = { directory: dataDir, path: name, followLinks };
  const file = { directory: dataDir, name, followLinks, modifiedUs, version: `${bytes}` };
  // Reads the metadata next to the file, which may have the axes.
  await times.ofFirstPages([file]);
  const [axes = { images: 1, axes: [] }] = await axesOfFiles([file], times);
  separate.learn([axes]);
  if (!separate.keeps(axes)) return `${name}: skipped: it is of another series than the frames of this experiment`;
  const choice = separate.choiceOf(axes);
  const lacking = await lackingChoice(named, choice);
  if (lacking !== undefined) return lacking;
  const { pages, leftOut, damage } = await framesOfFile(named, choice);
  const { from, without, content, continues } = await grownSince(named, manifest);
  const timed = await times.of(file, pages);
  const series = seriesSettings(separate.seriesOf(axes));
  const frames = framesOfPages(pages ?? [], timed);
  const isWanted = pageFilter({ from, without });
  const fresh = frames.filter(({ page }) => isWanted(page));
  const [first, ...furtherPages] = fresh.length === 0 ? frames : fresh;
  const [time] = timed.pages;
  const entry = {
    ...{ runId, filename: name, filepath: dataDir, bytes },
    ...(first ?? { capturedAtUs: time?.takenAtUs ?? modifiedUs, timeSource: time?.source }),
    furtherPages,
    continues,
    // In the form that the collector stores: its source uses it to recognise files that it took.
    settings: JSON.stringify({
      source_bytes: bytes,
      source_modified_us: modifiedUs,
      ...pagesSettings(content),
      ...series,
    }),
    warnings: [...timed.notes, ...leftOut].join("; "),
    collectionError: damage,
    cutOff: damage,
  };
  return { entry, notes: [...timed.notes, ...leftOut] };
}

/**
 * Handles a copy of a stack that had grown, or of which pages were left out before, and whose row the last run could not add:
 * only the pages that have no row are frames.
 */
async function grownSince(file: NamedFile, manifest: Manifest) {
  const base = unnumberedName(file.path);
  const before = base === undefined ? undefined : takenBefore(manifest, base);
  const taken = before?.pages;
  const isNew = async () => ({
    from: 0,
    content: (await newPages(file, undefined))?.pages,
    continues: undefined,
    without: [],
  });
  if (base === undefined || taken === undefined) return isNew();
  try {
    const found = await newPages(file, taken);
    const without = before && partlyTaken(before);
    if (found?.from === 0 || (found === undefined && without === undefined)) return await isNew();
    const { from, pages: content } = found ?? { from: 0, pages: taken };
    return { from, content, continues: lastTaken(manifest, base), without };
  } catch (error) {
    // It is another file with such a name.
    if (error instanceof Failure && error.code === "file.changed") return isNew();
    throw error;
  }
}
