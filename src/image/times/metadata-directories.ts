// Manages the metadata.txt files of all directories that images come from.
import { errorCode } from "../../failure/error-code.ts";
import type { TimedFile } from "./find.ts";
import { MetadataDirectory } from "./metadata-txt.ts";

export class MetadataDirectories {
  readonly #known = new Map<string, MetadataDirectory>();
  readonly #nowMs: () => number;

  /** `nowMs`: monotonic clock. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Returns those next to a file, as of the last read. */
  of({ directory, followLinks = false }: Pick<TimedFile, "directory" | "followLinks">): MetadataDirectory {
    const known = this.#known.get(directory) ?? new MetadataDirectory(directory, followLinks, this.#nowMs);
    this.#known.set(directory, known);
    return known;
  }

  /** Reads new content next to a file; `names` are names of new files there, if known. */
  async refresh(file: TimedFile, names: Iterable<string> = []): Promise<void> {
    await this.of(file)
      .refresh(names)
      .catch((error: unknown) => {
        // The directory is listed elsewhere, where its errors are reported.
        if (errorCode(error) === undefined) throw error;
      });
  }
}
