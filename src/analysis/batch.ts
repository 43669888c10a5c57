// Measuring many picture files: which ones, and in order with a bounded number in flight.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { encodeFailure, Failure } from "../failure/failure.ts";
import { isPictureName } from "../image/picture-name.ts";
import { readNames, unusableNameLine } from "../system/names-in-bytes.ts";
import type { TaskAnswer } from "./task.ts";

export interface Measured<Frame> {
  readonly frame: Frame;
  readonly answer: TaskAnswer;
}

/**
 * The pictures meant by `paths`: a file is used whatever its name is, a directory for the pictures directly in
 * it, by name. `skipped` is called with a line for each picture whose name cannot be used. Throws Failure `usage.invalid` for a path that is not there or a directory without pictures.
 */
export async function listPictures(
  paths: readonly string[],
  skipped: (line: string) => void = () => undefined,
): Promise<string[]> {
  const pictures: string[] = [];
  for (const path of paths) {
    const status = await statOf(path);
    if (!status.isDirectory()) {
      pictures.push(path);
      continue;
    }
    const found = await readNames(path);
    for (const name of found.unusable.filter(isPictureName)) skipped(unusableNameLine(join(path, name)));
    const names = found.names.filter(isPictureName).sort();
    if (names.length === 0) {
      throw new Failure("usage.invalid", `${path}: no image in this directory`, {
        hint: "phorest reads PNG, TIFF, BMP and JPEG, and .gz of these; subdirectories are not searched",
      });
    }
    pictures.push(...names.map((name) => join(path, name)));
  }
  return pictures;
}

/**
 * Measures frames with `measureOne`, at most `ahead` at a time, and yields the answers in the order of `frames`. An error
 * thrown by `measureOne` (an analysis thread that crashed) becomes the result of its frame.
 */
export async function* measureInOrder<Frame>(
  frames: readonly Frame[],
  measureOne: (frame: Frame) => Promise<TaskAnswer>,
  ahead: number,
): AsyncGenerator<Measured<Frame>> {
  const underWay: Promise<Measured<Frame>>[] = [];
  const begin = async (frame: Frame): Promise<Measured<Frame>> => {
    try {
      return { frame, answer: await measureOne(frame) };
    } catch (error) {
      return { frame, answer: { ok: false, failure: encodeFailure(error) } };
    }
  };
  let next = 0;
  for (;;) {
    while (underWay.length < ahead && next < frames.length) underWay.push(begin(frames[next++] as Frame));
    const first = underWay.shift();
    if (first === undefined) return;
    yield await first;
  }
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      throw new Failure("usage.invalid", `${path}: no such file or directory`, {
        hint: "check the name",
        cause: error,
      });
    }
    throw error;
  }
}
