// A file is read by its content. If its name says something else, that is said once; that a JPEG loses detail is said under any name.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { framesOf } from "../../src/analysis/frames.ts";
import { decodePicture } from "../../src/image/decode.ts";
import { CaptureTimes } from "../../src/image/times/capture-times.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { grayPicture, writePng, writeTiff } from "./picture-writers.ts";

const picture = grayPicture(20, 10, 8, 1);
const raw = { width: picture.width, height: picture.height, channels: 1 } as const;
const jpeg = () => sharp(picture.pixels, { raw }).jpeg().toBuffer();
const LOSSY = expect.stringMatching(/^a\.\w+: it is a JPEG, whose compression loses detail .*; save PNG or TIFF/);

it.each([
  ["tif", writePng, ["a.tif: its name says TIFF, but it is a PNG; phorest reads it as PNG"]],
  ["png", writeTiff, ["a.png: its name says PNG, but it is a TIFF; phorest reads it as TIFF"]],
  ["png", writePng, []],
  ["btf", writeTiff, []],
  ["tif", jpeg, ["a.tif: its name says TIFF, but it is a JPEG; phorest reads it as JPEG", LOSSY]],
  ["JPG", jpeg, [LOSSY]],
])("a .%s is read by its content", async (ending, write, lines) => {
  const directory = temporaryDirectory();
  const paths = ["a", "b"].map((name) => join(directory, `${name}.${ending}`));
  for (const path of paths) writeFileSync(path, await write(picture));
  const said: string[] = [];
  const frames = await framesOf(paths, {}, new CaptureTimes(), (line) => said.push(line));
  expect(frames.map(({ path, failure }) => [path, failure])).toEqual(paths.map((path) => [path, undefined]));
  expect(said.filter((line) => /name says|JPEG/.test(line)).map((line) => line.replace(/^b\./, "a."))).toEqual(lines);
  expect(await decodePicture(paths[0] ?? "")).toMatchObject({ width: 20, height: 10 });
});
