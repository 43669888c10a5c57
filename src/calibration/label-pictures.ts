// Reads pictures of printed labels from an existing installation: <directory>/<chip type>/<label>.png, upright, bright on dark.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Chip } from "../chip/chip.ts";
import { Failure } from "../failure/failure.ts";
import { decodePicture } from "../image/decode.ts";
import { readNamesNow } from "../system/names-in-bytes.ts";
import type { LabelPicture } from "./label-search.ts";

/** Returns the pictures of a chip's labels by label name. Failure config.invalid if there are none. */
export async function readLabelPictures(directory: string, chip: Chip): Promise<Map<string, LabelPicture>> {
  const own = join(directory, chip.type);
  const folder = existsSync(own) ? own : directory;
  const names = existsSync(folder)
    ? readNamesNow(folder).names.filter((name) => name.toLowerCase().endsWith(".png"))
    : [];
  if (names.length === 0) {
    throw new Failure("config.invalid", `${directory}: it has no label images of ${chip.type}`, {
      hint: "put them into a directory named after the chip type, or remove Assets.label_template_dir to use the built-in glyphs",
    });
  }
  const pictures = new Map<string, LabelPicture>();
  for (const name of names) {
    const { pixels, width, height, bitDepth } = await decodePicture(join(folder, name));
    const values = new Uint8Array(bitDepth === 8 ? pixels : pixels.map((pixel) => pixel >> 8));
    const label = name.slice(0, -".png".length);
    const known = chip.labels.find(
      (one) => one.label.toLowerCase().replace("_", "-") === label.toLowerCase().replace("_", "-"),
    );
    pictures.set(known?.label ?? label, { values, width, height });
  }
  return pictures;
}
