// Lists the pictures of a watched directory: all of them, or only those that changed since the last look if the system reports
// changes. Keeps what cannot be listed, for the log and the status.
import type { Failure } from "../failure/failure.ts";
import { OtherKinds } from "../image/other-kinds.ts";
import { describePictures, type ListOptions, listPictures, type PictureFile } from "../image/picture-files.ts";
import type { CaptureTimes } from "../image/times/capture-times.ts";
import { DirectoryChanges } from "../system/directory-changes.ts";

interface Place {
  readonly directory: string;
  readonly followLinks: boolean;
}

export class FolderListing {
  readonly #directory: string;
  readonly #changes: DirectoryChanges;
  readonly #options: ListOptions;
  /** Pictures that could not be examined: each is reported once. */
  readonly #unseen = new Set<string>();
  #unsaid: Failure[] = [];
  /** Lines from the last complete listing, and about files skipped since. */
  #skipped = new Set<string>();

  constructor({ directory, followLinks }: Place, times: CaptureTimes) {
    this.#directory = directory;
    this.#changes = new DirectoryChanges(directory);
    this.#options = {
      leftOut: (name, why) => {
        if (!this.#unseen.has(name)) this.#unsaid.push(why);
        this.#unseen.add(name);
      },
      skipped: (_name, line) => this.#skipped.add(line),
      followLinks,
      others: new OtherKinds(),
      times,
    };
  }

  /**
   * Returns the pictures that changed since the last call and those named in `waiting`. `isAll`: all pictures of the directory.
   * Throws as listPictures.
   */
  async changed(waiting: Iterable<string>): Promise<{ files: PictureFile[]; isAll: boolean }> {
    const changed = await this.#changes.take();
    if (changed !== undefined) {
      const names = new Set([...changed, ...waiting]);
      return { files: await describePictures(this.#directory, names, this.#options), isAll: false };
    }
    this.#skipped = new Set();
    return { files: await listPictures(this.#directory, this.#options), isAll: true };
  }

  /** Makes the next call return all pictures. */
  relist(): void {
    this.#changes.relist();
  }

  /** One line for each file that can never be taken under its present name. */
  skipped(): string[] {
    return [...this.#skipped];
  }

  /** Returns why pictures could not be examined, each once. */
  news(): string[] {
    return this.#unsaid.splice(0).map(({ message }) => `set aside for now: ${message}`);
  }

  close(): void {
    this.#changes.close();
  }
}
