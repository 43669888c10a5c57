// Measures many picture files: lists them, and measures them in order with a limited number at once.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../failure/error-code.ts";
import { encodeFailure, Failure } from "../failure/failure.ts";
import { READ_KINDS } from "../image/foreign-kinds.ts";
import { type OtherFile, otherKinds } from "../image/other-kinds.ts";
import { isPictureName } from "../image/picture-name.ts";
import { counted, shortList } from "../system/counted.ts";
import { readNames, unusableNameLine } from "../system/names-in-bytes.ts";
import type { TaskAnswer } from "./task.ts";

const MOST_NAMED = 3;

export interface Measured<Frame> {
  readonly frame: Frame;
  readonly answer: TaskAnswer;
}

/**
 * Returns the pictures that `paths` select: a file whatever its name is, and the pictures directly in a directory, by name.
 * `skipped` is called with a line for each picture whose name cannot be used, and for images of unsupported kinds or names. Throws
 * Failure `usage.invalid` for a path that does not exist or a directory without pictures.
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
    const others = await otherKinds(path, found.names);
    if (names.length === 0) throw noImage(path, others);
    for (const line of leftOut(path, others)) skipped(line);
    pictures.push(...names.map((name) => join(path, name)));
  }
  return pictures;
}

/**
 * Measures frames with `measureOne`, at most `ahead` at a time, and yields the results in the order of `frames`. An error
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

/** "z.czi (a Zeiss CZI file), n.nd2 (a Nikon ND2 file) and 8 more". */
const named = (others: readonly OtherFile[]): string =>
  shortList(
    others.map(({ name, kind }) => `${name} (${kind.name})`),
    MOST_NAMED,
  );

/** One line for the files of kinds that are not read, and one for those that are read only if they are named. */
function leftOut(directory: string, others: readonly OtherFile[]): string[] {
  const foreign = others.filter(({ kind }) => kind.isReadByName !== true);
  const misnamed = others.filter(({ kind }) => kind.isReadByName === true);
  const lines: string[] = [];
  if (foreign.length > 0) {
    const files = counted(foreign.length, "file");
    lines.push(`${directory}: left out ${files} of kinds that phorest does not read: ${named(foreign)}`);
  }
  const [first] = misnamed;
  if (first !== undefined) {
    lines.push(`${directory}: left out ${counted(misnamed.length, "file")}: ${named(misnamed)}; ${remedyOf(first)}`);
  }
  return lines;
}

const remedyOf = ({ kind }: OtherFile): string =>
  kind.isReadByName === true ? `name the file itself, or ${kind.remedy}` : kind.remedy;

/** Returns the Failure for a directory without images. Names the kinds of files in it if one is an unsupported image. */
function noImage(directory: string, others: readonly OtherFile[]): Failure {
  const none = `${directory}: no image in this directory`;
  const [first] = others;
  if (first === undefined) {
    return new Failure("usage.invalid", none, { hint: `${READ_KINDS}; subdirectories are not searched` });
  }
  const which = others.some(({ kind }) => kind.isReadByName) ? "of other kinds" : "of kinds that phorest does not read";
  const text =
    others.length === 1
      ? `${none}; ${first.name} is ${first.kind.name}${first.kind.isReadByName === true ? "" : ", which phorest does not read"}`
      : `${none}, but ${counted(others.length, "file")} ${which}: ${named(others)}`;
  return new Failure("usage.invalid", text, { hint: remedyOf(first) });
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
