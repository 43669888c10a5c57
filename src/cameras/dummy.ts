// The dummy camera: replays one picture, or the pictures of a directory in name order, repeatedly.
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Failure } from "../failure/failure.ts";
import { decodePicture } from "../image/decode.ts";
import { READ_KINDS } from "../image/foreign-kinds.ts";
import { type FrameSubset, NO_FRAME_IN_WINDOW, selectFrames } from "../image/frame-subset.ts";
import { otherPages, type Picture } from "../image/picture.ts";
import { listPictures } from "../image/picture-files.ts";
import type { CaptureTimes } from "../image/times/capture-times.ts";
import { createSimulator } from "../simulator/simulator.ts";
import { counted } from "../system/counted.ts";
import type { CapturedFrame, Found, Source } from "./frame.ts";
import { exposureMoment } from "./timestamp.ts";

export interface DummyOptions {
  /** A picture or a directory; undefined: a built-in picture of the simulated chip. */
  readonly replayPath: string | undefined;
  /** The pictures of a directory to replay; absent: all. */
  readonly subset?: FrameSubset | undefined;
  /** Reads capture times, for the time window of the subset. */
  readonly times?: CaptureTimes;
  /** Time stamp of the next capture, microseconds since the epoch. */
  readonly clock: () => number;
}

export class Dummy implements Source {
  private readonly options: DummyOptions;
  private paths: string[] = [];
  private next = 0;
  private unchosen: string | undefined;
  /** The last decoded picture: replaying a single one needs no decoding. */
  private last: { readonly path: string; readonly picture: Picture } | undefined;

  constructor(options: DummyOptions) {
    this.options = options;
  }

  async probe(): Promise<readonly Found[]> {
    const { replayPath } = this.options;
    const details = replayPath === undefined ? [] : [counted((await picturesAt(replayPath)).length, "image")];
    const toml = [
      'camera_type = "dummy"',
      ...(replayPath === undefined ? [] : [`dummy_path = ${JSON.stringify(replayPath)}`]),
    ];
    return [{ name: "dummy", description: `replays ${replayPath ?? "a built-in image"}`, details, toml }];
  }

  async open(): Promise<void> {
    const { replayPath, subset, times } = this.options;
    this.next = 0;
    const { taken, leftOut } =
      replayPath === undefined ? NOTHING : chosenFrames(await picturesAt(replayPath, times), subset ?? {});
    this.paths = taken.map(({ path }) => path);
    this.unchosen = leftOut;
    if (replayPath === undefined) this.last = { path: "built-in", picture: createSimulator().render(0, 0) };
  }

  async capture(_signal: AbortSignal): Promise<CapturedFrame> {
    const path = this.paths[this.next % this.paths.length] ?? this.last?.path;
    if (path === undefined) throw new Failure("camera.unavailable", "the dummy camera is not open", { retry: "later" });
    const moment = exposureMoment(this.options.clock, undefined);
    const picture = this.last?.path === path ? this.last.picture : await decodePicture(path);
    this.last = { path, picture };
    // Counted only now, so that an unreadable picture fails again instead of being silently skipped.
    this.next += 1;
    return { picture, ...moment, settings: { source: basename(path) }, warnings: this.unsaid(picture, path) };
  }

  async close(): Promise<void> {
    this.last = undefined;
  }

  leftOut(): readonly string[] {
    return this.unchosen === undefined ? [] : [this.unchosen];
  }

  /** Returns a line about pages that are left out, if the picture is one of several in a file. */
  private unsaid({ pages }: Picture, path: string): string[] {
    const others = otherPages(pages);
    return others === undefined ? [] : [`${basename(path)}: ${others}`];
  }
}

interface Replayed {
  readonly path: string;
  readonly takenAtUs: number;
}

const NOTHING = { taken: [] as readonly Replayed[], leftOut: undefined };

/** As `selectFrames`, but for the camera, which retries: the problem may go away. */
function chosenFrames(frames: readonly Replayed[], subset: FrameSubset): ReturnType<typeof selectFrames<Replayed>> {
  try {
    return selectFrames(frames, subset);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure("camera.unavailable", error.message, { hint: NO_FRAME_IN_WINDOW, retry: "later", cause: error });
  }
}

async function picturesAt(path: string, times?: CaptureTimes): Promise<Replayed[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw new Failure("camera.unavailable", `${path}: the image of the dummy camera does not exist`, {
      hint: "set Camera.dummy_path to an image or a directory of images",
      retry: "later",
      cause: error,
    });
  });
  if (!found.isDirectory()) return [{ path, takenAtUs: found.mtimeMs * 1000 }];
  const files = await listPictures(path, { followLinks: true, times });
  if (files.length > 0) return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  throw new Failure("camera.unavailable", `${path}: this directory has no images for the dummy camera`, {
    hint: READ_KINDS,
    retry: "later",
  });
}
