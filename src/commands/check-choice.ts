// Checks, before a run on existing images begins, that the options which choose images choose any.
import { statSync } from "node:fs";
import { join } from "node:path";
import { FrameChooser } from "../cameras/chosen-frames.ts";
import { configuredPages, configuredSubset, configuredTimes } from "../cameras/configured-files.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { type PageChoice, unstated, wrongChoice } from "../image/chosen-pages.ts";
import { chooseSeries } from "../image/file-axes.ts";
import { selectFrames } from "../image/frame-subset.ts";
import { framesOfFile } from "../image/frames-of-file.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import { listPictures, type PictureFile } from "../image/picture-files.ts";
import { CaptureTimes, DESCRIBE_NAMES } from "../image/times/capture-times.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import { takenSeries } from "../manifest/taken-series.ts";

interface Place {
  readonly directory: string;
  readonly followLinks: boolean;
}

/**
 * Throws a Failure if no existing image is of the chosen channel, plane or position, has a frame in the time window, or a name
 * that fits the pattern. Such images may still come into a watched folder: there only the first is checked, if the run ends when
 * the present ones are done (`untilIdle`) and none of the series was taken before.
 */
export async function checkChoice(config: Config, { untilIdle }: { readonly untilIdle: boolean }): Promise<void> {
  const { Camera, Paths } = config;
  const isFolder = Camera.camera_type === "folder";
  const isFirst = isFolder && untilIdle && takenSeries(join(Paths.data_dir, MANIFEST_FILENAME)) === undefined;
  const watched = isFirst ? Camera.watch_dir : undefined;
  const places = { file_importer: Paths.data_dir, dummy: Camera.dummy_path, folder: watched };
  const directory = new Map<string, string | undefined>(Object.entries(places)).get(Camera.camera_type);
  const subset = configuredSubset(Camera);
  const pages = configuredPages(Camera);
  const hasWindow = !isFolder && (subset.fromUs !== undefined || subset.toUs !== undefined);
  // The dummy camera replays the first page of a file, whatever is chosen for other commands.
  const hasPages = Camera.camera_type !== "dummy" && Object.values(pages).some((chosen) => chosen !== undefined);
  const hasPattern = !isFolder && Camera.name_time !== undefined;
  if (directory === undefined || !(hasWindow || hasPages || hasPattern)) return;
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const times = new CaptureTimes(configuredTimes(Camera));
  const place = { directory, followLinks: Camera.follow_links };
  const files = await listPictures(directory, { followLinks: Camera.follow_links, times });
  if (hasPattern && times.unmatched !== undefined)
    throw new Failure("usage.invalid", times.unmatched, { hint: DESCRIBE_NAMES });
  const { choices, axes } = await chooseSeries(
    files.map((file) => ({ ...file, ...place })),
    pages,
    times,
  );
  if (hasPages)
    await checkPages(
      [...choices].map(([file, choice]) => ({ ...file, choice, axes: axes.get(file) })),
      pages,
    );
  if (!hasWindow) return;
  const series: PictureFile[] = [...choices.keys()];
  const ofFile: ReadonlyMap<PictureFile, PageChoice> = choices;
  const chooser = new FrameChooser({ subset, choiceOf: (file) => ofFile.get(file), times });
  const stacks = await chooser.stacks(series, place);
  const frames = series.flatMap((file) => {
    const pagesOf = stacks.get(file)?.frames ?? [{ capturedAtUs: file.takenAtUs }];
    return pagesOf.map(({ capturedAtUs: takenAtUs }) => ({ takenAtUs }));
  });
  selectFrames(frames, subset);
}

interface ChosenFile extends Place {
  readonly name: string;
  readonly choice: PageChoice;
  readonly axes: ImageAxes | undefined;
}

/** Failure `usage.invalid` if no file has a chosen page, or says of which channel, plane or position it is. */
async function checkPages(files: readonly ChosenFile[], pages: PageChoice): Promise<void> {
  let why: Failure | undefined;
  for (const { directory, name: path, followLinks, choice, axes } of files) {
    const { refused, count } = await framesOfFile({ directory, path, followLinks }, choice);
    const silent = count === 1 ? unstated(pages, axes, join(directory, path)) : undefined;
    if (refused === undefined && silent === undefined) return;
    why ??= refused === undefined ? silent : wrongChoice(refused);
  }
  if (why !== undefined) throw why;
}
