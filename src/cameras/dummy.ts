// The dummy camera: replays one picture, or the pictures of a directory in name order, again and again.
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Failure } from "../failure/failure.ts";
import { decodePicture } from "../image/decode.ts";
import { otherPages, type Picture } from "../image/picture.ts";
import { listPictures } from "../image/picture-files.ts";
import { createSimulator } from "../simulator/simulator.ts";
import type { CapturedFrame, Found, Source } from "./frame.ts";
import { exposureMoment } from "./timestamp.ts";

export interface DummyOptions {
  /** A picture or a directory; undefined: a built-in picture of the simulated chip. */
  readonly replayPath: string | undefined;
  /** Time stamp of the next capture, microseconds since the epoch. */
  readonly clock: () => number;
}

export class Dummy implements Source {
  private readonly options: DummyOptions;
  private paths: string[] = [];
  private next = 0;
  /** The picture decoded last: replaying a single one costs no decoding. */
  private last: { readonly path: string; readonly picture: Picture } | undefined;

  constructor(options: DummyOptions) {
    this.options = options;
  }

  async probe(): Promise<readonly Found[]> {
    const { replayPath } = this.options;
    const details = replayPath === undefined ? [] : [`${(await picturesAt(replayPath)).length} images`];
    const toml = [
      'camera_type = "dummy"',
      ...(replayPath === undefined ? [] : [`dummy_path = ${JSON.stringify(replayPath)}`]),
    ];
    return [{ name: "dummy", description: `replays ${replayPath ?? "a built-in image"}`, details, toml }];
  }

  async open(): Promise<void> {
    const { replayPath } = this.options;
    this.next = 0;
    this.paths = replayPath === undefined ? [] : await picturesAt(replayPath);
    if (replayPath === undefined) this.last = { path: "built-in", picture: createSimulator().render(0, 0) };
  }

  async capture(_signal: AbortSignal): Promise<CapturedFrame> {
    const path = this.paths[this.next % this.paths.length] ?? this.last?.path;
    if (path === undefined) throw new Failure("camera.unavailable", "the dummy camera is not open", { retry: "later" });
    const moment = exposureMoment(this.options.clock, undefined);
    const picture = this.last?.path === path ? this.last.picture : await decodePicture(path);
    this.last = { path, picture };
    // Counted only now: a picture that cannot be read fails again instead of being skipped unseen.
    this.next += 1;
    return { picture, ...moment, settings: { source: basename(path) }, warnings: this.unsaid(picture, path) };
  }

  async close(): Promise<void> {
    this.last = undefined;
  }

  /** Pages that are left out, where the picture is taken from a file of several. */
  private unsaid({ pages }: Picture, path: string): string[] {
    const others = otherPages(pages);
    return others === undefined ? [] : [`${basename(path)}: ${others}`];
  }
}

async function picturesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw new Failure("camera.unavailable", `${path}: the image of the dummy camera does not exist`, {
      hint: "set Camera.dummy_path to an image or a directory of images",
      retry: "later",
      cause: error,
    });
  });
  if (!found.isDirectory()) return [path];
  const paths = (await listPictures(path, { followLinks: true })).map((file) => file.path).sort();
  if (paths.length > 0) return paths;
  throw new Failure("camera.unavailable", `${path}: this directory has no images for the dummy camera`, {
    hint: "PNG, TIFF, BMP and JPEG are read, and .gz of these",
    retry: "later",
  });
}
