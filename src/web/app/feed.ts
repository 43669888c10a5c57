// Loads what is shown and loads it again when there is new data. It makes one request at a time: frames that arrive faster than
// the page can draw are drawn together. Once it has an answer it asks only for what is new.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get, reasonOf } from "./api.ts";

/** What an answer states about itself, so that the next one can contain only the end. */
interface Continued {
  readonly key: string;
  readonly outcome: number;
}

interface Listener<T> {
  /** Returns the complete view from the previous view and an answer. */
  merge(before: T | undefined, answer: T): T;
  take(view: T): void;
  failed(message: string): void;
}

class Feed<T extends Continued> {
  readonly #listener: Listener<T>;
  #asked: { readonly address: string; readonly ending: AbortController } | undefined;
  #again = false;
  #view: T | undefined;

  constructor(listener: Listener<T>) {
    this.#listener = listener;
  }

  /** Loads an address: a new one at once, the same one again after the current request. */
  read(address: string): void {
    if (this.#asked?.address === address) {
      this.#again = true;
      return;
    }
    this.close();
    const asked = { address, ending: new AbortController() };
    this.#asked = asked;
    void this.#follow(asked);
  }

  close(): void {
    this.#asked?.ending.abort();
    this.#asked = undefined;
  }

  async #follow(asked: { readonly address: string; readonly ending: AbortController }): Promise<void> {
    do {
      this.#again = false;
      const before = this.#view;
      const known = before === undefined ? "" : `&key=${encodeURIComponent(before.key)}&after=${before.outcome}`;
      try {
        const answer = await get<T>(`${asked.address}${known}`, asked.ending.signal);
        if (this.#asked !== asked) return;
        this.#view = this.#listener.merge(before, answer);
        this.#listener.take(this.#view);
      } catch (error) {
        if (this.#asked !== asked) return;
        this.#listener.failed(reasonOf(error));
      }
    } while (this.#again);
    this.#asked = undefined;
  }
}

/**
 * Returns the view at an address, undefined until loaded; loads it again when an item of `news` changes. `message` gets what
 * `noteOf` returns for each view, or the reason why there is none.
 */
export function useFeed<T extends Continued>(
  address: string | undefined,
  news: readonly unknown[],
  merge: (before: T | undefined, answer: T) => T,
  message: (text: string) => void,
  noteOf: (view: T) => string = () => "",
): T | undefined {
  const [view, setView] = useState<T>();
  const feed = useRef<Feed<T>>();
  feed.current ??= new Feed({
    merge,
    take: (seen) => {
      setView(seen);
      message(noteOf(seen));
    },
    failed: message,
  });
  // A layout effect sends the request before the browser paints, instead of after it.
  useLayoutEffect(() => {
    if (address !== undefined) feed.current?.read(address);
  }, [address, ...news]);
  useEffect(() => () => feed.current?.close(), []);
  return view;
}
