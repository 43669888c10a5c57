// ImageJ's description of a stack: the interval between its frames. It gives no date.

import { unitUs } from "../../system/time-text.ts";
import type { Stated } from "./source.ts";

export const isImagej = (description: string): boolean => description.startsWith("ImageJ=");

/** The elapsed times of the first `pages` pages; undefined without a positive `finterval`. */
export function imagejPages(description: string, pages: number): Stated | undefined {
  const lines = new Map(description.split(/\r?\n/).flatMap((line) => pairOf(line)));
  const unit = lines.get("tunit") ?? "sec";
  const factor = unitUs(unit);
  const interval = Number(lines.get("finterval"));
  if (!(interval > 0) || !Number.isFinite(interval)) return undefined;
  if (factor === undefined) {
    const notes = [`ImageJ's time unit ${JSON.stringify(unit)} is not known; phorest does not use its finterval`];
    return { us: [], relative: true, notes };
  }
  const count = (key: string) => Math.max(1, Math.round(Number(lines.get(key) ?? 1)) || 1);
  const frames = count("frames");
  const channels = count("channels");
  // A stack without frames has its images in time.
  const slices = frames > 1 ? count("slices") : 1;
  const frameOf = (page: number) => frameAt(page, lines.get("order") ?? "czt", { c: channels, z: slices, t: frames });
  const us = Array.from({ length: pages }, (_, page) => Math.round(frameOf(page) * interval * factor));
  const images = Number(lines.get("images"));
  const notes = images > pages && pages > 1 ? [`ImageJ describes ${images} images, the file has ${pages}`] : [];
  return { us, relative: true, notes };
}

function pairOf(line: string): [string, string][] {
  const at = line.indexOf("=");
  return at < 1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()]];
}

/** The frame of a page; the first letter of `order` changes fastest. */
function frameAt(page: number, order: string, sizes: Readonly<Record<string, number>>): number {
  let rest = page;
  for (const axis of /^[czt]{3}$/.test(order) ? order : "czt") {
    // Frames that come last have no limit: a file may have more than its description says.
    const size = axis === "t" && order.endsWith("t") ? Number.POSITIVE_INFINITY : (sizes[axis] ?? 1);
    if (axis === "t") return Number.isFinite(size) ? rest % size : rest;
    rest = Math.floor(rest / size);
  }
  return rest;
}
