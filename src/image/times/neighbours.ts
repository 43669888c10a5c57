// Estimates the times of separate images that metadata.txt does not describe, from images of the same series that it does.
import { axesOfName } from "../image-axes.ts";
import { filled, type PageTime } from "./fill.ts";

interface Named {
  readonly directory: string;
  readonly name: string;
}

/**
 * Returns times for the images `missing` from a series with `times`, in name order, like the pages of a stack: between their
 * neighbours, or at the usual interval from them. Leaves out images without neighbours in their series.
 */
export function placedByNeighbours<F extends Named>(
  times: ReadonlyMap<F, PageTime>,
  missing: ReadonlySet<F>,
): Map<F, PageTime> {
  const series = new Map<string, F[]>();
  for (const file of missing.size === 0 ? [] : times.keys()) {
    const key = `${file.directory}/${seriesOf(file.name)}`;
    const files = series.get(key);
    if (files === undefined) series.set(key, [file]);
    else files.push(file);
  }
  const placed = new Map<F, PageTime>();
  for (const files of series.values()) {
    if (files.every((file) => missing.has(file)) || !files.some((file) => missing.has(file))) continue;
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    const known = files.map((file) => (missing.has(file) ? undefined : times.get(file)));
    filled(known, 0).forEach((time, at) => {
      const file = files[at];
      if (file !== undefined && missing.has(file)) placed.set(file, time);
    });
  }
  return placed;
}

/** A key that is the same for images of one channel, plane and position whose names differ only in their numbers. */
const seriesOf = (name: string): string => JSON.stringify([axesOfName(name), name.replace(/\d+/g, "#")]);
