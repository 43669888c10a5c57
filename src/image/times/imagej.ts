// Reads ImageJ's description of a stack: the interval between its frames. It contains no date.

import { counted } from "../../system/counted.ts";
import { decimalOf, unitUs } from "../../system/time-text.ts";
import type { Stated } from "./source.ts";

export const isImagej = (description: string): boolean => description.startsWith("ImageJ=");

/** Returns the elapsed times of the first `pages` pages; undefined without a positive `finterval`. A file that is cut off (`isCut`) has fewer than described. */
export function imagejPages(description: string, pages: number, isCut = false): Stated | undefined {
  const lines = new Map(description.split(/\r?\n/).flatMap((line) => pairOf(line)));
  const unit = lines.get("tunit") ?? "sec";
  const factor = unitUs(unit);
  const interval = decimalOf(lines.get("finterval") ?? "") ?? 0;
  if (!(interval > 0)) return undefined;
  if (factor === undefined) {
    const notes = [`ImageJ's time unit ${JSON.stringify(unit)} is not known; phorest does not use its finterval`];
    return { us: [], relative: true, notes };
  }
  const placeOf = imagejPlaces(description);
  const us = Array.from({ length: pages }, (_, page) => Math.round(placeOf(page).t * interval * factor));
  const images = Number(lines.get("images"));
  const notes =
    images > pages && pages > 1 && !isCut
      ? [`ImageJ describes ${counted(images, "image")}, the file has ${pages}`]
      : [];
  return { us, relative: true, notes };
}

function pairOf(line: string): [string, string][] {
  const at = line.indexOf("=");
  return at < 1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()]];
}

/** Channel, slice and frame of a page, from 0. */
export type ImagejPlace = Readonly<Record<"c" | "z" | "t", number>>;

/** Returns a function that gives the coordinates of a page. In a stack without frames the images are frames in time. */
export function imagejPlaces(description: string): (page: number) => ImagejPlace {
  const lines = new Map(description.split(/\r?\n/).flatMap((line) => pairOf(line)));
  const count = (key: string) => Math.max(1, Math.round(Number(lines.get(key) ?? 1)) || 1);
  const frames = count("frames");
  const sizes = { c: count("channels"), z: frames > 1 ? count("slices") : 1, t: frames };
  const order = lines.get("order") ?? "czt";
  return (page) => placeAt(page, order, sizes);
}

const isAxis = (letter: string): letter is keyof ImagejPlace => letter === "c" || letter === "z" || letter === "t";

/** Returns the coordinates of a page; the first letter of `order` changes fastest. */
function placeAt(page: number, order: string, sizes: ImagejPlace): ImagejPlace {
  const place = { c: 0, z: 0, t: 0 };
  let rest = page;
  for (const axis of [...(/^[czt]{3}$/.test(order) ? order : "czt")].filter(isAxis)) {
    // If frames change slowest they have no limit: a file may have more than its description states.
    const size = axis === "t" && order.endsWith("t") ? Number.POSITIVE_INFINITY : sizes[axis];
    place[axis] = Number.isFinite(size) ? rest % size : rest;
    rest = Math.floor(rest / size);
  }
  return place;
}
