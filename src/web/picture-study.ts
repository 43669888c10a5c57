// Serves images that the user selects: the list of frames, the difference of two, and an ROI's profiles in several. The images
// are decoded in a separate process, so that the newest frame remains available.
import { frameIntervals, histogramOf, intervalSummary } from "../assay/intervals.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import type { LogLevel } from "../log/levels.ts";
import type { Analysis } from "../manifest/analyses.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { frameName } from "../manifest/page-rows.ts";
import { pictureRoots, placeOf } from "../manifest/picture-place.ts";
import { shownPath } from "../system/confined-file.ts";
import { withDeadline } from "../system/deadline.ts";
import type { DifferenceAnswer, PictureFile } from "./picture-jobs.ts";
import { PictureProcess } from "./picture-process.ts";
import type { DifferenceView, FramesView, FrameTimeView, ProfilesView } from "./picture-views.ts";

/** Maximum number of frames on the slider; the user selects any other by its number. */
const MOST_LISTED = 1000;
/** Shorter than the time after which the server closes a silent connection. */
const ANSWER_MS = 10_000;

export class PictureStudy {
  readonly #manifest: Manifest;
  readonly #config: Config;
  readonly #process: PictureProcess;
  /** The last requests: a repeated request gets the finished answer. */
  #difference: { readonly key: string; readonly answer: Promise<DifferenceAnswer> } | undefined;
  #profiles: { readonly key: string; readonly answer: Promise<Float64Array[]> } | undefined;

  constructor(manifest: Manifest, config: Config, log: (level: LogLevel, message: string) => void) {
    this.#manifest = manifest;
    this.#config = config;
    this.#process = new PictureProcess(log);
  }

  async close(): Promise<void> {
    await this.#process.close();
  }

  /** Returns frames that have an image, spread over the experiment, and the intervals between all frames. */
  frames(): FramesView {
    const timesUs = Float64Array.from(this.#manifest.history.captureTimesUs());
    const seconds = frameIntervals(timesUs);
    return {
      frames: this.#manifest.pictures
        .spread(MOST_LISTED)
        .map(({ entryId, capturedAtUs }) => ({ entryId, capturedAt: capturedAtUs / 1000 })),
      intervals: seconds.length === 0 ? undefined : { ...intervalSummary(seconds), bars: histogramOf(seconds) },
    };
  }

  /** Returns the difference of two frames. Throws a Failure if one has no image, or their sizes differ. */
  async difference(a: number, b: number): Promise<DifferenceView> {
    const { moved, png: _, ...answer } = await this.#differenceOf(a, b);
    return { ...answer, a: this.#timeOf(a), b: this.#timeOf(b), moved };
  }

  /** Returns the difference as a PNG. */
  async differencePng(a: number, b: number): Promise<Uint8Array> {
    return (await this.#differenceOf(a, b)).png;
  }

  /** Returns an ROI's profiles in several frames; undefined for an unknown label. Throws a Failure as `difference` does. */
  async profiles(analysis: Analysis, label: string, entries: readonly number[]): Promise<ProfilesView | undefined> {
    const { roiManifestId, analysisId } = analysis;
    const manifest = roiManifestId === undefined ? undefined : this.#manifest.analyses.roiManifest(roiManifestId);
    const roi = manifest?.rois.find((one) => one.label === label);
    if (manifest === undefined || roi === undefined) return undefined;
    const pictures = entries.map((entry) => this.#fileOf(entry));
    const key = JSON.stringify([analysisId, label, entries]);
    if (this.#profiles?.key !== key) {
      const { imageAngle } = manifest;
      const answer = this.#process.ask(label, { type: "profiles", pictures, roi, imageAngle });
      this.#profiles = { key, answer };
      answer.catch(() => {
        if (this.#profiles?.answer === answer) this.#profiles = undefined;
      });
    }
    const rows = await soon(this.#profiles.answer);
    return {
      label,
      profiles: entries.map((entry, at) => ({
        ...this.#timeOf(entry),
        profile: Array.from(rows[at] ?? [], (value) => Number(value.toFixed(2))),
      })),
    };
  }

  #differenceOf(a: number, b: number): Promise<DifferenceAnswer> {
    const [one, other] = [this.#fileOf(a), this.#fileOf(b)];
    const key = `${a}/${b}`;
    if (this.#difference?.key !== key) {
      const answer = this.#process.ask(one.where, { type: "difference", a: one, b: other });
      this.#difference = { key, answer };
      answer.catch(() => {
        if (this.#difference?.answer === answer) this.#difference = undefined;
      });
    }
    return soon(this.#difference.answer);
  }

  #timeOf(entryId: number): FrameTimeView {
    return { entryId, capturedAt: (this.#manifest.pictures.timeUs(entryId) ?? Number.NaN) / 1000 };
  }

  #fileOf(entryId: number): PictureFile {
    const row =
      this.#manifest.pictures.timeUs(entryId) === undefined ? undefined : this.#manifest.checks.picture(entryId);
    if (row === undefined) throw new Failure("frame.missing", `frame ${entryId} has no image`);
    const file = placeOf(row, pictureRoots(this.#config));
    return {
      key: String(entryId),
      file,
      where: `frame ${entryId} (${frameName(row.filename, row.page)}), ${shownPath(file)}`,
    };
  }
}

/** Answers before the server closes the connection. The work continues, and a later request gets its result. */
function soon<T>(work: Promise<T>): Promise<T> {
  const late = () =>
    new Failure("web.unavailable", "the images are still being decoded", {
      hint: "the computer is busy or the images are large; try again in a few seconds",
      retry: "later",
    });
  return withDeadline(work, ANSWER_MS, late);
}
