// Decides which files of a watched directory belong to the measured series: if it contains several channels, planes or
// positions, only one of them.
import type { PageChoice } from "../image/chosen-pages.ts";
import { axesOfFiles } from "../image/file-axes.ts";
import type { ImageAxes } from "../image/image-axes.ts";
import type { PictureFile } from "../image/picture-files.ts";
import { type FileAxes, SeparateImages } from "../image/separate-images.ts";
import type { CaptureTimes } from "../image/times/capture-times.ts";

/** Number of files of an earlier run that are used to recognise the series. */
const MOST_TAKEN = 16;

interface Looked {
  readonly axes: FileAxes;
  /** Version of the complete file; undefined: it may have been written to since. */
  version: string | undefined;
}

export class FolderSeries {
  readonly #separate: SeparateImages;
  readonly #choice: PageChoice | undefined;
  readonly #times: CaptureTimes;
  readonly #place: { readonly directory: string; readonly followLinks: boolean };
  readonly #looked = new Map<string, Looked>();

  constructor(
    { directory, followLinks }: { readonly directory: string; readonly followLinks: boolean },
    times: CaptureTimes,
    choice?: PageChoice,
    before?: ImageAxes,
  ) {
    this.#place = { directory, followLinks };
    this.#choice = choice;
    this.#separate = new SeparateImages(choice, before);
    this.#times = times;
  }

  /**
   * Examines files that are seen for the first time, or of which pages may be left. `taken`: files that an earlier run took,
   * whose series is continued.
   */
  async look(fresh: readonly PictureFile[], taken: readonly PictureFile[]): Promise<void> {
    this.#separate.learn(await this.#axesOf(taken.slice(0, MOST_TAKEN)));
    await this.#learn(fresh, false);
  }

  /** Returns the complete files that belong to the series. A file that was incomplete at first sight is examined again. */
  async ofSeries(complete: readonly PictureFile[]): Promise<PictureFile[]> {
    const unknown = complete.filter(({ name, version }) => {
      const looked = this.#looked.get(name);
      return looked?.axes.axes.length === 0 && looked.version !== version;
    });
    await this.#learn(unknown, true);
    const others = new Set(unknown.filter((file) => !this.keeps(file)));
    return complete.filter((file) => !others.has(file));
  }

  /** Whether a file belongs to the series; counts it if not. Call it once for each file. */
  keeps({ name }: Pick<PictureFile, "name">): boolean {
    const looked = this.#looked.get(name);
    return looked === undefined || this.#separate.keeps(looked.axes);
  }

  /** Returns the chosen pages of a file. */
  choiceOf({ name }: Pick<PictureFile, "name">): PageChoice | undefined {
    const looked = this.#looked.get(name);
    return looked === undefined ? this.#choice : this.#separate.choiceOf(looked.axes);
  }

  /** Returns the axes of the chosen images of a file; undefined if none are known. */
  seriesOf({ name }: Pick<PictureFile, "name">): ImageAxes | undefined {
    const looked = this.#looked.get(name);
    return looked === undefined ? undefined : this.#separate.seriesOf(looked.axes);
  }

  /** What was left out, one line for each axis. */
  lines(): string[] {
    return this.#separate.lines();
  }

  async #learn(files: readonly PictureFile[], areComplete: boolean): Promise<void> {
    const axes = await this.#axesOf(files);
    this.#separate.learn(axes);
    files.forEach(({ name, version }, at) => {
      const found = axes[at];
      if (found !== undefined) this.#looked.set(name, { axes: found, version: areComplete ? version : undefined });
    });
  }

  #axesOf(files: readonly PictureFile[]): Promise<FileAxes[]> {
    return axesOfFiles(
      files.map((file) => ({ ...file, ...this.#place })),
      this.#times,
    );
  }
}
