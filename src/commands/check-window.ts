// Checks the time window of a run on existing images.
import { statSync } from "node:fs";
import { FrameChooser } from "../cameras/chosen-frames.ts";
import { configuredPages, configuredSubset, configuredTimes } from "../cameras/configured-files.ts";
import type { Config } from "../config/schema.ts";
import type { PageChoice } from "../image/chosen-pages.ts";
import { chooseSeries } from "../image/file-axes.ts";
import { selectFrames } from "../image/frame-subset.ts";
import { listPictures, type PictureFile } from "../image/picture-files.ts";
import { CaptureTimes } from "../image/times/capture-times.ts";

/** Refuses, before anything starts, a time window in which no existing image has a frame. */
export async function checkWindow(config: Config): Promise<void> {
  const { Camera, Paths } = config;
  const directory = { file_importer: Paths.data_dir, dummy: Camera.dummy_path }[String(Camera.camera_type)];
  const subset = configuredSubset(Camera);
  if (directory === undefined || (subset.fromUs === undefined && subset.toUs === undefined)) return;
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const times = new CaptureTimes(configuredTimes(Camera));
  const pages = configuredPages(Camera);
  const followLinks = Camera.follow_links;
  const files = await listPictures(directory, { followLinks, times });
  const place = { directory, followLinks };
  const { choices } = await chooseSeries(
    files.map((file) => ({ ...file, ...place })),
    pages,
    times,
  );
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
