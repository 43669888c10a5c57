// The curves that are shown, read again whenever something is new: one request at a time, so that frames that come faster
// than they can be drawn are drawn together, and never keep each other from being drawn.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { CurvesView } from "../views.ts";
import { get, reasonOf } from "./api.ts";
import { broughtUpToDate } from "./drawn.ts";

interface Listener {
  take(view: CurvesView): void;
  failed(said: string): void;
}

class CurveFeed {
  readonly #listener: Listener;
  #asked: { readonly address: string; readonly ending: AbortController } | undefined;
  #again = false;
  #view: CurvesView | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Reads the curves; of another address than before at once, else as soon as the answer that is under way is here. */
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

/** The curves of an address, undefined until they are here; read again when any of `news` is another. */
export function useCurves(
  address: string | undefined,
  news: readonly unknown[],
  said: (text: string) => void,
): CurvesView | undefined {
  const [view, setView] = useState<CurvesView>();
  const feed = useRef<CurveFeed>();
  feed.current ??= new CurveFeed({
    take: (seen) => {
      setView(seen);
      said(strangersSaid(seen));
    },
    failed: said,
  });
  // Before the screen is drawn, which would be waited for otherwise.
  useLayoutEffect(() => {
    if (address !== undefined) feed.current?.read(address);
  }, [address, ...news]);
  useEffect(() => () => feed.current?.close(), []);
  return view;
}

/** A reference that is none must not go unnoticed: the curves would look referenced. */
function strangersSaid({ unknown, references }: CurvesView): string {
  if (unknown.length === 0) return "";
  return `No ROI or group is called ${unknown.join(", ")}.${references.length === 0 ? " No reference is subtracted." : ""}`;
}
