// Images as users name them in commands: a file, a page of a file, or a frame of the experiment.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { decodePicture, type Picture } from "../image/decode.ts";
import { framesOfFile } from "../image/frames-of-file.ts";
import { frameName } from "../manifest/page-rows.ts";
import { pictureRoots, placeOf } from "../manifest/picture-place.ts";
import { shownPath } from "../system/confined-file.ts";
import { noSuchPage, refuseDirectory } from "./page-options.ts";
import { openStored } from "./stored-experiment.ts";

/** Text for the help of an argument. */
export const PICTURES = "an image file, FILE#PAGE, or the number of a frame of the experiment (first, last)";

export interface ChosenPicture {
  /** Name shown to people. */
  readonly name: string;
  /** Short form of the name. */
  readonly short: string;
  readonly picture: Picture;
}

const FRAME = /^(\d+|first|last)$/;

/**
 * Returns the image that `given` names. A whole number (from 1), `first` or `last` is a frame of the experiment; everything else
 * is a file, with `#N` its page N (from 1). Throws Failure `usage.invalid` if it does not exist.
 */
export async function chosenPicture(config: Config, given: string): Promise<ChosenPicture> {
  if (FRAME.test(given)) return frameOf(config, given);
  const [, file = "", page] = /^(.*?)(?:#(\d+))?$/s.exec(given) ?? [];
  const path = existsSync(given) ? given : file;
  if (!existsSync(path)) throw absent(`${given}: no such file`, `name ${PICTURES}`);
  refuseDirectory(path);
  const index = path === given || page === undefined ? undefined : Number(page) - 1;
  if (index === -1) throw absent(`${given}: pages are counted from 1`, "name another page");
  if (index !== undefined) {
    const { count } = await framesOfFile(path);
    if (index >= count) throw noSuchPage(given, path, count);
  }
  const picture = await decodePicture(path, given, index === undefined ? {} : { page: index });
  return { name: given, short: basename(given), picture };
}

async function frameOf(config: Config, given: string): Promise<ChosenPicture> {
  const manifest = openStored(config);
  try {
    const last = manifest.history.lastEntry()?.entryId;
    if (last === undefined) throw absent(`${given}: the experiment has no frame yet`, "capture with `phorest run`");
    const first = manifest.history.entries().next().value?.entryId ?? 1;
    const entryId = given === "first" ? first : given === "last" ? last : Number(given);
    const row = manifest.checks.picture(entryId);
    if (row === undefined) {
      throw absent(`the experiment has no image of frame ${given}`, `it has frames ${first} to ${last}`);
    }
    const name = frameName(row.filename, row.page);
    const file = placeOf(row, pictureRoots(config));
    if (!existsSync(shownPath(file))) {
      throw absent(`the image of frame ${given} (${name}) is no longer here`, "choose another frame, or restore it");
    }
    const picture = await decodePicture(file, name);
    return { name: `frame ${entryId} (${name})`, short: `frame ${entryId}`, picture };
  } finally {
    manifest.close();
  }
}

function absent(message: string, hint: string): Failure {
  return new Failure("usage.invalid", message, { hint });
}
