// Messages about the pages of stacks: the same message is printed once for each file, and at the end how many more pages it is about.
import { type FileFrame, shownFrame } from "../analysis/frames.ts";
import { counted } from "../system/counted.ts";

type Page = Pick<FileFrame, "path" | "page">;

export class PageNotes {
  readonly #say: (line: string) => void;
  /** How many more pages of a file a message is about, by both. */
  readonly #repeated = new Map<string, { readonly path: string; readonly text: string; more: number }>();

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Prints a message about an image, unless it was printed for another page of its file. */
  note(frame: Page, text: string): void {
    const { path, page } = frame;
    if (page !== undefined) {
      const key = JSON.stringify([path, text]);
      const before = this.#repeated.get(key);
      if (before !== undefined) {
        before.more++;
        return;
      }
      this.#repeated.set(key, { path, text, more: 0 });
    }
    // Some messages name the file themselves.
    this.#say(text.includes(path) ? text : `${shownFrame(frame)}: ${text}`);
  }

  /** Prints how many more pages the messages are about. */
  end(): void {
    for (const { path, text, more } of this.#repeated.values())
      if (more > 0) this.#say(`${path}: the same for ${counted(more, "more page")}: ${text}`);
    this.#repeated.clear();
  }
}
