// The process that decodes pictures for the page. It is separate so that a picture that needs too much memory stops nothing
// else. It holds one picture. During a calibration, a thread that shares the pixels finds the chip in it.

import { encodeFailure } from "../failure/failure.ts";
import { listPages } from "../image/pages.ts";
import type { Picture } from "../image/picture.ts";
import type { LogLevel } from "../log/levels.ts";
import type { NamedFile } from "../system/confined-file.ts";
import { sendToParent } from "../threads/parent-process.ts";
import { firstToGo, lowerProcessPriority } from "../threads/priority.ts";
import { RemoteWorker } from "../threads/remote-worker.ts";
import { differenceOf, profilesOf } from "./compared-pictures.ts";
import type { CalibratorAnswer, CalibratorJob, CalibratorSettings } from "./messages.ts";
import type { FromPictures, PictureAnswers, PictureFile, PictureJob, ToPictures } from "./picture-jobs.ts";
import { ShownPicture } from "./shown-picture.ts";

/** The page ends this process when a search takes too long. */
const NO_LIMIT_MS = 2 ** 31 - 1;

lowerProcessPriority();
const unprotected = firstToGo();

const post = (message: FromPictures) => sendToParent(message);
const log = (level: LogLevel, message: string) => post({ type: "log", level, message });

let shown: ShownPicture | undefined;
let before: string | undefined;
let loading: Promise<unknown> = Promise.resolve();
let calibrator: RemoteWorker<CalibratorSettings, CalibratorJob, CalibratorAnswer> | undefined;

/** Returns the picture and decodes it if it is not in memory; one at a time, so that two never take memory at once. */
function load(file: PictureFile): Promise<ShownPicture> {
  const loaded = loading.then(async () => {
    if (shown?.key === file.key) return shown;
    const next = await ShownPicture.read(file, { keepsDecoded: calibrator !== undefined });
    before = shown?.key;
    shown = next;
    return next;
  });
  // `loaded` reports the error to the request; the next picture must be decoded anyway.
  loading = loaded.catch((error: unknown) => log("debug", `${file.where}: ${error}`));
  return loaded;
}

async function tile({ picture, level, column, row }: Extract<PictureJob, { type: "tile" }>) {
  // The next picture arrived in the meantime.
  if (shown !== undefined && picture.key === before) return undefined;
  return (shown?.key === picture.key ? shown : await load(picture)).tile(level, column, row);
}

async function find({ picture: file, name, chip, anchors }: Extract<PictureJob, { type: "find" }>) {
  const { decoded } = await load(file);
  if (calibrator === undefined || decoded === undefined) throw new Error("this process does not find chips");
  const picture = sharedCopy(decoded);
  return calibrator.run({ type: "find", picture, name, chip, anchors }, NO_LIMIT_MS);
}

/** Returns the number of pictures in a file. */
async function pagesIn({ page: _, ...file }: NamedFile): Promise<number> {
  return (await listPages(file)).pages.length;
}

let shared: { readonly of: Picture; readonly copy: Picture } | undefined;

/** Copies the picture to memory that threads share. */
function sharedCopy(picture: Picture): Picture {
  if (shared?.of === picture) return shared.copy;
  const { pixels } = picture;
  const memory = new SharedArrayBuffer(pixels.byteLength);
  const copy = pixels instanceof Uint8Array ? new Uint8Array(memory) : new Uint16Array(memory);
  copy.set(pixels);
  shared = { of: picture, copy: { ...picture, pixels: copy } };
  return shared.copy;
}

async function answer(job: PictureJob): Promise<PictureAnswers[keyof PictureAnswers]> {
  switch (job.type) {
    case "view":
      return (await load(job.picture)).view;
    case "tile":
      return tile(job);
    case "profile":
      return (await load(job.picture)).profile(job.roi, job.imageAngle);
    case "pages":
      return pagesIn(job.picture.file);
    case "difference":
      return differenceOf(job.a, job.b);
    case "profiles":
      return profilesOf(job.pictures, job.roi, job.imageAngle);
    case "find":
      return find(job);
    case "write":
      if (calibrator === undefined) throw new Error("this process does not find chips");
      return calibrator.run({ type: "write" }, NO_LIMIT_MS);
    default:
      return job satisfies never;
  }
}

async function work(id: number, job: PictureJob): Promise<void> {
  try {
    post({ type: "done", id, answer: await answer(job) });
  } catch (error) {
    post({ type: "failed", id, failure: encodeFailure(error) });
  }
}

process.on("message", (message: ToPictures) => {
  switch (message.type) {
    case "open":
      if (message.calibrator !== undefined) calibrator = new RemoteWorker("calibrator", message.calibrator, log);
      if (unprotected !== undefined) log("debug", `the kernel may end other processes first: ${unprotected}`);
      return;
    case "job":
      void work(message.id, message.job);
      return;
    default:
      message satisfies never;
  }
});
// Without the server there is nothing to decode.
process.on("disconnect", () => process.exit());
