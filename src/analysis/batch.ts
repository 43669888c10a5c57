// Measuring many picture files: which ones, and in order with a bounded number in flight.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, hasCode } from "../failure/error-code.ts";
import { encodeFailure, Failure } from "../failure/failure.ts";
import { foreignKind, KIND_BYTES, READ_KINDS } from "../image/foreign-kinds.ts";
import { isPictureName } from "../image/picture-name.ts";
import { withPictureFile } from "../image/read-picture.ts";
import { bytesAt, sourceOfFile } from "../image/tiff/byte-source.ts";
import { printable } from "../system/file-name.ts";
import { readNames, unusableNameLine } from "../system/names-in-bytes.ts";
import type { TaskAnswer } from "./task.ts";

/** Number of files of a directory without images that are looked into. */
const MOST_LOOKED_AT = 32;

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
    if (names.length === 0) throw await noImage(path, found.names);
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

/** Says of the files that are there what they are, where one is an image of a kind that is not read. */
async function noImage(directory: string, names: readonly string[]): Promise<Failure> {
  const none = `${directory}: no image in this directory`;
  for (const name of [...names].sort().slice(0, MOST_LOOKED_AT)) {
    const kind = foreignKind(await firstBytes(join(directory, name), KIND_BYTES));
    if (kind === undefined) continue;
    const text = `${none}; ${printable(name).slice(1, -1)} is ${kind.name}, which phorest does not read`;
    return new Failure("usage.invalid", text, { hint: kind.remedy });
  }
  return new Failure("usage.invalid", none, { hint: `${READ_KINDS}; subdirectories are not searched` });
}

/** None of what is no regular file, or may not be read. */
async function firstBytes(path: string, count: number): Promise<Uint8Array> {
  try {
    if (!(await stat(path)).isFile()) return new Uint8Array(0);
    return await withPictureFile(path, ({ handle, bytes }) => bytesAt(sourceOfFile(handle, bytes), 0, count));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return new Uint8Array(0);
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
