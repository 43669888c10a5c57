// Loads the shown curves and reloads them when there is new data. It makes one request at a time: frames that arrive faster
// than the page can draw are drawn together.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { CurvesView } from "../views.ts";
import { get, reasonOf } from "./api.ts";
import { broughtUpToDate } from "./drawn.ts";

interface Listener {
  take(view: CurvesView): void;
  failed(message: string): void;
}

class CurveFeed {
  readonly #listener: Listener;
  #asked: { readonly address: string; readonly ending: AbortController } | undefined;
  #again = false;
  #view: CurvesView | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Loads the curves: a new address at once, the same address again after the current request. */
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
      const known = before === undefined ? "" : `&key=${before.key}&after=${before.outcome}`;
      try {
        const answer = await get<CurvesView>(`${asked.address}${known}`, asked.ending.signal);
        if (this.#asked !== asked) return;
        this.#view = broughtUpToDate(before, answer);
        this.#listener.take(this.#view);
      } catch (error) {
        if (this.#asked !== asked) return;
        this.#listener.failed(reasonOf(error));
      }
    } while (this.#again);
    this.#asked = undefined;
  }
}

/** The curves of an address, undefined until loaded; loads them again when an item of `news` changes. */
export function useCurves(
  address: string | undefined,
  news: readonly unknown[],
  message: (text: string) => void,
): CurvesView | undefined {
  const [view, setView] = useState<CurvesView>();
  const feed = useRef<CurveFeed>();
  feed.current ??= new CurveFeed({
    take: (seen) => {
      setView(seen);
      message(unknownNamesText(seen));
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

/** Warns of names that match nothing: without the warning, curves would look referenced although they are not. */
function unknownNamesText({ unknown, references }: CurvesView): string {
  if (unknown.length === 0) return "";
  return `No ROI or group is named ${unknown.join(", ")}.${references.length === 0 ? " No reference is subtracted." : ""}`;
}
